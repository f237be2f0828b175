"""From what a head says of each word piece to labels of words, and from those to spans of the text.

Pure: probabilities in, values out. Spans are grouped as the CoNLL scorer groups them: an inside without a beginning, or
of another kind than the word in front of it, begins a span.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

from t5gemma_app.tasks.schemes import LabelMap
from t5gemma_app.tasks.words import Word

Aggregation = Literal["none", "first", "average", "max"]
"""What decides a word of several pieces: its first piece, the mean over them, or the surest of them. With `none` there
are no words: every piece stands for itself under the head's own label."""

AGGREGATIONS: tuple[Aggregation, ...] = get_args(Aggregation)

Probabilities = Sequence[float]


class Decision(NamedTuple):
    """The number of a label, and how probable it is."""

    label: int
    score: float


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a text that has a label."""

    start: int
    end: int
    label: str
    score: float | None
    """Mean probability of its words' labels; None where nothing measured it."""

    def to_dict(self) -> dict[str, int | str | float | None]:
        """Return the span as JSON values."""
        score = None if self.score is None else round(self.score, 6)
        return {"start": self.start, "end": self.end, "label": self.label, "score": score}


def best(probabilities: Sequence[float]) -> Decision:
    """Return the most probable label; of equal ones the first."""
    label = max(range(len(probabilities)), key=probabilities.__getitem__)
    return Decision(label, probabilities[label])


def decide(word: Word, pieces: Sequence[Probabilities], aggregation: Aggregation) -> Decision | None:
    """Return a word's label; None where it has no piece.

    Args:
        word: The word; its pieces are numbers in `pieces`.
        pieces: The probabilities of every piece of the text.
        aggregation: Which of the word's pieces decide; not `none`.
    """
    if not word.pieces:
        return None
    own = [pieces[number] for number in word.pieces]
    if aggregation == "average":
        return best([math.fsum(column) / len(own) for column in zip(*own, strict=True)])
    if aggregation == "max":
        return max((best(piece) for piece in own), key=lambda decision: decision.score)
    return best(own[0])


def group(words: Sequence[Word], decisions: Sequence[Decision | None], labels: LabelMap) -> tuple[Span, ...]:
    """Return the spans that decided words form.

    Args:
        words: The words from left to right.
        decisions: What each word's label is.
        labels: What labels mean.
    """
    spans: list[Span] = []
    scores: list[float] = []
    going = ""  # what the last span is while the next word may continue it
    for word, decision in zip(words, decisions, strict=True):
        position, name = labels.meanings[decision.label] if decision is not None else ("outside", "")
        if decision is None or position == "outside":
            going = ""
            continue
        if name == going and position in ("inside", "end"):
            scores.append(decision.score)
            spans[-1] = Span(spans[-1].start, word.end, name, math.fsum(scores) / len(scores))
        else:
            scores = [decision.score]
            spans.append(Span(word.start, word.end, name, decision.score))
        going = "" if position in ("end", "single") else name
    return tuple(spans)
