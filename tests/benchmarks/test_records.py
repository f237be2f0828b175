import json
import math
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from t5gemma_app.benchmarks.records import ChoiceRecord, Sample, cluster_of

finite = st.floats(allow_nan=False, allow_infinity=False)
samples = st.builds(
    Sample,
    id=st.text(),
    benchmark=st.text(),
    formatter=st.text(),
    group=st.text(),
    gold=st.integers(0, 9) | st.lists(st.text()).map(tuple),
    prediction=st.none() | st.integers(0, 9) | st.text(),
    outcome=st.sampled_from(["right", "wrong", "unscored"]),
    choices=st.lists(st.builds(ChoiceRecord, text=st.text(), logprob=finite, tokens=st.integers(0, 99))).map(tuple),
    scores=st.dictionaries(st.text(), finite),
    note=st.text(),
)


@given(samples)
def test_a_sample_survives_json(sample: Sample):
    assert Sample.from_dict(json.loads(json.dumps(sample.to_record()))) == sample
    assert Sample.from_dict(json.loads(json.dumps(sample.to_dict()))) == replace(sample, note="")


def test_a_line_has_the_published_fields_and_no_number_that_json_lacks():
    choices = (ChoiceRecord("x", math.nan, 1), ChoiceRecord("y", -math.inf, 2), ChoiceRecord("z", -0.5, 3))
    sample = Sample("7", "cb", "cb:t5@1", "g", ("a", "b"), None, "unscored", choices, {"f1": 0.5}, "why")
    line = sample.to_dict()
    assert line == {
        "benchmark": "cb",
        "formatter": "cb:t5@1",
        "id": "7",
        "group": "g",
        "gold": ["a", "b"],
        "prediction": None,
        "outcome": "unscored",
        "choices": [
            {"text": "x", "logprob": None, "tokens": 1},
            {"text": "y", "logprob": None, "tokens": 2},
            {"text": "z", "logprob": -0.5, "tokens": 3},
        ],
        "scores": {"f1": 0.5},
    }
    json.dumps(line, allow_nan=False)
    assert math.isnan(Sample.from_dict(line).choices[0].logprob)


def test_a_cluster_is_what_stands_before_the_slash():
    assert cluster_of("12/3") == cluster_of("12/4") == "12"
    assert cluster_of("lonely") == "lonely"
