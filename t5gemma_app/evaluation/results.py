"""What follows from a run's samples: metrics with intervals, benchmark by benchmark, and the score of the whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from t5gemma_app.evaluation.records import MetricEstimate, Run


@dataclass(frozen=True, slots=True)
class BenchmarkResult:
    """One benchmark of one run."""

    name: str
    formatter: str
    n: int
    """Samples, the unscored ones included."""
    unscored: int
    """Samples without a prediction; they are in no metric."""
    metrics: tuple[MetricEstimate, ...]
    seconds: float
    """Time spent on its batches, loading left out."""
    score: float | None = None
    """Mean of its official metrics; None where one is missing."""
    items: str = ""
    """Digest of the examples' ids and groups: only results over the same examples can be compared in pairs."""
    clusters: int = 0
    """Independent units, such as passages."""
    distribution: tuple[float, ...] = ()
    """The score over resampled clusters, drawn alike for all results with equal `items`."""

    def to_dict(self) -> dict[str, Any]:
        """Return what `evaluate --json` prints of it."""
        return {
            "name": self.name,
            "formatter": self.formatter,
            "n": self.n,
            "unscored": self.unscored,
            "metrics": [asdict(metric) for metric in self.metrics],
            "seconds": self.seconds,
        }

    def to_record(self) -> dict[str, Any]:
        """Return what `from_record` needs to give back an equal result."""
        return asdict(self)

    @classmethod
    def from_record(cls, values: Mapping[str, Any]) -> BenchmarkResult:
        """Return the result that `to_record` described."""
        metrics = tuple(MetricEstimate(**metric) for metric in values["metrics"])
        return cls(**{**values, "metrics": metrics, "distribution": tuple(values["distribution"])})


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """A run with all its results."""

    run: Run
    benchmarks: tuple[BenchmarkResult, ...]

    @property
    def score(self) -> float | None:
        """Mean of the benchmarks' scores; None where one is missing, never the mean of what happens to be there."""
        scores = [benchmark.score for benchmark in self.benchmarks]
        known = [score for score in scores if score is not None]
        if not scores or len(known) < len(self.run.spec.benchmarks):
            return None
        return sum(known) / len(known)

    @property
    def seconds(self) -> float:
        """Time spent on batches, loading left out."""
        return sum(benchmark.seconds for benchmark in self.benchmarks)

    @property
    def examples_per_second(self) -> float | None:
        """Speed over the whole run."""
        answered = sum(benchmark.n for benchmark in self.benchmarks)
        return answered / self.seconds if self.seconds > 0 else None

    def find(self, name: str) -> BenchmarkResult | None:
        """Return one benchmark's result."""
        return next((benchmark for benchmark in self.benchmarks if benchmark.name == name), None)

    def to_dict(self) -> dict[str, Any]:
        """Return what `evaluate --json` prints."""
        return {
            "run_id": self.run.id,
            "checkpoint": self.run.spec.checkpoint,
            "suite": self.run.spec.suite,
            "partial": self.run.spec.partial,
            "benchmarks": [benchmark.to_dict() for benchmark in self.benchmarks],
            "score": self.score,
            "seconds": self.seconds,
        }
