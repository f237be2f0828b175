from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t5gemma_app.errors import InputError
from t5gemma_app.training.data.rows import TextRow, WordRow
from t5gemma_app.training.data.splits import hold_out, make_data


def rows(*labels: str) -> list[TextRow]:
    return [TextRow(f"text {number}", None, label, f"line {number}") for number, label in enumerate(labels)]


def one_label(row: TextRow) -> tuple[str, ...]:
    return (row.label,)


def made(train, evaluation=None, **options):
    return make_data(train, evaluation, ((), ()), one_label, **options)


def test_labels_are_ordered_as_numbers_or_names() -> None:
    assert made(rows("10", "9", "-1"), rows("9")).labels == ("-1", "9", "10")
    assert made(rows("b", "a", "b"), rows("a")).labels == ("a", "b")
    assert made(rows("b"), rows("a"), known=("b", "a", "c")).labels == ("b", "a", "c")


def test_the_report_counts_labels_and_repeated_rows() -> None:
    data = made([*rows("a", "a", "b"), rows("a")[0]], rows("a", "b"))
    train, evaluation = data.reports
    assert (train.rows, train.labels, train.repeated, train.longest) == (4, {"a": 3, "b": 1}, 1, 6)
    assert (evaluation.repeated, evaluation.held_out, data.commonest) == (2, False, 0)


@given(st.lists(st.sampled_from("abc"), min_size=40, max_size=120), st.integers(0, 50))
def test_the_same_share_of_every_label_is_held_out(labels: list[str], seed: int) -> None:
    everything = rows(*labels)
    kept, out = hold_out(everything, one_label, 0.25, seed)
    assert sorted([*kept, *out], key=lambda row: int(row.text[5:])) == everything
    for label in set(labels):
        assert abs(sum(row.label == label for row in out) - labels.count(label) * 0.25) <= 0.5
    assert hold_out(everything, one_label, 0.25, seed) == (kept, out)


def test_rows_with_many_labels_are_held_out_too() -> None:
    words = [WordRow(("a", "b"), ("X", "Y"), str(number)) for number in range(20)]
    kept, out = hold_out(words, lambda row: row.tags, 0.1, 0)
    assert (len(kept), len(out)) == (18, 2)


@pytest.mark.parametrize(
    ("train", "evaluation", "options", "words"),
    [
        (rows("a", "a"), rows("a"), {}, "All rows have the label 'a'"),
        (rows("good", "bad"), rows("goods"), {}, "line 0 has the label 'goods'.*Did you mean good"),
        (rows("a", "b"), None, {"share": 1.5}, "share to hold out is 1.5"),
        (rows("a"), None, {}, "too few"),
        (rows("a", "x"), rows("a"), {"known": ("a", "b")}, "label 'x'"),
    ],
)
def test_data_that_cannot_be_learnt_from_are_refused(train, evaluation, options, words: str) -> None:
    with pytest.raises(InputError, match=words):
        made(train, evaluation, **options)
