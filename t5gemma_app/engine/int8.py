"""Products of 8-bit states with a table of 8-bit codes on a CPU: the one place that knows torch's kernels for it.

Two kernels count the same: oneDNN's linear layer, whose table is packed beforehand and which scales its sums itself,
and torch's plain integer product. The first is an operator without a documented face, so it is tried before it is used.
Processors without 8-bit dot products add two products in 16 bits first; states of 7 bits leave room for that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

LARGEST_CODE = 127
LARGEST_STATES = (127, 63)
"""What the whole numbers of a state go up to, the finer ones first: 2 · 127 · (63 + 64) still fits into 16 bits."""

Product = Callable[[Tensor], Tensor]
"""Rows [rows, in] to rows [rows, out], float32."""


@dataclass(frozen=True, slots=True)
class CodedTable:
    """A table of codes, ready to be multiplied with."""

    product: Product
    """States of whole numbers from `-largest` to `largest`, in float32, to scaled sums."""
    largest: int


def coded_table(codes: Tensor, scales: Tensor) -> CodedTable:
    """Return a table that keeps what it needs, in about the memory of the codes.

    Args:
        codes: [words, hidden], int8, from -127 to 127.
        scales: What each word's sum is multiplied by, [words], float32.
    """
    largest = packed_counts_up_to()
    if largest is None:
        return CodedTable(_plain(codes, scales), LARGEST_STATES[0])
    return CodedTable(_packed(codes, scales, largest), largest)


def rounded_product(weight: Tensor) -> Product:
    """Return the product of float32 rows with a weight, both rounded to 8 bits or less: near the exact one, and not it.

    Each output's weights and each row have a scale of their own, their largest number's.

    Args:
        weight: [out, in], float32; it is not kept.
    """
    scales = step_of(weight, LARGEST_CODE)
    table = coded_table(torch.round(weight / scales).to(torch.int8), scales.flatten())

    def rounded(rows: Tensor) -> Tensor:
        steps = step_of(rows, table.largest)
        return table.product(torch.round(rows / steps)).mul_(steps)

    return rounded


def step_of(rows: Tensor, largest: int) -> Tensor:
    """Return what one step of whole numbers up to `largest` is worth in each row, [rows, 1]."""
    return rows.abs().amax(dim=1, keepdim=True).clamp_min(1e-30) / largest


def packed_counts_up_to() -> int | None:
    """Return the largest states with which the packed kernel is exact; None where it is not there or always wrong."""
    codes = torch.full((64, 64), LARGEST_CODE, dtype=torch.int8)
    scales = torch.ones(64)
    for largest in LARGEST_STATES:
        states = torch.full((2, 64), float(largest))
        try:
            kernel = _packed(codes, scales, largest)
            counted = kernel(states), kernel(-states)
        except (AttributeError, RuntimeError):  # no such operator in this torch, or none for this processor
            return None
        if all(torch.equal(count.abs(), _plain(codes, scales)(states)) for count in counted):
            return largest
    return None


def _packed(codes: Tensor, scales: Tensor, largest: int) -> Product:
    operators = torch.ops.onednn
    table = operators.qlinear_prepack(codes, None)
    zeros = torch.zeros(len(codes), dtype=torch.int32)
    shift = largest + 1  # the kernel wants states without sign, and takes the shift off again

    def product(states: Tensor) -> Tensor:
        shifted = (states + shift).to(torch.uint8)
        sums: Tensor = operators.qlinear_pointwise(
            shifted, 1.0, shift, table, scales, zeros, None, 1.0, 0, torch.float32, "none", [], ""
        )
        return sums

    return product


def _plain(codes: Tensor, scales: Tensor) -> Product:
    table = codes.t()
    return lambda states: torch._int_mm(states.to(torch.int8), table).float().mul_(scales)
