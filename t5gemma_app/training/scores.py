"""What an evaluation found: shares, F1, intervals, and what a guess would have reached."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from t5gemma_app.training.examples import Example, Kind
from t5gemma_app.training.intervals import wilson
from t5gemma_app.training.losses import Answer
from t5gemma_app.training.parallel import IGNORED

OUTSIDE = "O"
_BEGINS, _GOES_ON = "B-", "I-"


@dataclass(frozen=True, slots=True)
class Score:
    """One figure of an evaluation."""

    name: str
    value: float
    n: int
    """What it is a share or a mean of."""
    low: float | None = None
    """Lower end of Wilson's 95 % interval; None where the figure is no share."""
    high: float | None = None
    baseline: float | None = None
    """What always saying the commonest training label reaches; None where that says nothing."""

    def to_dict(self) -> dict[str, Any]:
        """Return the figure as plain values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Scores:
    """All figures of an evaluation; the first one decides which weights are best."""

    scores: tuple[Score, ...]
    loss: float

    @property
    def main(self) -> Score:
        """The figure that decides."""
        return self.scores[0]

    def better_than(self, other: float | None) -> bool:
        """Tell whether this is better than another run's or step's main figure."""
        if other is None:
            return True
        return self.main.value < other if self.main.name == "loss" else self.main.value > other

    def to_dict(self) -> dict[str, float]:
        """Return name and value of each figure."""
        return {"loss": self.loss, **{score.name: score.value for score in self.scores}}


def score(
    kind: Kind,
    examples: Sequence[Example],
    answers: Sequence[Answer],
    predicted: Sequence[tuple[int, ...]],
    labels: Sequence[str],
    commonest: int | None,
) -> Scores:
    """Return the figures of an evaluation.

    Args:
        kind: What was learnt.
        examples: The rows.
        answers: What the model said, in batches.
        predicted: What it said row by row, in the order of the rows; empty for texts.
        labels: The label names; empty for texts.
        commonest: The label that training shows most; None for texts.
    """
    targets = sum(found.targets for found in answers)
    loss = sum(found.loss for found in answers) / max(1, targets)
    if kind in ("text", "causal"):
        right = sum(found.right for found in answers)
        low, high = wilson(right, targets)
        exact = Score("token accuracy", right / targets, targets, low, high)
        return Scores(
            (Score("loss", loss, targets), exact, Score("perplexity", math.exp(min(loss, 50)), targets)), loss
        )
    gold = [tuple(target for target in example.targets if target != IGNORED) for example in examples]
    lost = sum(example.lost for example in examples)
    accuracy = _accuracy(gold, predicted, lost, commonest)
    if kind == "sequence":
        return Scores((accuracy, _macro_f1(gold, predicted, len(labels))), loss)
    if any(label.startswith(_BEGINS) or label.startswith(_GOES_ON) for label in labels):
        return Scores((_span_f1(gold, predicted, labels), accuracy), loss)
    return Scores((accuracy, _macro_f1(gold, predicted, len(labels))), loss)


def tag_spans(tags: Sequence[str]) -> set[tuple[int, int, str]]:
    """Return the spans that a sentence's tags mark: begin, end and what it is; BIO and IO are read alike."""
    spans: set[tuple[int, int, str]] = set()
    start, open_name = 0, ""
    for place, tag in enumerate([*tags, OUTSIDE]):
        name = tag[2:] if tag.startswith((_BEGINS, _GOES_ON)) else ""
        if open_name and (name != open_name or tag.startswith(_BEGINS)):
            spans.add((start, place, open_name))
            open_name = ""
        if name and not open_name:
            start, open_name = place, name
    return spans


def _accuracy(
    gold: Sequence[tuple[int, ...]], predicted: Sequence[tuple[int, ...]], lost: int, commonest: int | None
) -> Score:
    pairs = [(g, p) for row, said in zip(gold, predicted, strict=True) for g, p in zip(row, said, strict=True)]
    n = len(pairs) + lost
    right = sum(g == p for g, p in pairs)
    low, high = wilson(right, n)
    guessed = None if commonest is None else sum(g == commonest for g, _ in pairs) / n
    return Score("accuracy", right / n, n, low, high, guessed)


def _macro_f1(gold: Sequence[tuple[int, ...]], predicted: Sequence[tuple[int, ...]], classes: int) -> Score:
    """Return the mean F1 of the classes that are there or were said."""
    hits: Counter[int] = Counter()
    there: Counter[int] = Counter(label for row in gold for label in row)
    said: Counter[int] = Counter(label for row in predicted for label in row)
    for row, answers in zip(gold, predicted, strict=True):
        hits.update(g for g, p in zip(row, answers, strict=True) if g == p)
    values = [2 * hits[label] / (there[label] + said[label]) for label in range(classes) if there[label] + said[label]]
    return Score("macro F1", sum(values) / len(values), sum(there.values()))


def _span_f1(gold: Sequence[tuple[int, ...]], predicted: Sequence[tuple[int, ...]], labels: Sequence[str]) -> Score:
    hits = found = wanted = 0
    for row, said in zip(gold, predicted, strict=True):
        true = tag_spans([labels[label] for label in row])
        guessed = tag_spans([labels[label] for label in said])
        hits, found, wanted = hits + len(true & guessed), found + len(guessed), wanted + len(true)
    return Score("span F1", 2 * hits / max(1, found + wanted), wanted)
