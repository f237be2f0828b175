"""One number for several benchmarks: SuperGLUE's official mean, and the mean that the T5Gemma paper reports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from statistics import fmean

from t5gemma_app.benchmarks.records import Benchmark, MetricValue

OFFICIAL = ("boolq", "cb", "copa", "multirc", "record", "rte", "wic", "wsc")
PAPER = ("boolq", "cb", "copa", "multirc", "rte", "wic", "wsc")

Results = Mapping[str, Iterable[MetricValue]]
"""A benchmark's metrics by its name."""


def benchmark_score(benchmark: Benchmark, metrics: Iterable[MetricValue]) -> float | None:
    """Return the mean of a benchmark's official metrics, or None where one is missing."""
    values = {metric.name: metric.value for metric in metrics}
    return _mean([values.get(name) for name in benchmark.metrics])


def official_mean(benchmarks: Iterable[Benchmark], results: Results) -> float | None:
    """Return the mean over SuperGLUE's eight tasks, a task's two metrics averaged first; None where one is missing."""
    known = {benchmark.name: benchmark for benchmark in benchmarks}
    return _mean(
        [
            benchmark_score(known[name], results[name]) if name in known and name in results else None
            for name in OFFICIAL
        ]
    )


def paper_mean(results: Results) -> float | None:
    """Return the mean accuracy over seven tasks, ReCoRD left out, or None where one is missing."""
    return _mean([{metric.name: metric.value for metric in results.get(name, ())}.get("accuracy") for name in PAPER])


def _mean(values: list[float | None]) -> float | None:
    present = [value for value in values if value is not None]
    return fmean(present) if present and len(present) == len(values) else None
