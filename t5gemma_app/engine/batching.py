"""Cuts rows into batches by tokens: a pure decision."""

from __future__ import annotations

from collections.abc import Sequence


def cut_batches(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Return batches of row numbers, longest rows first, each within a budget of padded tokens.

    Longest first shows at once whether the memory suffices; similar lengths side by side need little padding.

    Args:
        lengths: Tokens of each row.
        budget: Rows times longest row that one batch may have; a single longer row is a batch of its own.
    """
    batches: list[list[int]] = []
    width = 0
    for row in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i)):
        if batches and (len(batches[-1]) + 1) * width <= budget:
            batches[-1].append(row)
        else:
            batches.append([row])
            width = max(1, lengths[row])
    return batches
