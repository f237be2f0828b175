"""The official metrics, as counts that add up over groups and as values of summed counts.

A metric is split in two so that an interval can be had by resampling: count once, then sum the drawn groups and take
the values of all draws in one go. Unscored samples are left out of every metric and counted beside it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from t5gemma_app.benchmarks.formatter import Formatter
from t5gemma_app.benchmarks.records import Benchmark, MetricValue, Sample

Counts = NDArray[np.float64]
POSITIVE = 1
"""The class whose F1 MultiRC reports: the answer is correct."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A scored sample as class numbers; -1 where the answer is a text."""

    group: str
    gold: int
    predicted: int
    scores: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric of one benchmark."""

    name: str
    count: Callable[[Sequence[Judged]], Counts]
    """The counts of one group, a vector; counts of several groups may be added."""
    value: Callable[[Counts], Counts]
    """The metric of summed counts, along the last axis; NaN where nothing was counted."""
    whole_groups: bool = False
    """Whether a group with an unscored sample is left out, because it can't be judged as a whole."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A benchmark's metrics and what they are of."""

    n: int
    """Samples, the unscored ones included."""
    unscored: int
    metrics: tuple[MetricValue, ...]


def accuracy_counts(gold: Sequence[int], predicted: Sequence[int]) -> Counts:
    """Return how many are right, and how many there are."""
    return np.array([sum(g == p for g, p in zip(gold, predicted, strict=True)), len(gold)], dtype=np.float64)


def class_counts(gold: Sequence[int], predicted: Sequence[int], classes: int) -> Counts:
    """Return true positives, false positives and false negatives, class after class."""
    counts = np.zeros((classes, 3))
    for g, p in zip(gold, predicted, strict=True):
        if g == p:
            counts[g, 0] += 1
        else:
            counts[p, 1] += 1
            counts[g, 2] += 1
    return counts.reshape(-1)


def mean(counts: Counts) -> Counts:
    """Return the first count over the second; NaN where that is 0."""
    total = counts[..., 1]
    return np.where(total > 0, counts[..., 0] / np.where(total > 0, total, 1), np.nan)


def macro_f1(counts: Counts) -> Counts:
    """Return the mean F1 over all classes, 0 for one that is neither there nor predicted; NaN where nothing counted."""
    by_class = counts.reshape(*counts.shape[:-1], -1, 3)
    hits, false, missed = by_class[..., 0], by_class[..., 1], by_class[..., 2]
    total = 2 * hits + false + missed
    scores = np.where(total > 0, 2 * hits / np.where(total > 0, total, 1), 0.0)
    return np.where(counts.sum(axis=-1) > 0, scores.mean(axis=-1), np.nan)


def positive_f1(counts: Counts) -> Counts:
    """Return the F1 of the positive class, 0 where it is neither there nor predicted; NaN where nothing counted."""
    positive = counts[..., 3 * POSITIVE : 3 * POSITIVE + 3]
    total = 2 * positive[..., 0] + positive[..., 1] + positive[..., 2]
    score = np.where(total > 0, 2 * positive[..., 0] / np.where(total > 0, total, 1), 0.0)
    return np.where(counts.sum(axis=-1) > 0, score, np.nan)


def metrics_of(benchmark: Benchmark) -> tuple[Metric, ...]:
    """Return the official metrics of a benchmark, then accuracy where it has classes and that is not among them."""
    names = benchmark.metrics
    if benchmark.labels and "accuracy" not in names:
        names = (*names, "accuracy")
    return tuple(_metric(name, len(benchmark.labels)) for name in names)


def tally(metric: Metric, formatter: Formatter, samples: Iterable[Sample]) -> dict[str, Counts]:
    """Return a metric's counts by group; a group with nothing to count is not there."""
    judged: defaultdict[str, list[Judged]] = defaultdict(list)
    broken = set()
    for sample in samples:
        if sample.outcome == "unscored":
            broken.add(sample.group)
        else:
            judged[sample.group].append(_judged(sample, formatter))
    return {
        group: metric.count(members)
        for group, members in judged.items()
        if not (metric.whole_groups and group in broken)
    }


def measure(benchmark: Benchmark, formatter: Formatter, samples: Sequence[Sample]) -> Measured:
    """Return a benchmark's metrics over samples; None for a metric where no sample was scored."""
    return Measured(
        n=len(samples),
        unscored=sum(sample.outcome == "unscored" for sample in samples),
        metrics=tuple(
            MetricValue(metric.name, value_of(metric, tally(metric, formatter, samples).values()))
            for metric in metrics_of(benchmark)
        ),
    )


def value_of(metric: Metric, counts: Iterable[Counts]) -> float | None:
    """Return a metric of the sum of some groups' counts, or None where there is nothing to measure."""
    vectors = list(counts)
    if not vectors:
        return None
    value = float(metric.value(np.sum(vectors, axis=0)))
    return None if np.isnan(value) else value


def _metric(name: str, classes: int) -> Metric:
    if name == "accuracy":
        return Metric(name, _accuracy, mean)
    if name == "em" and classes:
        return Metric(name, _all_right, mean, whole_groups=True)
    if name in ("f1", "em") and not classes:
        return Metric(name, lambda members: _best_text(members, name), mean, whole_groups=True)
    value = {"f1": macro_f1, "f1a": positive_f1}[name]
    return Metric(name, lambda members: class_counts(*_pairs(members), classes), value)


def _judged(sample: Sample, formatter: Formatter) -> Judged:
    gold = sample.gold[0] if isinstance(sample.gold, tuple) else sample.gold
    gold_class, predicted = formatter.class_of(gold), formatter.class_of(sample.prediction)
    return Judged(
        group=sample.group,
        gold=-1 if gold_class is None else gold_class,
        predicted=-1 if predicted is None else predicted,
        scores=sample.scores,
    )


def _pairs(members: Sequence[Judged]) -> tuple[list[int], list[int]]:
    return [member.gold for member in members], [member.predicted for member in members]


def _accuracy(members: Sequence[Judged]) -> Counts:
    return accuracy_counts(*_pairs(members))


def _all_right(members: Sequence[Judged]) -> Counts:
    return np.array([float(all(member.gold == member.predicted for member in members)), 1.0])


def _best_text(members: Sequence[Judged], name: str) -> Counts:
    """Return the score of a query's answer; where a head judged every entity, that of the one it holds most right."""
    answer = max(members, key=lambda member: member.scores.get("right", 0.0))
    return np.array([answer.scores[name], 1.0])
