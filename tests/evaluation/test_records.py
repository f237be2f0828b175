import json
from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t5gemma_app.evaluation.records import HeadSpec, RunSpec, canonical_json
from tests.evaluation.makers import make_spec

TEXTS = st.text(st.characters(codec=None), max_size=8)  # unpaired surrogates included
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


def shuffled(value, random):
    if isinstance(value, dict):
        names = list(value)
        random.shuffle(names)
        return {name: shuffled(value[name], random) for name in names}
    return [shuffled(entry, random) for entry in value] if isinstance(value, list) else value


@given(VALUES, st.randoms(use_true_random=False))
def test_canonical_json_knows_no_order_of_names_and_gives_the_value_back(value, random) -> None:
    text = canonical_json(value)
    assert text == canonical_json(shuffled(value, random))
    assert json.loads(text) == value
    assert canonical_json(json.loads(text)) == text
    assert text.isascii()


@given(VALUES, VALUES)
def test_different_values_have_different_texts(first, second) -> None:
    same = canonical_json(first) == canonical_json(second)
    assert same is (repr(shuffle_names(first)) == repr(shuffle_names(second)))


def shuffle_names(value):
    if isinstance(value, dict):
        return {name: shuffle_names(value[name]) for name in sorted(value)}
    return [shuffle_names(entry) for entry in value] if isinstance(value, list) else value


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [1, {"a": float("-inf")}]])
def test_numbers_without_a_word_are_refused(value) -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical_json(value)


@pytest.mark.parametrize("value", [{1: 2}, {None: 1}, {"a": {True: 1}}, {"a": object()}])
def test_what_is_not_json_is_refused(value) -> None:
    with pytest.raises(TypeError):
        canonical_json(value)


def test_a_run_id_is_fixed_by_its_spec() -> None:
    # A golden value: ids must stay the same from release to release.
    assert make_spec().run_id == "r1-d9baea9d9dabfe3cf506644831a0d49094a97969db95d9b0343b3a773f5486ae"


FIELDS = {
    "suite": "other",
    "suite_version": "2",
    "checkpoint": "other",
    "location": "google/other",
    "revision": "abc",
    "dtype": "bfloat16",
    "attention": "eager",
    "seed": 1,
    "limit": 5,
    "partial": True,
}
BENCHMARK = {
    "name": "cb",
    "formatter": "boolq:harness@2",
    "method": "generate",
    "prompt_hash": "q",
    "data": "sha256:others",
    "split": "test",
    "limit": 7,
    "head": HeadSpec("tiny-cb", "", "sha256:weights"),
}
HEAD = {"name": "other", "location": "owner/other", "revision": "abc", "longest": 64}


def test_every_field_belongs_to_the_identity() -> None:
    spec = make_spec()
    assert set(FIELDS) | {"benchmarks"} == set(asdict(spec))
    assert set(BENCHMARK) == set(asdict(spec.benchmarks[0]))
    changed = [replace(spec, **{name: value}) for name, value in FIELDS.items()]
    changed += [
        replace(spec, benchmarks=(replace(spec.benchmarks[0], **{name: value}),)) for name, value in BENCHMARK.items()
    ]
    answered = replace(spec.benchmarks[0], head=BENCHMARK["head"])
    assert set(HEAD) == set(asdict(BENCHMARK["head"]))
    changed += [
        replace(spec, benchmarks=(replace(answered, head=replace(answered.head, **{name: value})),))
        for name, value in HEAD.items()
    ]
    changed.append(make_spec("boolq", "cb"))
    changed.append(make_spec("cb", "boolq"))
    ids = {spec.run_id, *(other.run_id for other in changed)}
    assert len(ids) == len(changed) + 1


def test_a_spec_survives_its_canonical_text() -> None:
    spec = make_spec("boolq", "cb", limit=3, partial=True)
    assert RunSpec.from_dict(json.loads(spec.canonical())) == spec
    headed = replace(spec, benchmarks=(spec.benchmarks[0], replace(spec.benchmarks[1], head=BENCHMARK["head"])))
    assert RunSpec.from_dict(json.loads(headed.canonical())) == headed
    assert RunSpec.from_dict(json.loads(json.dumps(asdict(headed)))) == headed
    assert spec.partial
    assert not make_spec().partial
