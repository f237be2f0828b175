"""Where an answer looked, and how alike texts are, as HTML and drawings; every text is escaped."""

from __future__ import annotations

import base64
from array import array
from collections.abc import Sequence

from t5gemma_app.tasks.embedding import Near
from t5gemma_app.tasks.looking import Picture, Stretch
from t5gemma_app.ui.charts.heatmap import colour_depth
from t5gemma_app.ui.charts.matrix import Drawn, Tile, matrix
from t5gemma_app.ui.charts.standalone import standalone
from t5gemma_app.ui.markup import text

WIDE, NARROW = 980, 356
MOST_INLINE, MOST_SAVED = 6_000, 40_000
"""Cells of a heat map on the page, and in a file."""
ABOUT = (
    "Computed in one pass over the whole answer with eager attention, the only kind that tells its weights; answers "
    "themselves are written with {attention}. A word of the answer shows where the decoder looked when it wrote that "
    "word. The strongest colour is the word that was looked at most; marks and blanks, on which attention often rests, "
    "are shown on the same scale."
)
MERGED = "Source and answer share one attention in T5Gemma 2, so what a word looked at here adds up to less than 100 %."


def look_html(picture: Picture, attention: str, *, merged: bool = False, where: str = "") -> str:
    """Return an answer above its source; the script lights up what a word looked at.

    Args:
        picture: One layer and head.
        attention: With what answers are computed, in words.
        merged: Whether shares add up to less than 1.
        where: Layer and head in words.
    """
    first = next((at for at, one in enumerate(picture.answer) if not one.mark), 0)
    about = ABOUT.format(attention=attention) + (f" {MERGED}" if merged else "")
    cells = len(picture.answer) * len(picture.source)
    drawn = _twice(picture, where) if cells <= MOST_INLINE else '<p class="wb-quiet">It is too large for the page.</p>'
    return (
        f'<div class="wb-look" data-first="{first}" data-width="{len(picture.source)}" '
        f'data-depths="{_packed_depths(picture)}" data-shares="{_packed_shares(picture)}">'
        f'<section><h3>Answer</h3><div class="wb-look-answer" dir="auto" role="group" aria-label="Words of the answer">'
        f"{''.join(map(_answer_word, range(len(picture.answer)), picture.answer))}</div>"
        '<p class="wb-look-most" role="status" aria-live="polite"></p></section>'
        f'<section><h3>Prompt, as it was sent</h3><div class="wb-look-source" dir="auto">'
        f"{''.join(map(_source_word, picture.source))}</div></section>"
        f'<details class="wb-look-map"><summary>Heat map</summary>{drawn}</details>'
        f'<p class="wb-quiet wb-look-about">{text(about)}</p></div>'
    )


def look_svg(picture: Picture, where: str) -> str:
    """Return the heat map as the content of a file."""
    return standalone(_map(picture, WIDE, "look", where).svg)


def similarity_html(rows: Sequence[str], columns: Sequence[str], table: Sequence[Sequence[float]]) -> str:
    """Return two lists of texts as a heat map, with the nearest pair in words."""
    drawings = "".join(
        f'<div class="wb-if-{name} wb-map" style="--least:{drawn.width:.0f}px" tabindex="0">{drawn.svg}</div>'
        for name, width in (("wide", WIDE), ("narrow", NARROW))
        for drawn in (_similarity_map(rows, columns, table, width, f"similar-{name}"),)
    )
    values = [value for row in table for value in row]
    note = f"Cosines from {min(values):.3f} to {max(values):.3f}: the stronger a colour, the more alike."
    return f'<div class="wb-similar">{drawings}<p class="wb-quiet">{text(note)}</p></div>'


def similarity_svg(rows: Sequence[str], columns: Sequence[str], table: Sequence[Sequence[float]]) -> str:
    """Return the same heat map as the content of a file."""
    return standalone(_similarity_map(rows, columns, table, WIDE, "similar").svg)


def nearest_html(found: Sequence[Near], texts: Sequence[str], read: int, of: int) -> str:
    """Return the rows of a file that are most like a question."""
    rows = "".join(
        f'<tr><td>{near.row + 1:,}</td><td>{near.similarity:.3f}</td><td class="wb-words"><bdi>'
        f"{text(_cut(texts[near.row], 240))}</bdi></td></tr>"
        for near in found
    )
    note = f"The nearest of {read:,} rows."
    if of > read:
        note = f"The nearest of the first {read:,} rows; the file has {of:,}."
    return (
        '<div class="wb-nearest"><div class="wb-board"><table><thead><tr><th>row</th><th>cosine</th>'
        f'<th class="wb-words">text</th></tr></thead><tbody>{rows}</tbody></table></div>'
        f'<p class="wb-quiet">{text(note)}</p></div>'
    )


def _answer_word(at: int, word: Stretch) -> str:
    css = "wb-look-word wb-is-mark" if word.mark else "wb-look-word"
    return f'{text(word.before)}<button type="button" class="{css}" data-row="{at}">{text(word.text)}</button>'


def _source_word(word: Stretch) -> str:
    mark = " wb-is-mark" if word.mark else ""
    # A line feed is shown as a sign and as what it is.
    after = "\n" if "⏎" in word.text and word.mark else ""
    return f'{text(word.before)}<span class="wb-look-source-word{mark}">{text(word.text)}</span>{after}'


def _packed_depths(picture: Picture) -> str:
    flat = bytes(round(255 * depth) for row in picture.depths() for depth in row)
    return base64.b64encode(flat).decode("ascii")


def _packed_shares(picture: Picture) -> str:
    """Return shares in hundredths of a percent, two bytes each, the lower one first."""
    flat = array("H", [min(10_000, round(10_000 * share)) for row in picture.rows for share in row])
    return base64.b64encode(b"".join(value.to_bytes(2, "little") for value in flat)).decode("ascii")


def _twice(picture: Picture, where: str) -> str:
    return "".join(
        f'<div class="wb-if-{name} wb-map" style="--least:{drawn.width:.0f}px" tabindex="0">{drawn.svg}</div>'
        for name, width in (("wide", WIDE), ("narrow", NARROW))
        for drawn in (_map(picture, width, f"look-{name}", where),)
    )


def _map(picture: Picture, width: float, ident: str, where: str) -> Drawn:
    tiles = [
        [
            Tile(depth, f"{share * 100:.0f}", f"{word.text} → {source.text}: {share * 100:.1f} %")
            for depth, share, source in zip(depths, shares, picture.source, strict=True)
        ]
        for word, depths, shares in zip(picture.answer, picture.depths(), picture.rows, strict=True)
    ]
    said = "; ".join(
        f"{word.text}: {picture.source[max(range(len(row)), key=row.__getitem__)].text}"
        for word, row in zip(picture.answer[:40], picture.rows, strict=False)
    )
    return matrix(
        tiles,
        [word.text for word in picture.answer],
        [word.text for word in picture.source],
        width=width,
        ident=ident,
        title=f"Where the answer looked: {where}" if where else "Where the answer looked",
        description=f"Each word of the answer with what it looked at most. {said}",
    )


def _similarity_map(
    rows: Sequence[str], columns: Sequence[str], table: Sequence[Sequence[float]], width: float, ident: str
) -> Drawn:
    values = [value for row in table for value in row]
    tiles = [
        [
            Tile(colour_depth(value, values), f"{value:.2f}", f"{value:.3f}: {_cut(row, 80)} · {_cut(column, 80)}")
            for column, value in zip(columns, numbers, strict=True)
        ]
        for row, numbers in zip(rows, table, strict=True)
    ]
    said = "; ".join(
        f"{_cut(row, 40)}: {', '.join(f'{v:.2f}' for v in numbers)}" for row, numbers in zip(rows, table, strict=True)
    )
    return matrix(
        tiles, rows, columns, width=width, ident=ident, title="How alike the texts are", description=said[:4000]
    )


def _cut(words: str, most: int) -> str:
    words = " ".join(words.split())
    return words if len(words) <= most else f"{words[: most - 1]}…"
