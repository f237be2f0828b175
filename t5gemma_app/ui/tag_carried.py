"""What the browser keeps of a tagged text and sends back for an export; checked, since a browser may send anything."""

from __future__ import annotations

import json

from pydantic import BaseModel, ConfigDict, ValidationError

from t5gemma_app.errors import InputError
from t5gemma_app.tasks.schemes import Scheme
from t5gemma_app.tasks.spans import Span
from t5gemma_app.tasks.tagging import Tagged, WordTag

MOST_CHARACTERS = 40_000_000


class _Carried(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    text: str
    scheme: Scheme
    outside: str
    spans: list[tuple[int, int, str, float | None]]
    words: list[tuple[int, int, str]]


def pack(tagged: Tagged) -> str:
    """Return a tagged text as the browser keeps it."""
    data = {
        "text": tagged.text,
        "scheme": tagged.scheme,
        "outside": tagged.outside,
        "spans": [[span.start, span.end, span.label, span.score] for span in tagged.spans],
        "words": [[word.start, word.end, word.label] for word in tagged.words],
    }
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def unpack(raw: str) -> Tagged:
    """Return what the browser kept; pieces and probabilities of words are not among it.

    Raises:
        InputError: It is damaged.
    """
    damaged = InputError("What this browser kept of the text is damaged.", remedy="Tag the text again.")
    if len(raw) > MOST_CHARACTERS:
        raise damaged
    try:
        kept = _Carried.model_validate_json(raw)
    except ValidationError as error:
        raise damaged from error
    edges = [at for start, end, *_ in kept.spans for at in (start, end)]
    if edges != sorted(edges) or not all(0 <= at <= len(kept.text) for at in edges):
        raise damaged
    if not all(0 <= start < end <= len(kept.text) for start, end, _ in kept.words):
        raise damaged
    return Tagged(
        text=kept.text,
        spans=tuple(Span(*span) for span in kept.spans),
        words=tuple(WordTag(start, end, label, 0.0) for start, end, label in kept.words),
        pieces=(),
        names=tuple(dict.fromkeys(label for _, _, label, _ in kept.spans)),
        scheme=kept.scheme,
        reason="",
        outside=kept.outside,
    )
