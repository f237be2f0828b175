"""Differences between two answers."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t5gemma_app.tasks.difference import Difference, Part, compare, words_of

# Few words, so that texts share some of them, and everything else that can be typed.
WORDS = st.lists(st.sampled_from(["the", "cat", "sat.", "mat", "it's", "猫が", "\n", "  "]), max_size=30).map(" ".join)
TEXTS = st.one_of(WORDS, st.text())


def parts(*found: tuple[str, str]) -> tuple[Part, ...]:
    return tuple(Part(kind, text) for kind, text in found)  # type: ignore[arg-type]


@given(st.text())
def test_words_join_to_the_text(text: str) -> None:
    assert "".join(words_of(text)) == text


@given(TEXTS, TEXTS)
def test_parts_join_to_both_texts(reference: str, text: str) -> None:
    found = compare(reference, text)
    assert "".join(part.text for part in found.parts if part.kind != "missing") == text
    spoken = "".join(part.text for part in found.parts if part.kind != "added")
    assert "".join(spoken.split()) == "".join(reference.split())


@given(TEXTS, TEXTS)
def test_counts_are_those_of_the_texts(reference: str, text: str) -> None:
    found = compare(reference, text)
    assert found.same + found.added == len(words_of(text.lstrip()))
    assert found.same + found.missing == len(words_of(reference.lstrip()))
    assert found.none == (
        [word.strip() for word in words_of(reference.lstrip())] == [word.strip() for word in words_of(text.lstrip())]
    )


@given(TEXTS)
def test_a_text_is_like_itself(text: str) -> None:
    found = compare(text, text)
    assert found.none and found.parts == (parts(("same", text)) if text else ())


@given(TEXTS, TEXTS)
def test_neighbours_differ_in_kind_and_none_is_empty(reference: str, text: str) -> None:
    found = compare(reference, text).parts
    assert all(part.text for part in found)
    assert all(one.kind != other.kind for one, other in pairwise(found))


@pytest.mark.parametrize(
    ("reference", "text", "found"),
    [
        (
            "Paris is big.",
            "Paris is old.",
            (("same", "Paris is "), ("missing", "big"), ("added", "old"), ("same", ".")),
        ),
        ("one two", "one  two", (("same", "one  two"),)),
        ("one two three", "one three", (("same", "one "), ("missing", "two "), ("same", "three"))),
        ("", "new", (("added", "new"),)),
        ("old", "", (("missing", "old"),)),
        ("don't go", "don’t go", (("missing", "don't "), ("added", "don’t "), ("same", "go"))),
        ("猫が好き", "犬が好き", (("missing", "猫"), ("added", "犬"), ("same", "が好き"))),
    ],
)
def test_what_a_reader_would_mark(reference: str, text: str, found: tuple[tuple[str, str], ...]) -> None:
    assert compare(reference, text).parts == parts(*found)


def test_the_sentence_counts_in_words() -> None:
    assert compare("a b", "a  b").sentence("A") == "the same words as A"
    assert compare("a b c", "a x c").sentence("A") == "2 of 3 words as in A, 1 of A is missing"
    assert compare("a b c d", "a").sentence("A") == "1 of 1 word as in A, 3 of A are missing"
    assert compare("", "a b").sentence("A") == "0 of 2 words as in A"
    assert Difference().sentence("A") == "the same words as A"


def test_a_model_that_repeats_itself_takes_no_minute() -> None:
    found = compare("again " * 5_000, "and again " * 5_000)
    assert found.same + found.added == 10_000
