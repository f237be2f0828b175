"""What was found in texts as files that other programs read: JSON and CoNLL."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from t5gemma_app.tasks.spans import Span
from t5gemma_app.tasks.tagging import Tagged
from t5gemma_app.tasks.words import Range, split_words


def to_data(tagged: Tagged) -> dict[str, Any]:
    """Return a text and its spans as JSON values; offsets count characters of `text`."""
    return {
        "text": tagged.text,
        "spans": [span.to_dict() | {"text": tagged.text[span.start : span.end]} for span in tagged.spans],
    }


def to_json(texts: Sequence[Tagged]) -> str:
    """Return texts as one JSON document: an object for one, a list for any other number."""
    data = [to_data(one) for one in texts]
    return json.dumps(data[0] if len(data) == 1 else data, ensure_ascii=False, indent=1) + "\n"


def to_conll(texts: Sequence[Tagged]) -> str:
    """Return a word and its tag a line, with an empty line where a line of the text or a text ends.

    Spans are written as B- and I-, whatever the head's own labels are; labels of the scheme `words` as they are.
    """
    return "\n".join("".join(_lines(one)) for one in texts)


def _lines(tagged: Tagged) -> list[str]:
    lines: list[str] = []
    spans = iter(tagged.spans)
    span = next(spans, None)
    before, begun = 0, False
    for start, end in _single_words(tagged):
        if lines and "\n" in tagged.text[before:start]:
            lines.append("\n")
        while span is not None and span.end <= start:
            span, begun = next(spans, None), False
        tag = _tag(span, end, begun, tagged.scheme == "words")
        begun = begun or tag != "O"
        lines.append(f"{tagged.text[start:end]}\t{tag}\n")
        before = end
    return lines


def _tag(span: Span | None, end: int, begun: bool, plain: bool) -> str:
    if span is None or span.start >= end:
        return "O"
    name = "_".join(span.label.split())
    return name if plain else f"{'I' if begun else 'B'}-{name}"


def _single_words(tagged: Tagged) -> list[Range]:
    """Return the words, those with blanks inside cut there, since a line has one word."""
    words = [Range(word.start, word.end) for word in tagged.words] or split_words(tagged.text)
    single: list[Range] = []
    for start, end in words:
        at = start
        for part in tagged.text[start:end].split():
            at = tagged.text.index(part, at)
            single.append(Range(at, at + len(part)))
            at += len(part)
    return single
