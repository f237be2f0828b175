"""Cuts rows into batches by tokens: a pure decision."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Sized
from typing import TypeVar

from t5gemma_app.checkpoints.placement import DTYPE_BYTES
from t5gemma_app.checkpoints.records import Stack

# On a CPU larger batches are hardly faster once the layers' weights are read, and people wait for the one in flight.
CPU_TOKENS = 2048
# Encoder parts whose rows the decoder reads together where nothing is padded: it reads few tokens, and all its weights.
PARTS_TOGETHER = 4
LARGEST_TOKENS = 131_072
# Share of the free memory that a batch's arrays may take; an estimate, so a batch that fails is halved.
FREE_SHARE = 0.3

Row = TypeVar("Row", bound=Sized)


def cut_batches(lengths: Sequence[int], budget: int, packed: int = 0) -> list[list[int]]:
    """Return batches of row numbers, longest rows first, each within a budget of tokens, padding counted.

    Longest first shows at once whether the memory suffices; similar lengths side by side need little padding.

    Args:
        lengths: Tokens of each row.
        budget: Tokens that one batch may have; a single longer row is a batch of its own.
        packed: Batches whose longest row has at most so many tokens are computed without padding.
    """
    batches: list[list[int]] = []
    width = used = 0
    for row in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i)):
        length = max(1, lengths[row])
        cost = length if width <= packed else width
        if batches and used + cost <= budget:
            batches[-1].append(row)
            used += cost
        else:
            batches.append([row])
            width = used = length
    return batches


def cut_in_order(rows: Iterable[Row], tokens: int) -> list[list[Row]]:
    """Return rows in parts of at most so many tokens, in their order; a longer row is a part of its own."""
    parts: list[list[Row]] = []
    used = 0
    for row in rows:
        if not parts or used + len(row) > tokens:
            parts.append([])
            used = 0
        parts[-1].append(row)
        used += len(row)
    return parts


def token_budget(kind: str, free_bytes: int, encoder: Stack, dtype: str) -> int:
    """Return how many padded tokens one scored batch may have.

    Args:
        kind: The device's kind, `cpu`, `cuda` or `mps`.
        free_bytes: Memory that is free on it now.
        encoder: The stack that reads the contexts.
        dtype: Number format of the arrays.
    """
    if kind == "cpu":
        return CPU_TOKENS
    per_token = (3 * encoder.intermediate + 8 * encoder.hidden) * DTYPE_BYTES[dtype]
    return max(CPU_TOKENS, min(LARGEST_TOKENS, int(free_bytes * FREE_SHARE) // per_token))
