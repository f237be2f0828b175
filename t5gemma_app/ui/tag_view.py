"""A tagged text on the screen: spans in place, a legend that hides labels, a table, and what the model saw.

Labels are words beside the colours, so that nothing is lost without them. What a text or a model says is escaped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from t5gemma_app.tasks.spans import Span
from t5gemma_app.tasks.tagging import Tagged, WordTag
from t5gemma_app.ui.markup import text

COLOURS = 8
MOST_SPANS, MOST_ROWS, MOST_PIECES = 4000, 300, 2000
"""What one page shows; files have the rest."""

_GLYPHS = str.maketrans({"\n": "⏎", "\t": "⇥", "\r": "␍"})


def tagged_html(tagged: Tagged, dropped: Sequence[tuple[str, str]] = (), warning: str = "") -> str:
    """Return a tagged text with everything around it.

    Args:
        tagged: The text and its spans; a threshold is the page's business.
        dropped: Label and words of answers that the text does not hold.
        warning: What the reader should know first; may be empty.
    """
    colour = {name: number % COLOURS for number, name in enumerate(_shown_names(tagged))}
    warned = f'<p class="wb-access">{text(warning)}</p>' if warning else ""
    switch = _switch() if tagged.pieces else ""
    return (
        f'{warned}<div class="wb-tagged" data-view="text">'
        f'<div class="wb-tag-head">{_legend(tagged, colour)}{switch}</div>'
        f'<div class="wb-tag-sides"><div class="wb-tag-reading">{_reading(tagged, colour)}'
        f"{_pieces(tagged, colour)}</div>{_table(tagged, colour)}</div>{_footnote(tagged, dropped)}</div>"
    )


def _shown_names(tagged: Tagged) -> list[str]:
    """Return what spans can be, those that occur at all events, in the order of the labels."""
    return list(dict.fromkeys([*tagged.names, *(span.label for span in tagged.spans)]))


def _legend(tagged: Tagged, colour: dict[str, int]) -> str:
    counts = Counter(span.label for span in tagged.spans)
    buttons = "".join(
        f'<li><button type="button" class="wb-tag-key wb-t{number}" data-label="{text(name)}" aria-pressed="true" '
        f'title="Hide or show {text(name)}"><i></i>{text(name)} <b>{counts[name]}</b></button></li>'
        for name, number in colour.items()
        if counts[name]
    )
    return f'<ul class="wb-tag-legend" aria-label="Labels; press one to hide it">{buttons}</ul>'


def _switch() -> str:
    return (
        '<div class="wb-switch" role="group" aria-label="View">'
        '<button type="button" data-tag-view="text" aria-pressed="true">spans</button>'
        '<button type="button" data-tag-view="pieces" aria-pressed="false">as the model sees it</button></div>'
    )


def _reading(tagged: Tagged, colour: dict[str, int]) -> str:
    """Return the whole text, character by character what was typed, with its spans marked."""
    parts, at = [], 0
    over = "wb-over" if tagged.scheme == "words" else "wb-beside"
    for span in tagged.spans[:MOST_SPANS]:
        parts.append(text(tagged.text[at : span.start]))
        parts.append(_mark(span, tagged.text[span.start : span.end], colour[span.label]))
        at = span.end
    parts.append(text(tagged.text[at:]))
    return f'<div class="wb-tag-text {over}" dir="auto">{"".join(parts)}</div>'


def _mark(span: Span, words: str, number: int) -> str:
    sure = "" if span.score is None else f"{span.score:.4f}"
    said = text(span.label if span.score is None else f"{span.label}, {percent(span.score)} sure")
    return (
        f'<mark class="wb-span wb-t{number}" data-label="{text(span.label)}" data-score="{sure}" title="{said}">'
        f"{text(words)}<small>{text(span.label)}</small></mark>"
    )


def _pieces(tagged: Tagged, colour: dict[str, int]) -> str:
    if not tagged.pieces:
        return ""
    shown = "".join(_piece(piece, tagged, colour) for piece in tagged.pieces[:MOST_PIECES])
    rest = len(tagged.pieces) - MOST_PIECES
    more = f'<p class="wb-quiet">The first {MOST_PIECES:,} of {len(tagged.pieces):,} pieces.</p>' if rest > 0 else ""
    return f'<div class="wb-tag-pieces" dir="ltr"><div>{shown}</div>{more}</div>'


def _piece(piece: WordTag, tagged: Tagged, colour: dict[str, int]) -> str:
    name = piece.label if piece.label in colour else piece.label[2:]
    tint = f" wb-t{colour[name]}" if piece.label != tagged.outside and name in colour else ""
    said = text(f"{piece.piece} {piece.start}–{piece.end}: {piece.label}, {percent(piece.score)} sure")
    return (
        f'<span class="wb-piece{tint}" title="{said}"><b>{text(piece.piece.translate(_GLYPHS))}</b>'
        f"<i>{text(piece.label)}</i></span>"
    )


def _table(tagged: Tagged, colour: dict[str, int]) -> str:
    if not tagged.spans:
        return '<p class="wb-tag-none wb-quiet">Nothing was found.</p>'
    rows = "".join(_row(span, tagged.text, colour[span.label]) for span in tagged.spans[:MOST_ROWS])
    rest = len(tagged.spans) - MOST_ROWS
    more = f'<p class="wb-quiet">{rest:,} more; the exports have them.</p>' if rest > 0 else ""
    return (
        '<div class="wb-tag-table"><div class="wb-board"><table><thead><tr><th class="wb-words">words</th>'
        '<th class="wb-words">label</th><th>sure</th><th>place</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div>{more}</div>"
    )


def _row(span: Span, whole: str, number: int) -> str:
    sure = "" if span.score is None else f"{span.score:.4f}"
    shown = "" if span.score is None else percent(span.score)
    return (
        f'<tr data-label="{text(span.label)}" data-score="{sure}">'
        f'<td class="wb-words"><bdi>{text(whole[span.start : span.end])}</bdi></td>'
        f'<td class="wb-words"><span class="wb-tag-dot wb-t{number}"></span>{text(span.label)}</td>'
        f"<td>{shown}</td><td>{span.start}–{span.end}</td></tr>"
    )


def _footnote(tagged: Tagged, dropped: Sequence[tuple[str, str]]) -> str:
    """Return how it was read, and what was not believed."""
    said = []
    if dropped:
        listed = ", ".join(f"{label} “{words[:60]}”" for label, words in dropped[:6])
        count = "1 answer is" if len(dropped) == 1 else f"{len(dropped)} answers are"
        said.append(f"{count} not in the text and left out: {listed}{' …' if len(dropped) > 6 else ''}.")
    if tagged.pieces:
        said.append(f"Labels are read as {tagged.scheme}: {tagged.reason}.")
    if tagged.windows > 1:
        said.append(f"The text is longer than the encoder reads; it was read in {tagged.windows} overlapping parts.")
    if len(tagged.spans) > MOST_SPANS:
        said.append(f"The first {MOST_SPANS:,} of {len(tagged.spans):,} spans are marked.")
    return f'<p class="wb-quiet wb-tag-foot">{text(" ".join(said))}</p>' if said else ""


def percent(share: float) -> str:
    """Return a share of 1 as a percentage."""
    return f"{share * 100:.1f} %"
