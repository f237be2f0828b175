import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t5gemma_app.benchmarks.catalogue import FORMATTERS, benchmark_named, formatter_named
from t5gemma_app.benchmarks.formatter import Formatter, continued
from t5gemma_app.benchmarks.formatters import copa, multirc, record, wic, wsc
from t5gemma_app.benchmarks.rows import FOLDERS, read_rows
from t5gemma_app.errors import InputError
from tests.benchmarks.harness import scored_strings
from tests.benchmarks.samples import GOLDEN

REAL = Path(os.environ.get("SUPERGLUE_DIR", "none"))
real = pytest.mark.skipif(not REAL.is_dir(), reason="SUPERGLUE_DIR names no folder with official SuperGLUE files")

words = st.text(min_size=1).filter(lambda text: text.strip() != "")


def of(benchmark: str) -> list[Formatter]:
    return [formatter for formatter in FORMATTERS if formatter.name.startswith(f"{benchmark}:")]


@pytest.mark.parametrize("benchmark", FOLDERS)
def test_prompts_are_what_they_were(benchmark: str):
    """A changed prompt makes results incomparable: it is a new version with lines of its own, never a changed line."""
    rows, _ = read_rows(benchmark, GOLDEN / "rows", "val")
    lines = (GOLDEN / "expected" / f"{benchmark}.jsonl").read_text(encoding="utf-8").splitlines()
    made = [
        {
            "formatter": example.formatter,
            "id": example.id,
            "method": example.method,
            "context": example.context,
            "pair": example.pair,
            "choices": list(example.choices),
            "gold": list(example.gold) if isinstance(example.gold, tuple) else example.gold,
            "group": example.group,
        }
        for formatter in of(benchmark)
        for row in rows
        for example in formatter.function(row)
    ]
    assert made == [json.loads(line) for line in lines]


@pytest.mark.parametrize("benchmark", FOLDERS)
def test_choices_are_what_the_harness_scores(benchmark: str, tmp_path: Path):
    rows, _ = read_rows(benchmark, REAL if REAL.is_dir() else GOLDEN / "rows", "val", limit=200)
    formatter = formatter_named("harness@1", benchmark)
    ours = [
        [(example.context, choice) for choice in example.choices] for row in rows for example in formatter.function(row)
    ]
    assert ours == scored_strings(benchmark, rows, tmp_path)


@real
@pytest.mark.parametrize("benchmark", FOLDERS)
def test_real_rows_can_be_shown_in_every_way(benchmark: str):
    rows, _ = read_rows(benchmark, REAL, "val")
    for formatter in of(benchmark):
        examples = [example for row in rows for example in formatter.function(row)]
        assert len({example.id for example in examples}) == len(examples) >= len(rows)
        for example in examples:
            assert (example.formatter, example.method, example.benchmark) == (
                formatter.name,
                formatter.method,
                benchmark,
            )
            assert example.context.strip()
            if isinstance(example.gold, int):
                assert 0 <= example.gold < len(example.choices)
            else:
                assert example.gold


@given(context=st.text(), choices=st.lists(st.text(), min_size=1).map(tuple))
def test_moving_white_space_changes_no_text(context: str, choices: tuple[str, ...]):
    kept, moved = continued(context, choices)
    assert [kept + choice for choice in moved] == [context + choice for choice in choices]
    assert kept == kept.rstrip()


@given(premise=words, choice1=words, choice2=words, question=st.sampled_from(["cause", "effect"]))
def test_copa_takes_any_text(premise: str, choice1: str, choice2: str, question: str):
    row = {"idx": 1, "premise": premise, "choice1": choice1, "choice2": choice2, "question": question, "label": 1}
    (example,) = copa.harness(row)
    assert example.context.endswith(("because", "therefore"))
    assert [choice[2 + len(choice1[:1].lower()) :] for choice in example.choices[:1]] == [choice1[1:]]
    assert all(choice.startswith("  ") for choice in example.choices)
    assert choice2 in copa.head(row)[0].pair


@given(answer=st.text(alphabet=st.sampled_from("ab \\'\"n\n\r\x00é")), label=st.integers(0, 1))
def test_multirc_takes_any_answer_and_its_yes_means_correct(answer: str, label: int):
    row = {
        "idx": {"paragraph": 1, "question": 2, "answer": 3},
        "paragraph": "p",
        "question": "q",
        "answer": answer,
        "label": label,
    }
    (example,) = multirc.harness(row)
    assert example.choices[0].endswith("Is the answer correct? yes")
    assert example.choices[1].endswith("Is the answer correct? no")
    assert isinstance(example.gold, int)
    assert formatter_named("multirc:harness@1").class_of(example.gold) == label
    if not any(mark in answer for mark in ("\\", "\r", "'''")):
        assert example.choices[0] == f" {answer}\nIs the answer correct? yes"


@given(passage=words, query=st.text(), entities=st.sets(words, min_size=1).map(lambda s: tuple(sorted(s))))
def test_record_offers_every_entity_once(passage: str, query: str, entities: tuple[str, ...]):
    row = {
        "idx": {"passage": 1, "query": 2},
        "passage": passage,
        "query": f"{query} @placeholder",
        "entities": entities,
        "answers": entities[:1],
    }
    (ranked,) = record.harness(row)
    assert len(ranked.choices) == len(entities) == len(record.head(row))
    assert [example.gold for example in record.head(row)] == [1] + [0] * (len(entities) - 1)
    assert all(choice.startswith("\n") for choice in ranked.choices)


@given(
    before=st.lists(st.sampled_from(["it", "the", "dog,", '"', "It's", "(", "n't"]), min_size=1, max_size=6),
    after=st.lists(st.sampled_from(["it", "ran", ".", ")", "away."]), max_size=6),
    noun=st.integers(0, 5),
)
def test_wsc_marks_the_pronoun_at_its_index(before: list[str], after: list[str], noun: int):
    row = {
        "idx": 1,
        "text": " ".join([*before, "it", *after]),
        "span1_index": min(noun, len(before) - 1),
        "span1_text": before[min(noun, len(before) - 1)],
        "span2_index": len(before),
        "span2_text": "it",
        "label": 0,
    }
    assert wsc.text_to_text(row)[0].context == "wsc: " + " ".join([*before, "*it*", *after])
    marked = wsc.head(row)[0].context
    assert marked.replace("* ", "", 1).replace(" *", "", 1).replace("# ", "", 1).replace(" #", "", 1) == row["text"]
    assert "*it*" in wsc.harness(row)[0].context


def test_wsc_finds_a_pronoun_that_stands_after_its_index():
    row = {
        "idx": 1,
        "text": 'They wanted to use  "it," but it was late .',
        "span1_index": 0,
        "span1_text": "They",
        "span2_index": 3,
        "span2_text": "it",
        "label": 0,
    }
    assert wsc.text_to_text(row)[0].context == 'wsc: They wanted to use  "*it*," but it was late .'
    assert wsc.head(row)[0].context == '* They * wanted to use  "# it #," but it was late .'
    assert (
        wsc.text_to_text(row | {"span2_text": "them"})[0].context
        == 'wsc: They wanted to *use*  "it," but it was late .'
    )


@given(left=st.text(), word=words, right=st.text())
def test_wic_marks_exactly_the_span(left: str, word: str, right: str):
    row = {
        "idx": 1,
        "word": "a/b",
        "sentence1": left + word + right,
        "sentence2": word,
        "start1": len(left),
        "end1": len(left) + len(word),
        "start2": 0,
        "end2": len(word),
        "label": 1,
    }
    (example,) = wic.head(row)
    assert (example.context, example.pair) == (f"{left}* {word} *{right}", f"* {word} *")
    assert f"'{word}'" in wic.harness(row)[0].context
    assert example.group == "a|b"


@pytest.mark.parametrize(
    ("name", "benchmark", "message"),
    [
        ("boolq:hraness@1", "", "Did you mean boolq:harness@1"),
        ("harness@2", "cb", "no formatter 'harness@2' for cb.*cb:harness@1, cb:t5@1, cb:head@1"),
        ("boolq:harness@1", "cb", "no formatter 'boolq:harness@1' for cb"),
    ],
)
def test_an_unknown_formatter_is_refused_with_a_suggestion(name, benchmark, message):
    with pytest.raises(InputError, match=message):
        formatter_named(name, benchmark)


def test_an_unknown_benchmark_is_refused_with_a_suggestion():
    with pytest.raises(InputError, match="Did you mean multirc"):
        benchmark_named("multrc")


def test_an_answer_has_a_class_only_where_it_is_a_choice():
    formatter = formatter_named("boolq:t5@1")
    assert [formatter.class_of(answer) for answer in ("False", "True", "Maybe", None, 0, 5)] == [
        0,
        1,
        None,
        None,
        0,
        None,
    ]
