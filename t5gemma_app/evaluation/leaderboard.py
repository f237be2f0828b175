"""Finished runs as ranked rows: a pure function of results, without samples, files or a database.

Partial runs are marked and never ranked with full ones, published figures never at all; a missing benchmark leaves the
mean empty.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

from t5gemma_app.evaluation.published import PUBLISHED, PublishedScore
from t5gemma_app.evaluation.records import MetricEstimate, RunId
from t5gemma_app.evaluation.resampling import average, pairwise_p, percentile_interval
from t5gemma_app.evaluation.results import BenchmarkResult, FinishedRun
from t5gemma_app.evaluation.statistics import ALPHA, holm, ranks_with_ties


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the leaderboard."""

    checkpoint: str
    score: MetricEstimate
    """Mean over the benchmarks; its value is None where one is missing."""
    tasks: dict[str, MetricEstimate] = field(default_factory=dict)
    """Each benchmark's score with its interval."""
    rank: int | None = None
    """Equal ranks are ties; None is not ranked."""
    why_unranked: str = ""
    run_id: RunId | None = None
    suite: str = ""
    n: int = 0
    unscored: int = 0
    encoder_size: str = ""
    decoder_size: str = ""
    objective: str = ""
    stage: str = ""
    parameters: int | None = None
    method: str = ""
    """How answers were read, as in the run's spec."""
    dtype: str = ""
    attention: str = ""
    device: str = ""
    examples_per_second: float | None = None
    peak_bytes: int = 0
    partial: bool = False
    shipped: bool = False
    finished: float | None = None
    published: str = ""
    """Paper and table of a published figure; empty for what was measured."""
    splits: dict[str, str] = field(default_factory=dict)
    """Tasks whose rows are not those of the official split, with what they are."""
    command: str = ""
    """The command line that computes it again."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which rows are shown; an empty field lets all pass."""

    suite: str = ""
    """Name, or name and version."""
    search: str = ""
    """Part of a checkpoint's name."""
    encoder_sizes: tuple[str, ...] = ()
    decoder_sizes: tuple[str, ...] = ()
    objectives: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = ()
    most_parameters: int | None = None
    since: float | None = None
    partial: bool = True
    published: bool = True

    def shows(self, row: Row) -> bool:
        """Return whether a row passes; ranks are given before, so that filtering changes none."""
        choices = (
            (self.encoder_sizes, row.encoder_size),
            (self.decoder_sizes, row.decoder_size),
            (self.objectives, row.objective),
            (self.stages, row.stage),
            (self.methods, row.method),
            (self.dtypes, row.dtype),
        )
        if any(wanted and value not in wanted for wanted, value in choices):
            return False
        if self.search and self.search.casefold() not in row.checkpoint.casefold():
            return False
        if self.most_parameters is not None and (row.parameters is None or row.parameters > self.most_parameters):
            return False
        if self.since is not None and (row.finished is None or row.finished < self.since):
            return False
        return (self.partial or not row.partial) and (self.published or not row.published)


def suites(finished: Sequence[FinishedRun]) -> tuple[str, ...]:
    """Return the suites that have finished runs, with their versions, the newest run first."""
    newest = sorted(finished, key=lambda one: -(one.run.finished or 0))
    return tuple(dict.fromkeys(one.run.spec.suite_label for one in newest))


def leaderboard(finished: Sequence[FinishedRun], chosen: Filter | None = None) -> tuple[Row, ...]:
    """Return the rows of one suite, best first, with published figures last.

    Args:
        finished: Runs that are done; those of other suites are left out.
        chosen: Which rows are shown; of the suite run last where it names none.
    """
    chosen = chosen or Filter()
    label = _suite(finished, chosen.suite)
    of_suite = [one for one in finished if one.run.spec.suite_label == label]
    # A suite that is partial by itself has no full runs; its own are ranked among themselves, marked as they are.
    full = [one for one in of_suite if not one.run.spec.partial]
    ranked = _ranked([one for one in full or of_suite if one.score is not None and not one.run.order.tasks])
    ids = {row.run_id for row in ranked}
    others = sorted(
        (_row(one, _reason(one)) for one in of_suite if one.run.id not in ids),
        key=lambda row: (row.partial, -(row.score.value or 0), row.checkpoint),
    )
    return tuple(row for row in (*ranked, *others, *map(_printed, PUBLISHED)) if chosen.shows(row))


def score_estimate(one: FinishedRun) -> MetricEstimate:
    """Return the mean of a run's benchmarks with its interval."""
    value = one.score
    interval = percentile_interval(_draws(one)) if value is not None else None
    if value is None or interval is None:
        return MetricEstimate("score", value)
    return MetricEstimate("score", value, min(interval.low, value), max(interval.high, value))


def task_estimate(result: BenchmarkResult) -> MetricEstimate:
    """Return a benchmark's score with its interval: the metric's own where it has only one."""
    if len(result.metrics) == 1 and result.metrics[0].value == result.score:
        return replace(result.metrics[0], name="score")
    interval = percentile_interval(result.distribution)
    if result.score is None or interval is None:
        return MetricEstimate("score", result.score)
    return MetricEstimate("score", result.score, min(interval.low, result.score), max(interval.high, result.score))


def _suite(finished: Sequence[FinishedRun], wanted: str) -> str:
    labels = suites(finished)
    if not wanted:
        return labels[0] if labels else ""
    return next((label for label in labels if wanted in (label, label.rpartition("@")[0])), wanted)


def _ranked(full: Sequence[FinishedRun]) -> list[Row]:
    """Rank the runs over the same examples; should there be several such sets, the largest."""
    sets: dict[tuple[str, ...], list[FinishedRun]] = {}
    for one in full:
        sets.setdefault(tuple(benchmark.items for benchmark in one.benchmarks), []).append(one)
    largest = max(sets.values(), key=len, default=[])
    ordered = sorted(largest, key=lambda one: (-(one.score or 0), one.run.spec.checkpoint, one.run.id))
    different = _different_pairs(ordered)
    ranks = ranks_with_ties(ordered, lambda a, b: (a.run.id, b.run.id) in different)
    return [replace(_row(one, ""), rank=rank) for one, rank in zip(ordered, ranks, strict=True)]


def _different_pairs(ordered: Sequence[FinishedRun]) -> set[tuple[RunId, RunId]]:
    """Return the pairs whose scores differ significantly, corrected for the number of pairs."""
    if not ordered:
        return set()
    clusters = sum(benchmark.clusters for benchmark in ordered[0].benchmarks)
    p_values = pairwise_p([one.score or 0 for one in ordered], [_draws(one) for one in ordered], clusters)
    adjusted = zip(combinations(ordered, 2), holm(p_values), strict=True)
    return {(a.run.id, b.run.id) for (a, b), p in adjusted if p < ALPHA}


def _draws(one: FinishedRun) -> tuple[float, ...]:
    return average([benchmark.distribution for benchmark in one.benchmarks])


def _reason(one: FinishedRun) -> str:
    if one.run.order.tasks:
        return "partial: some of the suite's tasks"
    if one.run.spec.partial:
        cut = f": at most {one.run.spec.limit} rows a benchmark" if one.run.spec.limit is not None else ""
        return f"partial{cut}"
    if one.score is None:
        return "a benchmark has no score"
    return "measured on other examples than the ranked runs"


def _row(one: FinishedRun, why_unranked: str) -> Row:
    spec, environment = one.run.spec, one.run.environment
    return Row(
        checkpoint=spec.checkpoint,
        # A mean over some tasks is another number than the mean over all of them.
        score=MetricEstimate("score", None) if one.run.order.tasks else score_estimate(one),
        tasks={benchmark.name: task_estimate(benchmark) for benchmark in one.benchmarks},
        why_unranked=why_unranked,
        run_id=one.run.id,
        suite=spec.suite_label,
        n=sum(benchmark.n for benchmark in one.benchmarks),
        unscored=sum(benchmark.unscored for benchmark in one.benchmarks),
        encoder_size=environment.encoder_size,
        decoder_size=environment.decoder_size,
        objective=environment.objective,
        stage=environment.stage,
        parameters=environment.parameters.get("total"),
        method=spec.method,
        dtype=spec.dtype,
        attention=spec.attention,
        device=environment.device,
        examples_per_second=one.examples_per_second,
        peak_bytes=environment.peak_bytes,
        partial=spec.partial,
        shipped=one.run.shipped,
        finished=one.run.finished,
        splits=dict(one.run.order.splits),
        command=environment.command,
    )


def _printed(figure: PublishedScore) -> Row:
    return Row(
        checkpoint=f"{figure.model} {figure.objective}, fine-tuned from {figure.start}",
        score=MetricEstimate("score", figure.score),
        why_unranked="published, after fine-tuning; measured otherwise than these runs",
        encoder_size=figure.encoder_size,
        decoder_size=figure.decoder_size,
        objective=figure.objective,
        stage="fine-tuned",
        published=figure.source,
    )
