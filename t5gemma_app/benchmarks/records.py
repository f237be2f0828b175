"""The values that measuring passes on: example, sample, metric and benchmark; they know nothing of models."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Method = Literal["rank", "generate", "head"]
Outcome = Literal["right", "wrong", "unscored"]


@dataclass(frozen=True, slots=True)
class Example:
    """A row as a model sees it, before prediction."""

    id: str
    """Unique within the benchmark, made from the row's official numbers."""
    benchmark: str
    formatter: str
    """Name and version, such as `boolq:harness@1`."""
    method: Method
    """`rank` scores the choices, `generate` lets the model write, `head` asks a classification head."""
    context: str
    """What the encoder reads."""
    choices: tuple[str, ...]
    """For `rank` the exact continuations, spacing included; for `generate` the label words; for `head` the labels."""
    gold: int | tuple[str, ...]
    """Index of the right choice, or the acceptable texts where there may be several."""
    group: str
    """What belongs together, as `cluster` or `cluster/part`; see `cluster_of`."""
    pair: str = ""
    """The second text for a classification head; empty where there is one."""
    row: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """The row that this was made of."""


@dataclass(frozen=True, slots=True)
class ChoiceRecord:
    """A choice with its score."""

    text: str
    logprob: float
    """Sum over the choice's tokens, natural logarithm; NaN where it could not be computed."""
    tokens: int


@dataclass(frozen=True, slots=True)
class Sample:
    """An example with its prediction; the unit that a run keeps."""

    id: str
    benchmark: str
    formatter: str
    group: str
    gold: int | tuple[str, ...]
    prediction: int | str | None
    """Index of a choice, a text (ReCoRD's entity, a generated answer), or None where there is no prediction."""
    outcome: Outcome
    choices: tuple[ChoiceRecord, ...] = ()
    scores: dict[str, float] = field(default_factory=dict, hash=False)
    """What the metrics add up, such as `accuracy` or `f1`; empty where unscored."""
    note: str = ""
    """Why a sample is unscored; not part of the samples file."""

    def to_dict(self) -> dict[str, Any]:
        """Return one line of a samples file; numbers that JSON can't hold become null."""
        return {
            "benchmark": self.benchmark,
            "formatter": self.formatter,
            "id": self.id,
            "group": self.group,
            "gold": list(self.gold) if isinstance(self.gold, tuple) else self.gold,
            "prediction": self.prediction,
            "outcome": self.outcome,
            "choices": [
                {
                    "text": choice.text,
                    "logprob": choice.logprob if math.isfinite(choice.logprob) else None,
                    "tokens": choice.tokens,
                }
                for choice in self.choices
            ],
            "scores": dict(self.scores),
        }

    def to_record(self) -> dict[str, Any]:
        """Return what `from_dict` needs to give back an equal sample: the line of a samples file and the note."""
        return {**self.to_dict(), "note": self.note}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Sample:
        """Return the sample that `to_dict` or `to_record` described; a null log-probability becomes NaN."""
        gold = values["gold"]
        return cls(
            id=values["id"],
            benchmark=values["benchmark"],
            formatter=values["formatter"],
            group=values["group"],
            gold=tuple(gold) if isinstance(gold, Sequence) and not isinstance(gold, str) else gold,
            prediction=values["prediction"],
            outcome=values["outcome"],
            choices=tuple(
                ChoiceRecord(
                    text=choice["text"],
                    logprob=math.nan if choice["logprob"] is None else float(choice["logprob"]),
                    tokens=choice["tokens"],
                )
                for choice in values["choices"]
            ),
            scores=dict(values["scores"]),
            note=values.get("note", ""),
        )


@dataclass(frozen=True, slots=True)
class MetricValue:
    """A metric over the scored samples of a benchmark."""

    name: str
    value: float | None
    """From 0 to 1; None where nothing was scored."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A data set as it is measured."""

    name: str
    splits: tuple[str, ...]
    """Splits with labels, named as the official files are."""
    labels: tuple[str, ...]
    """The classes in the order of their numbers; empty where the answer is a text."""
    clusters: str
    """What the samples of one cluster share, in words."""
    metrics: tuple[str, ...]
    """Names of the official metrics; two are averaged to the benchmark's score."""
    random_baseline: float | None
    """Accuracy of a uniform guess; None where it depends on the row."""
    licence: str
    about: str


def cluster_of(group: str) -> str:
    """Return the part of a group before its first slash: samples of one cluster are drawn together in a bootstrap."""
    return group.partition("/")[0]
