"""A benchmark's metrics over its samples, and the counts behind them by group; unscored samples are only counted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from t5gemma_app.benchmarks import metrics
from t5gemma_app.benchmarks.formatter import Formatter
from t5gemma_app.benchmarks.metrics import Counts
from t5gemma_app.benchmarks.records import Benchmark, MetricValue, Sample


@dataclass(frozen=True, slots=True)
class Judged:
    """A scored sample as class numbers; -1 where the answer is a text."""

    gold: int
    predicted: int
    scores: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric of one benchmark."""

    name: str
    count: Callable[[Sequence[Judged]], Counts]
    """The counts of one group, a vector; those of several groups may be added."""
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


def value_of(metric: Metric, counts: Iterable[Counts]) -> float | None:
    """Return a metric of the sum of some groups' counts, or None where there is nothing to measure."""
    vectors = list(counts)
    return metrics.plain(metric.value(np.sum(vectors, axis=0))) if vectors else None


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


def _metric(name: str, classes: int) -> Metric:
    if not classes:
        return Metric(name, lambda members: _best_text(members, name), metrics.share, whole_groups=True)
    if name == "accuracy":
        return Metric(name, lambda members: metrics.accuracy_counts(*_pairs(members)), metrics.share)
    if name == "em":
        return Metric(name, _all_right, metrics.share, whole_groups=True)
    value = {"f1": metrics.mean_f1, "f1a": metrics.positive_f1}[name]
    return Metric(name, lambda members: metrics.class_counts(*_pairs(members), classes), value)


def _judged(sample: Sample, formatter: Formatter) -> Judged:
    gold = sample.gold[0] if isinstance(sample.gold, tuple) else sample.gold
    gold_class, predicted = formatter.class_of(gold), formatter.class_of(sample.prediction)
    return Judged(
        gold=-1 if gold_class is None else gold_class,
        predicted=-1 if predicted is None else predicted,
        scores=sample.scores,
    )


def _pairs(members: Sequence[Judged]) -> tuple[list[int], list[int]]:
    return [member.gold for member in members], [member.predicted for member in members]


def _all_right(members: Sequence[Judged]) -> Counts:
    return np.array([float(all(member.gold == member.predicted for member in members)), 1.0])


def _best_text(members: Sequence[Judged], name: str) -> Counts:
    """Return the score of a query's answer; where a head judged every entity, that of the one it holds most right."""
    answer = max(members, key=lambda member: member.scores.get("right", 0.0))
    return np.array([answer.scores[name], 1.0])
