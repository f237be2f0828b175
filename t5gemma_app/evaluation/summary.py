"""Samples into a result: metrics with intervals, and the score over resampled clusters. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from t5gemma_app.benchmarks.formatter import Formatter
from t5gemma_app.benchmarks.measures import Metric, measure, metrics_of, tally
from t5gemma_app.benchmarks.overall import benchmark_score
from t5gemma_app.benchmarks.records import Benchmark, MetricValue, Sample, cluster_of
from t5gemma_app.evaluation.records import MetricEstimate
from t5gemma_app.evaluation.resampling import average, distribution, percentile_interval
from t5gemma_app.evaluation.results import BenchmarkResult
from t5gemma_app.evaluation.statistics import wilson

_DIGITS = 6
"""Of a stored distribution; far below what a thousand draws can tell."""


def summarise(benchmark: Benchmark, formatter: Formatter, samples: Sequence[Sample], seconds: float) -> BenchmarkResult:
    """Return the result of a benchmark.

    Args:
        benchmark: What was measured.
        formatter: How its rows were shown.
        samples: All its samples, in any order; the result is the same.
        seconds: How long answering took.
    """
    measured = measure(benchmark, formatter, samples)
    draws = {metric.name: _draws(metric, formatter, samples) for metric in metrics_of(benchmark)}
    scored = measured.n - measured.unscored
    score = benchmark_score(benchmark, measured.metrics)
    scores = average([draws[name] for name in benchmark.metrics]) if score is not None else ()
    return BenchmarkResult(
        name=benchmark.name,
        formatter=formatter.name,
        n=measured.n,
        unscored=measured.unscored,
        metrics=tuple(
            _estimate(value, scored, draws[value.name], exact="accuracy" in benchmark.metrics)
            for value in measured.metrics
        ),
        seconds=seconds,
        score=score,
        items=items_digest(samples),
        clusters=len({cluster_of(sample.group) for sample in samples}),
        distribution=tuple(round(value, _DIGITS) for value in scores),
    )


def items_digest(samples: Sequence[Sample]) -> str:
    """Return a digest of the examples' ids and groups, whatever was predicted."""
    whole = hashlib.sha256()
    for line in sorted(f"{sample.id}\n{sample.group}\n" for sample in samples):
        whole.update(line.encode("utf-8", "surrogatepass"))
    return whole.hexdigest()


def _draws(metric: Metric, formatter: Formatter, samples: Sequence[Sample]) -> tuple[float, ...]:
    """Return a metric over resampled clusters; those without a scored sample are drawn too, so that runs draw alike."""
    places = {name: place for place, name in enumerate(sorted({cluster_of(sample.group) for sample in samples}))}
    by_group = tally(metric, formatter, samples)
    if not by_group:
        return ()
    counts = np.zeros((len(places), len(next(iter(by_group.values())))))
    for group, count in by_group.items():
        counts[places[cluster_of(group)]] += count
    return distribution(counts, metric.value)


def _estimate(metric: MetricValue, scored: int, draws: Sequence[float], *, exact: bool) -> MetricEstimate:
    """Return a metric with Wilson's interval where it is a benchmark's own accuracy, else with the bootstrap's."""
    if metric.value is None:
        return MetricEstimate(metric.name, None)
    if metric.name == "accuracy" and exact:
        interval = wilson(metric.value * scored, scored)
    else:
        interval = percentile_interval(draws)
    if interval is None:
        return MetricEstimate(metric.name, metric.value)
    # A metric that resampling moves to one side only lies outside the middle of its draws.
    return MetricEstimate(metric.name, metric.value, min(interval.low, metric.value), max(interval.high, metric.value))
