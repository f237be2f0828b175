"""How far a run is: counts into shares, intervals and time left. Pure."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from t5gemma_app.evaluation.journal import Counts
from t5gemma_app.evaluation.records import BenchmarkProgress, MetricEstimate, Progress, Run, RunState
from t5gemma_app.evaluation.statistics import wilson


def progress_of(
    run: Run, counts: Mapping[str, Counts], *, stage: str = "", pace: Pace | None = None, state: RunState | None = None
) -> Progress:
    """Return how far a run is.

    Args:
        run: The run.
        counts: Its stored samples.
        stage: What goes on instead of answering.
        pace: How fast this session is; None where the run is computed elsewhere or not at all.
        state: The state to show; the run's own when left out.
    """
    benchmarks = tuple(
        _benchmark(name, run.totals.get(name, 0), counts.get(name, Counts()))
        for name in (benchmark.name for benchmark in run.spec.benchmarks)
    )
    return Progress(
        run_id=run.id,
        state=state or run.state,
        benchmarks=benchmarks,
        stage=stage,
        examples_per_second=pace.examples_per_second if pace else None,
        eta_seconds=pace.eta_seconds if pace else None,
    )


@dataclass(slots=True)
class Pace:
    """Speed since the first batch of a session, measured in the tokens that examples are estimated to have."""

    left: int
    """Estimated tokens that are not answered yet."""
    clock: Callable[[], float] = time.monotonic
    tokens: int = 0
    examples: int = 0
    seconds: float = 0.0

    def add(self, examples: int, tokens: int, seconds: float) -> None:
        """Take a batch into account."""
        self.examples += examples
        self.tokens += tokens
        self.seconds += seconds
        self.left -= tokens

    @property
    def examples_per_second(self) -> float | None:
        """Speed so far; None before the first batch."""
        return self.examples / self.seconds if self.seconds > 0 else None

    @property
    def eta_seconds(self) -> float | None:
        """Time left; long examples come first, so that it shrinks faster than the clock runs, not slower."""
        return max(0, self.left) * self.seconds / self.tokens if self.tokens else None


def _benchmark(name: str, total: int, counts: Counts) -> BenchmarkProgress:
    scored = counts.done - counts.unscored
    metric = None
    if interval := wilson(counts.right, scored):
        metric = MetricEstimate("accuracy", counts.right / scored, interval.low, interval.high)
    return BenchmarkProgress(name, counts.done, max(total, counts.done), counts.unscored, metric)


def score_so_far(progress: Progress) -> MetricEstimate | None:
    """Return the mean accuracy over the benchmarks that have answers, with the interval of independent ones.

    The score of a finished run may differ: some benchmarks are judged by F1, and a mean over fewer benchmarks is
    another number.
    """
    found = [one.metric for one in progress.benchmarks if one.metric is not None and one.metric.value is not None]
    if not found:
        return None
    value = sum(metric.value or 0.0 for metric in found) / len(found)
    # Wilson's intervals lie to one side, so the two sides are added up apart.
    below = math.sqrt(sum(((metric.value or 0.0) - (metric.low or 0.0)) ** 2 for metric in found)) / len(found)
    above = math.sqrt(sum(((metric.high or 0.0) - (metric.value or 0.0)) ** 2 for metric in found)) / len(found)
    return MetricEstimate("accuracy", value, max(0.0, value - below), min(1.0, value + above))
