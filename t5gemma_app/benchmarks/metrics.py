"""The official metrics as pure functions: first counts that add up, then the value of summed counts.

Split in two, an interval can be had by resampling: count once for every group, then sum the drawn groups and take the
values of all draws in one go. Class numbers come in, never samples; an unscored answer has no place here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from t5gemma_app.benchmarks import squad

Counts: TypeAlias = NDArray[np.float64]
POSITIVE = 1
"""The class whose F1 MultiRC reports: the answer is correct."""


def accuracy(gold: Sequence[int], predicted: Sequence[int]) -> float | None:
    """Return the share of right predictions."""
    return plain(share(accuracy_counts(gold, predicted)))


def macro_f1(gold: Sequence[int], predicted: Sequence[int], classes: int) -> float | None:
    """Return the mean of all classes' F1; a class that is neither there nor predicted has 0."""
    return plain(mean_f1(class_counts(gold, predicted, classes)))


def f1a(gold: Sequence[int], predicted: Sequence[int]) -> float | None:
    """Return MultiRC's F1 over all answers, of the class 1."""
    return plain(positive_f1(class_counts(gold, predicted, 2)))


def exact_match(questions: Sequence[Hashable], gold: Sequence[int], predicted: Sequence[int]) -> float | None:
    """Return the share of questions all of whose answers are judged right."""
    right: defaultdict[Hashable, bool] = defaultdict(lambda: True)
    for question, g, p in zip(questions, gold, predicted, strict=True):
        right[question] &= g == p
    return plain(share(np.array([sum(right.values()), len(right)], dtype=np.float64)))


def best_texts(predictions: Sequence[str], golds: Sequence[Sequence[str]]) -> dict[str, float | None]:
    """Return the mean `f1` and `em` of answers, each against the right answer that suits it best."""
    scores = [squad.best(prediction, answers) for prediction, answers in zip(predictions, golds, strict=True)]
    return {name: plain(share(np.array([sum(score[name] for score in scores), len(scores)]))) for name in ("f1", "em")}


def accuracy_counts(gold: Sequence[int], predicted: Sequence[int]) -> Counts:
    """Return how many are right, and how many there are."""
    return np.array([sum(g == p for g, p in zip(gold, predicted, strict=True)), len(gold)], dtype=np.float64)


def class_counts(gold: Sequence[int], predicted: Sequence[int], classes: int) -> Counts:
    """Return true positives, false positives and false negatives, class after class.

    Raises:
        ValueError: A number is that of no class.
    """
    counts = np.zeros((classes, 3))
    for g, p in zip(gold, predicted, strict=True):
        if not (0 <= g < classes and 0 <= p < classes):
            raise ValueError(f"gold {g} or prediction {p} is none of {classes} classes")
        if g == p:
            counts[g, 0] += 1
        else:
            counts[p, 1] += 1
            counts[g, 2] += 1
    return counts.reshape(-1)


def share(counts: Counts) -> Counts:
    """Return the first count over the second, along the last axis; NaN where that is 0."""
    total = counts[..., 1]
    return np.where(total > 0, counts[..., 0] / np.where(total > 0, total, 1), np.nan)


def mean_f1(counts: Counts) -> Counts:
    """Return the mean of the classes' F1, along the last axis; NaN where nothing was counted."""
    return np.where(counts.sum(axis=-1) > 0, _f1(counts).mean(axis=-1), np.nan)


def positive_f1(counts: Counts) -> Counts:
    """Return the F1 of the positive class, along the last axis; NaN where nothing was counted."""
    return np.where(counts.sum(axis=-1) > 0, _f1(counts)[..., POSITIVE], np.nan)


def plain(value: Counts) -> float | None:
    """Return a single value as a float, or None where nothing was counted."""
    return None if np.isnan(value) else float(value)


def _f1(counts: Counts) -> Counts:
    by_class = counts.reshape(*counts.shape[:-1], -1, 3)
    hits = 2 * by_class[..., 0]
    total = hits + by_class[..., 1] + by_class[..., 2]
    return np.where(total > 0, hits / np.where(total > 0, total, 1), 0.0)
