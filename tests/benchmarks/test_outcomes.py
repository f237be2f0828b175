import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t5gemma_app.benchmarks.catalogue import formatter_named
from t5gemma_app.benchmarks.formatters.wsc import referent
from t5gemma_app.benchmarks.outcomes import generated, ranked
from tests.benchmarks.samples import example

finite = st.floats(-1e6, 0)


@given(st.lists(finite, min_size=2, max_size=6))
def test_the_most_probable_choice_is_predicted_and_the_first_of_ties(logprobs: list[float]):
    asked = example(choices=tuple("abcdef"[: len(logprobs)]), gold=0)
    sample = ranked(asked, logprobs, [1] * len(logprobs))
    assert sample.prediction == logprobs.index(max(logprobs))
    assert sample.outcome == ("right" if sample.prediction == 0 else "wrong")
    assert sample.scores == {"accuracy": float(sample.outcome == "right")}
    assert [choice.logprob for choice in sample.choices] == logprobs


@pytest.mark.parametrize("logprobs", [[-1.0, math.nan], [math.nan, math.nan], [-math.inf, -math.inf]])
def test_a_score_that_is_no_number_leaves_a_sample_unscored(logprobs: list[float]):
    sample = ranked(example(), logprobs, [1, 1])
    assert (sample.outcome, sample.prediction, sample.scores) == ("unscored", None, {})
    assert "log-probability" in sample.note
    assert len(sample.choices) == 2


def test_one_impossible_choice_is_no_fault():
    assert ranked(example(), [-math.inf, -2.0], [1, 1]).outcome == "right"


def test_scores_that_do_not_fit_the_choices_are_a_fault_of_the_caller():
    with pytest.raises(ValueError, match="3 scores for 2 choices"):
        ranked(example(), [-1.0, -2.0, -3.0])


def test_record_predicts_the_entity_and_judges_it_by_every_right_mention():
    row = {"entities": ("Ann Berg", "Berg", "Sund"), "answers": ("Ann Berg", "Berg")}
    asked = example(benchmark="record", choices=("1", "2", "3"), gold=row["answers"], row=row)
    assert ranked(asked, [-1.0, -0.5, -2.0]).prediction == "Berg"
    assert ranked(asked, [-1.0, -0.5, -2.0]).scores == {"f1": 1.0, "em": 1.0}
    wrong = ranked(asked, [-3.0, -2.5, -2.0])
    assert (wrong.prediction, wrong.outcome, wrong.scores) == ("Sund", "wrong", {"f1": 0.0, "em": 0.0})


def test_a_head_on_record_keeps_what_choosing_an_entity_needs():
    row = {"entity": "Berg", "answers": ("Ann Berg",)}
    asked = example(method="head", choices=("False", "True"), gold=0, row=row)
    sample = ranked(asked, [-0.1, -2.4])
    assert sample.scores == pytest.approx({"accuracy": 1.0, "right": -2.4, "f1": 2 / 3, "em": 0.0})


@pytest.mark.parametrize(
    ("text", "prediction", "outcome"),
    [
        ("entailment", "entailment", "right"),
        (" Entailment.\n", "entailment", "right"),
        ("not_entailment", "not_entailment", "wrong"),
        ("'not_entailment'", "not_entailment", "wrong"),
        ("entailment because", None, "unscored"),
        ("", None, "unscored"),
    ],
)
def test_a_generated_label_is_read_apart_from_case_and_punctuation(text, prediction, outcome):
    asked = example(method="generate", choices=("entailment", "not_entailment"), gold=("entailment",))
    sample = generated(asked, formatter_named("rte:t5@1"), text, tokens=3)
    assert (sample.prediction, sample.outcome) == (prediction, outcome)
    assert sample.choices[0].text == text


@given(st.text())
def test_any_text_is_a_label_or_unscored_and_is_kept(text: str):
    formatter = formatter_named("boolq:t5@1")
    sample = generated(example(method="generate", choices=formatter.words, gold=("True",)), formatter, text)
    assert sample.prediction in (*formatter.words, None)
    assert (sample.outcome == "unscored") == (sample.prediction is None) == bool(sample.note)
    assert sample.choices[0].text == text


def test_record_scores_whatever_was_written():
    asked = example(method="generate", choices=(), gold=("Ann Berg", "Berg"))
    formatter = formatter_named("record:t5@1")
    assert generated(asked, formatter, " berg.\n").scores == {"f1": 1.0, "em": 1.0}
    assert generated(asked, formatter, "Ann Lund").scores == {"f1": 0.5, "em": 0.0}
    assert generated(asked, formatter, "").outcome == "wrong"


@pytest.mark.parametrize(
    ("text", "noun", "word"),
    [
        ("the bunny", "The fuzzy bunny", "True"),
        ("fuzzy bunny", "bunny", "True"),
        ("Bob", "Bob's hat", "False"),
        ("Bob's hat", "bob's hat", "True"),
        ("the cat", "the dog", "False"),
        ("  ", "the dog", None),
        ("the", "the dog", None),
        ("dog", "her", "False"),
    ],
)
def test_a_referent_matches_by_its_words(text, noun, word):
    assert referent({"span1_text": noun}, text, ("False", "True")) == word


def test_a_referent_that_matches_is_right_only_where_the_label_says_so():
    formatter = formatter_named("wsc:t5@1")
    for label, outcome in (("True", "right"), ("False", "wrong")):
        asked = example(method="generate", choices=formatter.words, gold=(label,), row={"span1_text": "The dog"})
        sample = generated(asked, formatter, "dog")
        assert (sample.prediction, sample.outcome) == ("True", outcome)
