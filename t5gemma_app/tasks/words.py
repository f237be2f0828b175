"""Where words are in a text, and which word pieces each is made of.

Boundaries come from the characters, because Gemma's pieces only mark the blank in front of a word and glue full stops
and closing quotes to its end. Where a piece holds parts of two words, they are taken as one: nothing can be decided
within a piece.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Literal, NamedTuple

Kind = Literal["space", "letter", "digit", "unspaced", "mark", "symbol"]

_ZERO_WIDTH_JOINER = "\u200d"
# Between two letters or digits these belong to the word: don't, state-of-the-art, U.S, name@host, AT&T.
_INNER = frozenset("'’.-‐‑&@·")
# Between two digits these too: 1,000 and 10:30.
_INNER_DIGITS = frozenset(",:")
# Scripts written without blanks, where every character is a boundary unless a piece says otherwise: Thai, Lao, Myanmar,
# Khmer, kana, and the ideographs.
_UNSPACED = (
    (0x0E00, 0x0EFF),
    (0x1000, 0x109F),
    (0x1780, 0x17FF),
    (0x3040, 0x30FF),
    (0x31F0, 0x31FF),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0xFF66, 0xFF9F),
    (0x20000, 0x3FFFF),
)
_SKIN_TONES = range(0x1F3FB, 0x1F400)


class Range(NamedTuple):
    """A stretch of a text."""

    start: int
    end: int


class Word(NamedTuple):
    """A word, and the numbers of the pieces it is made of; a given word may have none."""

    start: int
    end: int
    pieces: tuple[int, ...]


def split_words(text: str) -> tuple[Range, ...]:
    """Return the words of a text: runs of letters and digits, single symbols, single characters without blanks."""
    kinds = [_kind(character) for character in text]
    words: list[Range] = []
    for at, kind in enumerate(kinds):
        if kind == "space":
            continue
        if words and words[-1].end == at and _continues(text, kinds, at):
            words[-1] = Range(words[-1].start, at + 1)
        else:
            words.append(Range(at, at + 1))
    return tuple(words)


def join_tokens(tokens: Sequence[str]) -> tuple[str, tuple[Range, ...]]:
    """Return tokens as one text with blanks in between, and where in it each stands."""
    places, at = [], 0
    for token in tokens:
        places.append(Range(at, at + len(token)))
        at += len(token) + 1
    return " ".join(tokens), tuple(places)


def given_words(words: Sequence[Range], pieces: Sequence[Range]) -> tuple[Word, ...]:
    """Return given words with their pieces; a piece that reaches into several belongs to the first."""
    found: list[list[int]] = [[] for _ in words]
    for number, touched in enumerate(_touched(words, pieces)):
        if touched:
            found[touched[0]].append(number)
    return tuple(Word(word.start, word.end, tuple(own)) for word, own in zip(words, found, strict=True))


def found_words(text: str, pieces: Sequence[Range]) -> tuple[Word, ...]:
    """Return the words of a text with their pieces; words that share a piece become one.

    Args:
        text: What the pieces were made of.
        pieces: Their places, from left to right.
    """
    words = split_words(text)
    joined: list[tuple[int, int, list[int]]] = []
    last = -1
    for number, touched in enumerate(_touched(words, pieces)):
        if not touched:
            continue
        first = words[touched[0]]
        if touched[0] <= last:
            joined[-1][2].append(number)
        else:
            joined.append((first.start, first.end, [number]))
        start, _, own = joined[-1]
        joined[-1] = (start, max(joined[-1][1], words[touched[-1]].end), own)
        last = max(last, touched[-1])
    return tuple(Word(start, end, tuple(own)) for start, end, own in joined)


def _touched(words: Sequence[Range], pieces: Sequence[Range]) -> list[list[int]]:
    """Return for each piece the numbers of the words it has characters of."""
    result: list[list[int]] = []
    first = 0
    for piece in pieces:
        while first < len(words) and words[first].end <= piece.start:
            first += 1
        at, touched = first, []
        while at < len(words) and words[at].start < piece.end:
            touched.append(at)
            at += 1
        result.append(touched)
    return result


def _kind(character: str) -> Kind:
    if character.isspace():
        return "space"
    category = unicodedata.category(character)
    code = ord(character)
    if category[0] == "M" or category == "Cf" or code in _SKIN_TONES:
        return "mark"
    if any(low <= code <= high for low, high in _UNSPACED) and category[0] == "L":
        return "unspaced"
    if category[0] == "N":
        return "digit"
    return "letter" if category[0] == "L" or character == "_" else "symbol"


def _continues(text: str, kinds: Sequence[Kind], at: int) -> bool:
    """Return whether a character belongs to the word that ends in front of it."""
    kind = kinds[at]
    if kind == "mark" or text[at - 1] == _ZERO_WIDTH_JOINER:
        return True
    before = _before_marks(kinds, at)
    if kind in ("letter", "digit"):
        if before in ("letter", "digit"):
            return True
        return kinds[at - 1] == "symbol" and at > 1 and _is_inner(text, kinds, at - 1)
    return kind == "symbol" and at + 1 < len(text) and _is_inner(text, kinds, at)


def _before_marks(kinds: Sequence[Kind], at: int) -> Kind:
    """Return the kind of what stands in front of a place, accents and joiners passed over."""
    at -= 1
    while at > 0 and kinds[at] == "mark":
        at -= 1
    return kinds[at]


def _is_inner(text: str, kinds: Sequence[Kind], at: int) -> bool:
    """Return whether a symbol stands within a word."""
    before, after = _before_marks(kinds, at), kinds[at + 1]
    if text[at] in _INNER:
        return before in ("letter", "digit") and after in ("letter", "digit")
    return text[at] in _INNER_DIGITS and before == after == "digit"
