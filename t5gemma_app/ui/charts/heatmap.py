"""A table of numbers as colours: encoder sizes downwards, decoder sizes across."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from t5gemma_app.ui.charts.svg import drawing, hint, shape, shortened, words

_LEFT, _TOP, _GAP = 64.0, 44.0, 3.0
_WIDEST, _HIGHEST = 96.0, 52.0
STRONG = 0.8
"""From this much colour on, the number in a cell is written in the page's own colour."""
MIDDLE = 0.6
"""From here to there it is dark in both modes: neither the text's nor the page's colour can be read on it."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One number."""

    value: float
    """Score times 100."""
    hint: str
    action: str = ""


def heatmap(
    cells: Mapping[tuple[str, str], Cell], rows: Sequence[str], columns: Sequence[str], *, width: float, ident: str
) -> str:
    """Return the map; combinations without a number stay empty.

    Args:
        cells: Numbers by encoder and decoder.
        rows: Encoder sizes, from above.
        columns: Decoder sizes, from the left.
        width: In units of the drawing.
        ident: Unique on the page.
    """
    wide = min(_WIDEST, (width - _LEFT) / max(1, len(columns)))
    high = min(_HIGHEST, wide)
    values = [cell.value for cell in cells.values()]
    parts = [
        words(_LEFT, 11, "decoder →", "wb-c-name"),
        words(0, _TOP - 8, "encoder ↓", "wb-c-name"),
        *(words(_LEFT + (i + 0.5) * wide, _TOP - 8, shortened(c, 8), anchor="middle") for i, c in enumerate(columns)),
    ]
    for j, row in enumerate(rows):
        y = _TOP + j * high
        parts.append(words(_LEFT - 12, y + high / 2 + 4, shortened(row, 8), anchor="end"))
        for i, column in enumerate(columns):
            place = {"x": _LEFT + i * wide + _GAP / 2, "y": y + _GAP / 2, "width": wide - _GAP, "height": high - _GAP}
            cell = cells.get((row, column))
            if cell is None:
                parts.append(shape("rect", rx=4, css="wb-c-empty", **place))
                continue
            depth = colour_depth(cell.value, values)
            parts.append(_filled(cell, depth, place, _LEFT + (i + 0.5) * wide, y + high / 2 + 4))
    said = ", ".join(f"{e} with {d}: {cells[e, d].value:.1f}" for e in rows for d in columns if (e, d) in cells)
    return drawing(
        parts, width, _TOP + len(rows) * high + 4, "Best score by encoder and decoder size", said or "Empty.", ident
    )


def colour_depth(value: float, values: Sequence[float]) -> float:
    """Return how strong a cell's colour is, from the palest for the smallest number to 1 for the largest."""
    low, high = min(values), max(values)
    return 1.0 if high == low else round(0.12 + 0.88 * (value - low) / (high - low), 3)


def _filled(cell: Cell, depth: float, place: Mapping[str, float], x: float, y: float) -> str:
    css = "wb-c-on-strong" if depth >= STRONG else "wb-c-on-middle" if depth >= MIDDLE else "wb-c-on-pale"
    box = shape("rect", hint(cell.hint), rx=4, css="wb-c-cell", fill_opacity=depth, **place)
    number = words(x, y, f"{cell.value:.1f}", css, "middle")
    return shape("g", box + number, data_board=cell.action or None, css="wb-c-act" if cell.action else None)
