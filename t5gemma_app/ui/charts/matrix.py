"""A table of shares or likenesses as colours, with words on both sides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from t5gemma_app.ui.charts.heatmap import MIDDLE, STRONG
from t5gemma_app.ui.charts.svg import LETTER, drawing, hint, shape, shortened, words

_GAP = 1.5
_NARROWEST, _WIDEST, _HIGHEST = 12.0, 56.0, 26.0
_LEAST_FOR_NUMBERS = 30.0
"""From this width of a cell on its number is written into it."""
_ROW_LETTERS, _COLUMN_LETTERS = 26, 18
_WIDE_LETTER = 7.2
"""Width of a letter in words of one or two syllables, which have no narrow ones to make up for the wide."""
_SLANT = 0.78
"""Sine and cosine of the angle at which the columns' words stand, with a margin for wide letters."""


@dataclass(frozen=True, slots=True)
class Tile:
    """One number."""

    depth: float
    """How strong its colour is, from 0 to 1."""
    number: str
    hint: str


class Drawn(NamedTuple):
    """A drawing, and how wide it is in its own units."""

    svg: str
    width: float


def matrix(
    tiles: Sequence[Sequence[Tile]],
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    width: float,
    ident: str,
    title: str,
    description: str,
) -> Drawn:
    """Return the table; it is wider than asked for where its columns would be too narrow to see.

    Args:
        tiles: A row of numbers for each of `rows`.
        rows: Words at the left, from above.
        columns: Words above, from the left.
        width: In units of the drawing.
        ident: Unique on the page.
        title: What is drawn.
        description: The same in words, for those who can't see it.
    """
    letters = min(_ROW_LETTERS, int(width * 0.28 / LETTER), max(map(len, rows), default=1))
    left = letters * _WIDE_LETTER + 12
    named = [shortened(column, _COLUMN_LETTERS) for column in columns]
    top = max(map(len, named), default=1) * LETTER * _SLANT + 28
    overhang = len(named[-1]) * LETTER * _SLANT if named else 0.0
    wide = max(_NARROWEST, min(_WIDEST, (width - left - overhang) / max(1, len(columns))))
    high = min(_HIGHEST, max(_NARROWEST + 4, wide))
    parts = [_column(name, left + (i + 0.5) * wide, top - 8) for i, name in enumerate(named)]
    for j, (row, name) in enumerate(zip(tiles, rows, strict=True)):
        y = top + j * high
        parts.append(words(left - 8, y + high / 2 + 4, shortened(name, letters), anchor="end"))
        parts += [_tile(tile, left + i * wide, y, wide, high) for i, tile in enumerate(row)]
    whole = max(width, left + len(columns) * wide + overhang)
    return Drawn(drawing(parts, whole, top + len(rows) * high + 4, title, description, ident), whole)


def _column(name: str, x: float, y: float) -> str:
    return words(x, y, name, transform=f"rotate(-45 {x:.1f} {y:.1f})")


def _tile(tile: Tile, x: float, y: float, wide: float, high: float) -> str:
    box = shape(
        "rect",
        hint(tile.hint),
        x=x + _GAP / 2,
        y=y + _GAP / 2,
        width=wide - _GAP,
        height=high - _GAP,
        rx=2,
        css="wb-c-cell",
        fill_opacity=round(0.04 + 0.96 * tile.depth, 3),
    )
    if wide < _LEAST_FOR_NUMBERS:
        return box
    css = "wb-c-on-strong" if tile.depth >= STRONG else "wb-c-on-middle" if tile.depth >= MIDDLE else "wb-c-on-pale"
    return box + words(x + wide / 2, y + high / 2 + 4, tile.number, css, "middle")
