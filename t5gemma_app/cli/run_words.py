"""Runs in words: progress lines, tables of results and of runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from t5gemma_app.cli.output import say, table

if TYPE_CHECKING:
    from t5gemma_app.evaluation.records import MetricEstimate, Progress, Run
    from t5gemma_app.evaluation.results import FinishedRun

SECONDS_BETWEEN_LINES = 5.0


class ProgressLines:
    """Says on standard error how far a run is, every few seconds.

    Args:
        label: What is evaluated.
        quiet: Say nothing, as the later ones of several processes.
        clock: Seconds that never go back.
    """

    def __init__(self, label: str, *, quiet: bool = False, clock: Callable[[], float] = time.monotonic) -> None:
        self._label = label
        self._quiet = quiet
        self._clock = clock
        self._said = -SECONDS_BETWEEN_LINES

    def __call__(self, progress: Progress) -> None:
        """Take the newest progress."""
        ends = progress.total > 0 and progress.done == progress.total and not progress.stage
        if self._quiet or (self._clock() - self._said < SECONDS_BETWEEN_LINES and not ends):
            return
        self._said = self._clock()
        say(f"{self._label}: {progress_line(progress)}")


def progress_line(progress: Progress) -> str:
    """Return one line on how far a run is."""
    if progress.stage:
        return progress.stage
    parts = [f"{progress.done:,} of {progress.total:,}"]
    current = next((b for b in progress.benchmarks if b.done < b.total), progress.benchmarks[-1])
    if current.metric and current.done < current.total:
        parts.append(f"{current.name} {current.done:,} of {current.total:,}, so far {estimate(current.metric)}")
    if progress.examples_per_second:
        parts.append(f"{progress.examples_per_second:.1f} examples/s")
    if progress.eta_seconds:
        parts.append(f"{duration(progress.eta_seconds)} left")
    return " · ".join(parts)


def result_table(one: FinishedRun) -> str:
    """Return a finished run for people, shares times 100."""
    rows = []
    for benchmark in one.benchmarks:
        for place, metric in enumerate(benchmark.metrics):
            head = (
                benchmark.name,
                benchmark.formatter.partition(":")[2],
                f"{benchmark.n:,}",
                f"{benchmark.unscored:,}",
            )
            seconds = f"{benchmark.seconds:.1f}"
            rows.append(
                (*(head if place == 0 else [""] * 4), metric.name, estimate(metric), seconds if not place else "")
            )
    header = ("benchmark", "formatter", "n", "unscored", "metric", "value [95 %]", "seconds")
    spec = one.run.spec
    score = "–" if one.score is None else f"{one.score * 100:.1f}"
    return (
        f"{spec.checkpoint} on {spec.suite_label}{' (partial)' if spec.partial else ''}, run {short(one.run)}\n"
        f"{table(header, rows, right=(2, 3, 6))}\nscore {score} in {duration(one.seconds)}\n"
    )


def run_table(runs: Sequence[tuple[Run, int]]) -> str:
    """Return runs with their numbers of stored samples."""
    rows = []
    for run, done in runs:
        share = f"{done:,} of {run.total:,}" if not run.shipped else "shipped"
        began = datetime.fromtimestamp(run.created).astimezone().strftime("%Y-%m-%d %H:%M")
        suite = run.spec.suite_label + (" (partial)" if run.spec.partial else "")
        rows.append((short(run), run.spec.checkpoint, suite, run.state.value, share, began, run.failure[:60]))
    return table(("run", "checkpoint", "suite", "state", "samples", "since", "failure"), rows, right=(4,))


def short(run: Run) -> str:
    """Return as much of an id as people are shown; the commands understand it."""
    from t5gemma_app.evaluation.records import SHOWN, TAG

    return run.id.removeprefix(TAG)[:SHOWN]


def estimate(metric: MetricEstimate) -> str:
    """Return a metric with its interval, times 100."""
    from t5gemma_app.evaluation.export import with_interval

    return with_interval(metric)


def duration(seconds: float) -> str:
    """Return seconds in words."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
