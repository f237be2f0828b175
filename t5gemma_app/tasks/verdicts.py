"""What a classifier says of a text: values, and the arithmetic between scores and probabilities."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from t5gemma_app.tasks.labels import NONE


@dataclass(frozen=True, slots=True)
class LabelScore:
    """One label's share."""

    label: str
    probability: float
    logprob: float
    """Natural logarithm: of a head's probability, or of the probability that a decoder writes the label's words."""
    tokens: int = 0
    """Of the label's words; 0 for a head."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a classifier says of a text it could read."""

    scores: tuple[LabelScore, ...]
    """In the order of the labels; what stands for none of them is not among them."""
    chosen: tuple[str, ...]
    """One label, or any number of them where several may fit; none where none does."""
    tokens: int = 0
    none_probability: float | None = None
    """The share of `none of these`, where that was offered."""
    number: float | None = None
    """What a head says that answers with a number and has no labels to choose from."""

    @property
    def label(self) -> str:
        """The chosen labels in words."""
        if self.number is not None:
            return f"{self.number:.4g}"
        return "; ".join(self.chosen) or NONE

    @property
    def ranked(self) -> tuple[LabelScore, ...]:
        """The labels, most probable first."""
        return tuple(sorted(self.scores, key=lambda score: -score.probability))

    @property
    def margin(self) -> float:
        """How far the most probable answer is ahead of the next."""
        shares = sorted([*(s.probability for s in self.scores), *_given(self.none_probability)], reverse=True)
        return shares[0] - shares[1] if len(shares) > 1 else shares[0] if shares else 0.0

    def probability_of(self, label: str) -> float:
        """Return a label's probability."""
        if label == NONE and self.none_probability is not None:
            return self.none_probability
        return next(score.probability for score in self.scores if score.label == label)


@dataclass(frozen=True, slots=True)
class Unread:
    """Why a text has no verdict."""

    why: str


def softmax(values: Sequence[float]) -> list[float]:
    """Return shares that add up to 1."""
    most = max(values)
    raised = [math.exp(value - most) for value in values]
    total = sum(raised)
    return [value / total for value in raised]


def sigmoid(value: float) -> float:
    """Return the probability of a logit on its own."""
    if value >= 0:
        return 1 / (1 + math.exp(-value))
    raised = math.exp(value)
    return raised / (1 + raised)


def log_mean(values: Sequence[float]) -> float:
    """Return the logarithm of the mean of probabilities given by their logarithms."""
    most = max(values)
    return most + math.log(sum(math.exp(value - most) for value in values) / len(values))


def _given(value: float | None) -> list[float]:
    return [] if value is None else [value]
