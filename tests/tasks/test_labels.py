from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t5gemma_app.errors import InputError
from t5gemma_app.tasks.labels import MOST_LABELS, read_labels


@pytest.mark.parametrize("wish", ["sport, politics;science", "sport\npolitics\nscience", " sport,politics,science, "])
def test_labels_are_read_as_people_type_them(wish: str) -> None:
    assert read_labels(wish) == ("sport", "politics", "science")


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ("", "no labels"),
        ("sport", "one label"),
        ("sport,,science", "Label 2 of 3 is empty"),
        (["a", " "], "Label 2 of 2 is empty"),
        ("Sport, politics, sport", "'sport' is there twice"),
        ("a, " + "b" * 201, "201 characters"),
        ([str(n) for n in range(1000)], "1,000 labels"),
    ],
)
def test_what_can_not_be_used_is_said(wish: str | list[str], words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_labels(wish)


@given(st.lists(st.text(), max_size=8) | st.text())
def test_labels_are_distinct_and_not_empty_or_refused(wish: list[str] | str) -> None:
    try:
        labels = read_labels(wish)
    except InputError:
        return
    assert 2 <= len(labels) <= MOST_LABELS and len(set(labels)) == len(labels)
    assert all(label == label.strip() and label for label in labels)
    "".join(labels).encode()
