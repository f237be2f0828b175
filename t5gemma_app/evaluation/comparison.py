"""Two runs beside each other, on the samples that both have: what differs, whether it is significant, which samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from t5gemma_app.benchmarks.records import Sample, cluster_of
from t5gemma_app.evaluation.resampling import Difference, average, mean_distribution, paired_difference
from t5gemma_app.evaluation.results import BenchmarkResult, FinishedRun
from t5gemma_app.evaluation.statistics import ALPHA, holm, mcnemar, minimum_detectable_effect

Samples = Mapping[str, Sequence[Sample]]
"""A run's samples by benchmark."""


@dataclass(frozen=True, slots=True)
class TaskComparison:
    """One benchmark of two runs."""

    name: str
    n: int
    """Samples that both runs have and could score."""
    difference: Difference
    """First minus second, with interval and p-value."""
    test: str
    """What gave the p-value, in words."""
    both_right: int
    only_first: tuple[str, ...]
    """Ids of the samples that the first run alone got right."""
    only_second: tuple[str, ...]
    both_wrong: int
    p_adjusted: float = 1.0
    """Corrected for the number of benchmarks by Holm's method."""
    detectable: float | None = None
    """The smallest difference of accuracies that so many samples would show in four cases of five."""

    @property
    def significant(self) -> bool:
        """Whether the runs differ here, over all benchmarks' chance of a false alarm."""
        return self.p_adjusted < ALPHA


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs, benchmark by benchmark and as a whole."""

    tasks: tuple[TaskComparison, ...]
    overall: Difference | None
    """Of the mean scores; None where the runs don't cover the same examples."""
    notes: tuple[str, ...]
    """What limits the comparison, in sentences."""


def compare(first: FinishedRun, second: FinishedRun, first_samples: Samples, second_samples: Samples) -> Comparison:
    """Compare two runs on the samples that both have.

    Args:
        first: A finished run.
        second: Another.
        first_samples: Its samples.
        second_samples: The other's.
    """
    shared = [name for name in first_samples if name in second_samples]
    tasks = [_task(name, first, second, first_samples[name], second_samples[name]) for name in shared]
    adjusted = holm([task.difference.p for task in tasks])
    corrected = tuple(replace(task, p_adjusted=p) for task, p in zip(tasks, adjusted, strict=True))
    return Comparison(corrected, _overall(first, second), tuple(_notes(first, second, shared)))


def _task(
    name: str, first: FinishedRun, second: FinishedRun, ours: Sequence[Sample], theirs: Sequence[Sample]
) -> TaskComparison:
    others = {sample.id: sample for sample in theirs if sample.outcome != "unscored"}
    pairs = [(sample, others[sample.id]) for sample in ours if sample.outcome != "unscored" and sample.id in others]
    only_first = tuple(a.id for a, b in pairs if a.outcome == "right" and b.outcome != "right")
    only_second = tuple(a.id for a, b in pairs if a.outcome != "right" and b.outcome == "right")
    both_right = sum(a.outcome == b.outcome == "right" for a, b in pairs)
    difference, test = _tested(name, first, second, pairs, (len(only_first), len(only_second)))
    discordance = (len(only_first) + len(only_second)) / len(pairs) if pairs else 0.0
    return TaskComparison(
        name=name,
        n=len(pairs),
        difference=difference,
        test=test,
        both_right=both_right,
        only_first=only_first,
        only_second=only_second,
        both_wrong=len(pairs) - both_right - len(only_first) - len(only_second),
        detectable=minimum_detectable_effect(len(pairs), discordance),
    )


def _tested(
    name: str,
    first: FinishedRun,
    second: FinishedRun,
    pairs: Sequence[tuple[Sample, Sample]],
    only: tuple[int, int],
) -> tuple[Difference, str]:
    """Return the difference of the benchmark's score, or of accuracy where the runs don't cover the same samples."""
    clusters = [cluster_of(a.group) for a, _ in pairs]
    count = len(set(clusters))
    mine, yours = first.find(name), second.find(name)
    if mine and yours and _scored_alike(mine, yours):
        found = paired_difference(mine.score or 0, yours.score or 0, mine.distribution, yours.distribution, count)
        return found, f"paired bootstrap over {count:,} clusters"
    first_right = [float(a.outcome == "right") for a, _ in pairs]
    second_right = [float(b.outcome == "right") for _, b in pairs]
    if not pairs:
        return Difference(0.0, 0.0, 0.0, 1.0), "none: no sample in common"
    found = paired_difference(
        sum(first_right) / len(pairs),
        sum(second_right) / len(pairs),
        mean_distribution(first_right, clusters),
        mean_distribution(second_right, clusters),
        count,
    )
    if count == len(pairs):
        return found._replace(p=mcnemar(*only)), "exact McNemar test"
    return found, f"paired bootstrap of accuracy over {count:,} clusters"


def _scored_alike(mine: BenchmarkResult, yours: BenchmarkResult) -> bool:
    """Return whether two results over the same samples have a score that is more than accuracy."""
    if not mine.items or mine.items != yours.items or not (mine.distribution and yours.distribution):
        return False
    return mine.score is not None and yours.score is not None and [m.name for m in mine.metrics] != ["accuracy"]


def _overall(first: FinishedRun, second: FinishedRun) -> Difference | None:
    if [b.items for b in first.benchmarks] != [b.items for b in second.benchmarks]:
        return None
    if first.score is None or second.score is None:
        return None
    draws = [average([b.distribution for b in one.benchmarks]) for one in (first, second)]
    if not all(draws):
        return None
    return paired_difference(first.score, second.score, draws[0], draws[1], sum(b.clusters for b in first.benchmarks))


def _notes(first: FinishedRun, second: FinishedRun, shared: Sequence[str]) -> list[str]:
    notes = []
    ours, theirs = first.run.spec, second.run.spec
    if ours.partial or theirs.partial:
        notes.append("At least one run is partial; only the samples that both have are compared.")
    names = {benchmark.name for benchmark in (*ours.benchmarks, *theirs.benchmarks)}
    if missing := sorted(names - set(shared)):
        notes.append(f"Only one run has {', '.join(missing)}.")
    formatters = {b.name: b.formatter for b in ours.benchmarks}
    other = {b.name: b.formatter for b in theirs.benchmarks}
    changed = [f"{name} ({formatters[name]}, {other[name]})" for name in shared if formatters[name] != other[name]]
    if changed:
        notes.append(f"The prompts differ: {', '.join(changed)}.")
    if ours.dtype != theirs.dtype:
        notes.append(f"The number formats differ: {ours.dtype} and {theirs.dtype}.")
    return notes
