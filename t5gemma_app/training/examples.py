"""Encoded rows, and batches of them: ids and tensors, without knowing what the rows are about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Literal, Protocol

import torch
from torch import Tensor

from t5gemma_app.training.parallel import IGNORED

Kind = Literal["sequence", "token", "text", "causal"]
"""What is learnt: a label of an input, a label of each of its tokens, a text after it, or the tokens that follow."""


@dataclass(frozen=True, slots=True)
class Example:
    """One encoded row."""

    inputs: tuple[int, ...]
    targets: tuple[int, ...]
    """One label; a label or `IGNORED` for each input; the ids to write; or for each input the id that follows it."""
    lost: int = 0
    """Labels that were cut off with the end of the input; an evaluation counts them as wrong."""

    @property
    def length(self) -> int:
        """Ids of input and target together, as a measure of what the row costs."""
        return len(self.inputs) + len(self.targets)


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows padded on the right."""

    inputs: Tensor
    mask: Tensor
    targets: Tensor
    """[rows] for labels of whole inputs, else [rows, longest]."""
    seed: int = 0
    """Decides the dropout of this batch."""

    def rows(self, start: int, every: int) -> Batch:
        """Return every so many rows, from `start` on."""
        chosen = slice(start, None, every)
        return Batch(self.inputs[chosen], self.mask[chosen], self.targets[chosen], self.seed * 31 + start)

    def to(self, device: torch.device) -> Batch:
        """Return the batch on a device."""
        return Batch(self.inputs.to(device), self.mask.to(device), self.targets.to(device), self.seed)


class Stream(Protocol):
    """Rows that training goes through epoch by epoch."""

    def __len__(self) -> int:
        """Return how many rows an epoch has."""

    def length(self, index: int) -> int:
        """Return about how many tokens a row has, to put similar ones side by side."""

    def example(self, epoch: int, index: int) -> Example:
        """Return a row as it is in an epoch; the same whenever it is asked for."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows that are the same in every epoch."""

    examples: Sequence[Example]

    def __len__(self) -> int:
        return len(self.examples)

    def length(self, index: int) -> int:
        """Return a row's tokens."""
        return self.examples[index].length

    def example(self, epoch: int, index: int) -> Example:
        """Return a row."""
        return self.examples[index]


def collate(kind: Kind, examples: Sequence[Example], pad: int, seed: int = 0) -> Batch:
    """Return rows as one batch."""
    inputs = padded([example.inputs for example in examples], pad)
    lengths = torch.tensor([len(example.inputs) for example in examples])
    mask = (torch.arange(inputs.shape[1])[None] < lengths[:, None]).long()
    if kind == "sequence":
        targets = torch.tensor([example.targets[0] for example in examples])
    else:
        targets = padded([example.targets for example in examples], IGNORED)
    return Batch(inputs, mask, targets, seed)


def padded(rows: Sequence[Sequence[int]], fill: int) -> Tensor:
    """Return rows of ids as one tensor, padded on the right."""
    width = max(len(row) for row in rows)
    return torch.tensor([[*row, *[fill] * (width - len(row))] for row in rows], dtype=torch.long)


def cut_parts(examples: Sequence[Example], tokens: int) -> list[list[Example]]:
    """Cut rows into parts of at most so many padded tokens, longest rows first; a longer row is a part of its own."""
    parts: list[list[Example]] = []
    width = 0
    for example in sorted(examples, key=lambda example: -example.length):
        if not parts or (len(parts[-1]) + 1) * width > tokens:
            parts.append([])
            width = example.length
        parts[-1].append(example)
    return parts


def with_unknown_words(example: Example, share: float, unknown: int, rng: Random) -> Example:
    """Return a row with a share of its inputs, the first one left alone, replaced by the unknown word."""
    if not share:
        return example
    first, *rest = example.inputs
    return replace(example, inputs=(first, *(unknown if rng.random() < share else index for index in rest)))
