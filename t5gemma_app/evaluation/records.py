"""What a run is: its identity, its state and what it was computed with. Values only; no file, no database."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, NewType

RunId = NewType("RunId", str)

TAG = "r1-"
"""Begins every run id, so that another canonical form or digest can be told from this one."""
SHOWN = 12
"""Characters of an id that people are shown; any unique beginning is understood."""


class RunState(StrEnum):
    """Where a run is."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    FAILED = "failed"
    DONE = "done"

    @property
    def open(self) -> bool:
        """Whether it goes on by itself."""
        return self in (RunState.QUEUED, RunState.RUNNING)


def canonical_json(value: Any) -> str:
    """Return the one JSON text of a value: sorted names, no blanks, ASCII only.

    Raises:
        ValueError: It holds a number that JSON has no word for.
        TypeError: It holds something that is not JSON, a name that is not text included.
    """
    _refuse_other_names(value)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def _refuse_other_names(value: Any) -> None:
    """Refuse names such as 1 and None, which JSON would write like the texts "1" and "null"."""
    if isinstance(value, dict):
        for name, entry in value.items():
            if not isinstance(name, str):
                raise TypeError(f"{name!r} can't name a field")
            _refuse_other_names(entry)
    elif isinstance(value, list | tuple):
        for entry in value:
            _refuse_other_names(entry)


@dataclass(frozen=True, slots=True)
class HeadSpec:
    """Which classification head answers a benchmark."""

    name: str
    location: str
    """Hub id; empty for a folder."""
    revision: str
    """The Hub's commit, or a digest of the folder's weights and tokenizer."""
    longest: int = 0
    """Tokens that texts are cut to, as in the head's training; 0 cuts none."""


@dataclass(frozen=True, slots=True)
class BenchmarkSpec:
    """What of a run's identity belongs to one benchmark."""

    name: str
    formatter: str
    """Name and version, such as `boolq:harness@1`."""
    method: str
    """`rank`, `generate` or `head`."""
    prompt_hash: str
    """Digest of every prompt and answer as the model sees them."""
    data: str
    """Where the rows come from: a data set's pinned revision, or a digest of the file."""
    split: str = "val"
    limit: int | None = None
    """Rows that are taken from the start; None takes all."""
    head: HeadSpec | None = None
    """What answers where the method is `head`."""

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> BenchmarkSpec:
        """Return what `asdict` described."""
        head = values.get("head")
        return cls(**{**values, "head": HeadSpec(**head) if head else None})


@dataclass(frozen=True, slots=True)
class RunSpec:
    """Everything that a run's numbers depend on, and nothing else; two equal specs are the same run."""

    suite: str
    suite_version: str
    benchmarks: tuple[BenchmarkSpec, ...]
    checkpoint: str
    location: str
    """Hub id; empty for a folder, whose place on a disk says nothing about its weights."""
    revision: str
    """The Hub's commit, or a digest of a folder's weights and tokenizer."""
    dtype: str
    attention: str
    seed: int = 0
    limit: int | None = None
    """Rows a benchmark at most, as the person who started it wished; None cuts nothing."""
    partial: bool = False
    """Whether it measures less than its benchmarks hold, by that wish or by its suite."""

    @property
    def run_id(self) -> RunId:
        """The tagged digest of the canonical spec."""
        return RunId(TAG + hashlib.sha256(self.canonical().encode("ascii")).hexdigest())

    def canonical(self) -> str:
        """Return the canonical JSON text."""
        values = asdict(self)
        for benchmark in values["benchmarks"]:
            if benchmark["head"] is None:
                del benchmark["head"]  # ids of runs without heads are as they were before there were any
        return canonical_json(values)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> RunSpec:
        """Return the spec that `asdict` or the canonical text described."""
        benchmarks = tuple(BenchmarkSpec.from_dict(benchmark) for benchmark in values["benchmarks"])
        return cls(**{**values, "benchmarks": benchmarks})

    @property
    def method(self) -> str:
        """How its answers are read, such as `rank`; several ways are joined by a plus sign."""
        return "+".join(sorted({benchmark.method for benchmark in self.benchmarks}))

    @property
    def suite_label(self) -> str:
        """The suite with its version, as runs are grouped by it."""
        return f"{self.suite}@{self.suite_version}"


@dataclass(frozen=True, slots=True)
class RunOrder:
    """How to run a spec again after a restart; not part of its identity."""

    suite: str
    """Name or path of the suite's file."""
    checkpoint: str
    """Name, folder or hub id of the checkpoint."""
    data_dir: str = ""
    formatter: str = ""
    limit: int | None = None
    batch_tokens: int | None = None
    """Padded tokens of a batch; the engine's own choice when None."""
    tasks: tuple[str, ...] = ()
    """Names of the suite's benchmarks that are measured; empty takes all."""
    splits: tuple[tuple[str, str], ...] = ()
    """Benchmarks whose rows are not those of the official split, with what they are; shown beside their scores."""

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> RunOrder:
        """Return the order that `asdict` described."""
        splits = tuple((str(name), str(words)) for name, words in values.get("splits", ()))
        return cls(**{**values, "tasks": tuple(values.get("tasks", ())), "splits": splits})


@dataclass(frozen=True, slots=True)
class Environment:
    """What a run was computed with; stored beside its results, not part of its identity."""

    packages: dict[str, str] = field(default_factory=dict)
    commit: str = ""
    """Git commit of the workbench, or empty outside a checkout."""
    command: str = ""
    """The command line that computes it again."""
    device: str = ""
    hardware: str = ""
    reasons: tuple[str, ...] = ()
    """Why this device, number format and attention."""
    parameters: dict[str, int] = field(default_factory=dict)
    """Parameters by part and `total`; empty where they are not known."""
    encoder_size: str = ""
    decoder_size: str = ""
    objective: str = ""
    stage: str = ""
    peak_bytes: int = 0
    """The process's largest memory, or the device's where there is one."""
    loading_seconds: float = 0.0
    batch_tokens: int | None = None
    processes: int = 1

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Environment:
        """Return the environment that `asdict` described."""
        return cls(**{**values, "reasons": tuple(values.get("reasons", ()))})


@dataclass(frozen=True, slots=True)
class Run:
    """One suite, one checkpoint, one setting, and how far it is."""

    id: RunId
    spec: RunSpec
    order: RunOrder
    state: RunState
    created: float
    """Seconds since 1970, as all times."""
    started: float | None = None
    finished: float | None = None
    failure: str = ""
    environment: Environment = field(default_factory=Environment)
    totals: dict[str, int] = field(default_factory=dict)
    """Examples of each benchmark."""
    shipped: bool = False
    """Whether it came with the app instead of being computed here."""

    @property
    def total(self) -> int:
        """Examples of all benchmarks."""
        return sum(self.totals.values())


@dataclass(frozen=True, slots=True)
class MetricEstimate:
    """A metric with its interval."""

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class BenchmarkProgress:
    """How far one benchmark is."""

    name: str
    done: int
    total: int
    unscored: int = 0
    metric: MetricEstimate | None = None
    """The first metric over the samples so far."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is."""

    run_id: RunId
    state: RunState
    benchmarks: tuple[BenchmarkProgress, ...]
    stage: str = ""
    """What goes on when no example is answered, such as loading; empty otherwise."""
    examples_per_second: float | None = None
    """Over this session; None until the first batch is through."""
    eta_seconds: float | None = None
    """Seconds left, from the characters still to be read."""

    @property
    def done(self) -> int:
        """Samples that are stored."""
        return sum(benchmark.done for benchmark in self.benchmarks)

    @property
    def total(self) -> int:
        """Examples of all benchmarks."""
        return sum(benchmark.total for benchmark in self.benchmarks)
