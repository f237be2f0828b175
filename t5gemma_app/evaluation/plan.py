"""What a run will compute: its spec with the examples and the checkpoint. Values only."""

from __future__ import annotations

from dataclasses import dataclass

from t5gemma_app.benchmarks.formatter import Formatter
from t5gemma_app.benchmarks.records import Benchmark, Example
from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.evaluation.records import BenchmarkSpec, Run


@dataclass(frozen=True, slots=True)
class Part:
    """One benchmark of a plan."""

    spec: BenchmarkSpec
    benchmark: Benchmark
    formatter: Formatter
    examples: tuple[Example, ...]
    checkpoint: Checkpoint
    """What answers: the run's checkpoint, or a head that was trained from it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A run that is stored, and everything needed to compute it."""

    run: Run
    checkpoint: Checkpoint
    """What the run is about."""
    parts: tuple[Part, ...]

    @property
    def total(self) -> int:
        """Examples of all benchmarks."""
        return sum(len(part.examples) for part in self.parts)
