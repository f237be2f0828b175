"""Which words of a text mattered for a label, by occlusion: each is left out once and the label is asked for again.

A word's effect is what its absence takes from the label's probability. Words that say the same hide each other, so a
small effect does not prove that a word is without meaning.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from t5gemma_app.engine.types import HeadInput
from t5gemma_app.tasks.classification import Classifier
from t5gemma_app.tasks.verdicts import Unread, Verdict

MOST_STRETCHES = 48
"""Times a text is read again at most; where it has more words, neighbours are left out together."""
BATCH = 8
"""Stretches between two reports of progress."""

_WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class Effect:
    """A stretch of the text and what leaving it out takes from the label."""

    start: int
    end: int
    change: float
    """The label's probability with the stretch, less that without it."""
    second: bool = False
    """Whether it stands in the second text of a pair."""


@dataclass(frozen=True, slots=True)
class Occluded:
    """How far the occlusion is."""

    done: int
    total: int
    effects: tuple[Effect, ...]


def occlude(classifier: Classifier, one: HeadInput, label: str, visitor: str = "") -> Iterator[Occluded]:
    """Yield the effects of a text's words on a label, batch by batch; the last one has all.

    Args:
        classifier: What said the label.
        one: The text, or two.
        label: One of the classifier's labels.
        visitor: Who waits for it.

    Raises:
        BusyError: Too many wait, of all or of this visitor.
    """
    places = _places(one)
    effects: list[Effect] = []
    whole = classifier.classify([one], urgent=True, visitor=visitor)[0]
    if isinstance(whole, Unread):
        return
    before = whole.probability_of(label)
    yield Occluded(0, len(places), ())
    for begin in range(0, len(places), BATCH):
        part = places[begin : begin + BATCH]
        verdicts = classifier.classify([_without(one, *place) for place in part], urgent=True, visitor=visitor)
        for (start, end, second), verdict in zip(part, verdicts, strict=True):
            after = verdict.probability_of(label) if isinstance(verdict, Verdict) else 0.0
            effects.append(Effect(start, end, before - after, second))
        yield Occluded(len(effects), len(places), tuple(effects))


def _places(one: HeadInput) -> list[tuple[int, int, bool]]:
    """Return the stretches of both texts, at most `MOST_STRETCHES`, each a word or several side by side."""
    words = [(found.start(), found.end(), False) for found in _WORD.finditer(one.text)]
    second = [(found.start(), found.end(), True) for found in _WORD.finditer(one.pair or "")]
    size = -(-(len(words) + len(second)) // (MOST_STRETCHES - 1)) if len(words) + len(second) > MOST_STRETCHES else 1
    return [
        (group[0][0], group[-1][1], group[0][2])
        for text in (words, second)
        for group in (text[at : at + size] for at in range(0, len(text), size))
    ]


def _without(one: HeadInput, start: int, end: int, second: bool) -> HeadInput:
    text = (one.pair or "") if second else one.text
    kept = re.sub(r"[ \t]+", " ", f"{text[:start].rstrip(' ')} {text[end:].lstrip(' ')}").strip()
    return HeadInput(one.text, kept) if second else HeadInput(kept, one.pair)
