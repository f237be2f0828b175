"""What runs will cost before they start: examples, and time from the measured speed of earlier ones. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from t5gemma_app.evaluation.journal import Counts
from t5gemma_app.evaluation.records import Run


@dataclass(frozen=True, slots=True)
class Outline:
    """One benchmark of a suite, its rows counted."""

    name: str
    formatter: str
    data: str
    """What the rows are known by, as in `BenchmarkSpec`."""
    examples: int
    tokens: int
    """Estimated tokens that are read for all of them."""


class Kind(NamedTuple):
    """Examples that take alike long: the same rows shown in the same way."""

    formatter: str
    data: str


Speeds = Mapping[Kind, float]
"""Seconds an example took, by kind; of one checkpoint."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a sweep will take."""

    examples: int
    """Over all checkpoints."""
    seconds: float | None
    """Over the checkpoints whose speed is known; None where none is."""
    unmeasured: tuple[str, ...]
    """Checkpoints that never answered such rows here."""


def speeds_of(runs: Sequence[tuple[Run, Mapping[str, Counts]]]) -> dict[Kind, float]:
    """Return how fast a checkpoint was.

    Args:
        runs: Its runs on this machine with their counts.
    """
    seconds: dict[Kind, float] = {}
    examples: dict[Kind, int] = {}
    for run, counts in runs:
        for benchmark in run.spec.benchmarks:
            count = counts.get(benchmark.name, Counts())
            kind = Kind(benchmark.formatter, benchmark.data)
            seconds[kind] = seconds.get(kind, 0.0) + count.seconds
            examples[kind] = examples.get(kind, 0) + count.done
    return {kind: seconds[kind] / number for kind, number in examples.items() if number}


def seconds_of(outlines: Sequence[Outline], speeds: Speeds) -> float | None:
    """Return how long a run will take, loading left out, or None where none of its benchmarks was measured.

    Benchmarks that were not are taken to be as fast, token by token, as those that were.
    """
    known = [(one, speeds[kind]) for one in outlines if (kind := Kind(one.formatter, one.data)) in speeds]
    if not known:
        return None
    measured = sum(one.examples * each for one, each in known)
    tokens = sum(one.tokens for one, _ in known)
    rest = sum(one.tokens for one in outlines) - tokens
    return measured + (rest * measured / tokens if tokens else 0.0)


def cost_of(outlines: Sequence[Outline], speeds: Mapping[str, Speeds]) -> Cost:
    """Return what a sweep will cost.

    Args:
        outlines: The benchmarks, the same for every checkpoint.
        speeds: Measured speeds by checkpoint.
    """
    each = {name: seconds_of(outlines, known) for name, known in speeds.items()}
    measured = [seconds for seconds in each.values() if seconds is not None]
    return Cost(
        examples=sum(one.examples for one in outlines) * len(speeds),
        seconds=sum(measured) if measured else None,
        unmeasured=tuple(name for name, seconds in each.items() if seconds is None),
    )
