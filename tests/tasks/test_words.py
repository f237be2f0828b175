from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t5gemma_app.tasks.words import Range, found_words, given_words, join_tokens, split_words


def words(text):
    return [text[start:end] for start, end in split_words(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ana lives in Paris.", ["Ana", "lives", "in", "Paris", "."]),
        ('"Don\'t," she said: 3.5 of 1,000!', ['"', "Don't", ",", '"', "she", "said", ":", "3.5", "of", "1,000", "!"]),
        ("state-of-the-art U.S. AT&T a@b.com 10:30 x--y", None),
        ("  two   blanks\n\n\tand lines ", ["two", "blanks", "and", "lines"]),
        ("naïve e\u0301tude", ["naïve", "e\u0301tude"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("שלום, עולם", ["שלום", ",", "עולם"]),
        ("我在北京。", ["我", "在", "北", "京", "。"]),
        ("👍🏽👩\u200d👩\u200d👧!❤\ufe0fx", ["👍🏽", "👩\u200d👩\u200d👧", "!", "❤\ufe0f", "x"]),
        ("snake_case word.", ["snake_case", "word", "."]),
        ("end. -5 'quoted'", ["end", ".", "-", "5", "'", "quoted", "'"]),
        ("", []),
    ],
)
def test_words_are_what_a_reader_takes_for_words(text, expected):
    if expected is None:
        expected = ["state-of-the-art", "U.S", ".", "AT&T", "a@b.com", "10:30", "x", "-", "-", "y"]
    assert words(text) == expected


@given(st.text())
def test_words_hold_every_character_but_blanks(text):
    assert "".join(words(text)) == "".join(text.split())
    places = split_words(text)
    assert all(one.start < one.end for one in places)
    assert all(a.end <= b.start for a, b in itertools.pairwise(places))


def test_pieces_go_to_their_words():
    text = "Ana lives in Paris."
    pieces = [Range(0, 1), Range(1, 3), Range(3, 9), Range(9, 10), Range(10, 12), Range(12, 15), Range(15, 18)]
    pieces.append(Range(18, 19))
    found = found_words(text, pieces)
    assert [(text[w.start : w.end], w.pieces) for w in found] == [
        ("Ana", (0, 1)),
        ("lives", (2,)),
        ("in", (4,)),  # the blank alone, piece 3, is of no word
        ("Paris", (5, 6)),
        (".", (7,)),
    ]


def test_words_that_share_a_piece_become_one():
    text = "say «oui» now"
    pieces = [Range(0, 3), Range(3, 6), Range(6, 9), Range(9, 13)]  # " «o" and "ui»" each reach into two words
    found = found_words(text, pieces)
    assert [(text[w.start : w.end], w.pieces) for w in found] == [("say", (0,)), ("«oui»", (1, 2)), ("now", (3,))]


def test_bytes_of_one_character_are_of_one_word():
    found = found_words("a 😀", [Range(0, 1), Range(1, 2), *[Range(2, 3)] * 4])
    assert [w.pieces for w in found] == [(0,), (2, 3, 4, 5)]


def test_given_words_keep_their_places():
    text, places = join_tokens(["New York", "is", "big."])
    assert text == "New York is big."
    assert [text[start:end] for start, end in places] == ["New York", "is", "big."]
    pieces = [Range(0, 3), Range(3, 8), Range(8, 11), Range(11, 15), Range(15, 16)]
    assert [w.pieces for w in given_words(places, pieces)] == [(0, 1), (2,), (3, 4)]
    assert [w.pieces for w in given_words(places, [Range(0, 16)])] == [(0,), (), ()]


@given(st.text(max_size=40), st.lists(st.integers(0, 40)))
def test_any_cut_into_pieces_gives_whole_words(text, cuts):
    edges = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    pieces = [Range(a, b) for a, b in itertools.pairwise(edges)]
    found = found_words(text, pieces)
    held = {at for w in found for at in range(w.start, w.end)}
    assert {at for at, character in enumerate(text) if not character.isspace()} <= held
    used = [number for w in found for number in w.pieces]
    assert used == sorted(set(used))
    assert all(w.pieces and text[w.start].strip() and text[w.end - 1].strip() for w in found)
