from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t5gemma_app.training.examples import Example
from t5gemma_app.training.losses import Answer
from t5gemma_app.training.parallel import IGNORED
from t5gemma_app.training.scores import Score, Scores, score, tag_spans


@pytest.mark.parametrize(
    ("tags", "spans"),
    [
        (["B-PER", "I-PER", "O", "B-LOC"], {(0, 2, "PER"), (3, 4, "LOC")}),
        (["B-PER", "B-PER"], {(0, 1, "PER"), (1, 2, "PER")}),
        (["I-PER", "I-LOC", "O", "I-LOC"], {(0, 1, "PER"), (1, 2, "LOC"), (3, 4, "LOC")}),
        (["B-PER", "I-LOC", "I-LOC"], {(0, 1, "PER"), (1, 3, "LOC")}),
        (["O", "O"], set()),
        ([], set()),
    ],
)
def test_spans_are_read_from_tags(tags: list[str], spans: set) -> None:
    assert tag_spans(tags) == spans


@given(st.lists(st.sampled_from(["O", "B-A", "I-A", "B-B", "I-B"]), max_size=30))
def test_spans_cover_every_tagged_word_once(tags: list[str]) -> None:
    covered = [place for start, end, _ in tag_spans(tags) for place in range(start, end)]
    assert sorted(covered) == [place for place, tag in enumerate(tags) if tag != "O"]


def test_accuracy_has_an_interval_and_a_baseline() -> None:
    rows = [Example((2,), (label,)) for label in (0, 0, 0, 1)]
    found = score("sequence", rows, [Answer(2.0, 4, 3, ())], [(0,), (0,), (1,), (1,)], ["a", "b"], commonest=0)
    accuracy, f1 = found.scores
    assert (accuracy.name, accuracy.value, accuracy.n, accuracy.baseline) == ("accuracy", 0.75, 4, 0.75)
    assert accuracy.low == pytest.approx(0.3006, abs=1e-3) and accuracy.high == pytest.approx(0.9544, abs=1e-3)
    assert f1.value == pytest.approx((0.8 + 2 / 3) / 2)
    assert found.loss == 0.5


def test_words_that_were_cut_off_count_as_wrong() -> None:
    rows = [Example((2, 3), (IGNORED, 1), lost=3)]
    found = score("token", rows, [Answer(0.0, 1, 1, ())], [(1,)], ["X", "Y"], commonest=1)
    assert (found.main.value, found.main.n, found.main.baseline) == (0.25, 4, 0.25)


def test_tags_of_spans_are_judged_by_spans() -> None:
    labels = ["O", "B-A", "I-A"]
    rows = [Example((2, 3, 4, 5), (IGNORED, 1, 2, 0)), Example((2, 3), (IGNORED, 1))]
    found = score("token", rows, [Answer(0.0, 4, 3, ())], [(1, 0, 0), (1,)], labels, commonest=0)
    assert (found.main.name, found.main.value) == ("span F1", 0.5)
    assert found.scores[1].value == 0.75


def test_texts_are_judged_by_their_loss_and_lower_is_better() -> None:
    found = score("text", [], [Answer(6.0, 3, 1, ()), Answer(2.0, 1, 1, ())], [], [], None)
    assert found.main.name == "loss" and found.main.value == 2.0
    assert found.scores[2].value == pytest.approx(math.exp(2))
    assert found.better_than(None) and found.better_than(2.5) and not found.better_than(1.0)
    assert Scores((Score("accuracy", 0.5, 2),), 0.0).better_than(0.4)
