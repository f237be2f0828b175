"""Products of 8-bit states with a table of 8-bit codes on a CPU: the one place that knows torch's kernels for it.

Two kernels count the same: oneDNN's linear layer, whose table is packed beforehand and which scales its sums itself,
and torch's plain integer product. The first is an operator without a documented face, so it is tried before it is used.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

# The packed kernel wants states without sign; it takes the shift off again.
_SHIFT = 128
_LARGEST = 127

Product = Callable[[Tensor], Tensor]
"""States [rows, hidden] of whole numbers from -127 to 127 in float32, to scaled sums [rows, words] in float32."""


def product_with(codes: Tensor, scales: Tensor) -> Product:
    """Return the product with a table; it keeps what it needs, in about the memory of the codes.

    Args:
        codes: [words, hidden], int8.
        scales: What each word's sum is multiplied by, [words], float32.
    """
    return _packed(codes, scales) if packed_counts_right() else _plain(codes, scales)


def rounded_product(weight: Tensor) -> Product:
    """Return the product of float32 rows with a weight, both rounded to 8 bits: near the exact one, and not it.

    Each output's weights and each row have a scale of their own, their largest number's.

    Args:
        weight: [out, in], float32; it is not kept.
    """
    scales = _scale_of(weight)
    product = product_with(torch.round(weight / scales).to(torch.int8), scales.flatten())

    def rounded(rows: Tensor) -> Tensor:
        steps = _scale_of(rows)
        return product(torch.round(rows / steps)).mul_(steps)

    return rounded


def _scale_of(rows: Tensor) -> Tensor:
    """Return what one step of each row's codes is worth, [rows, 1]."""
    return rows.abs().amax(dim=1, keepdim=True).clamp_min(1e-30) / _LARGEST


def packed_counts_right() -> bool:
    """Return whether the packed kernel is there and exact with the largest codes.

    Processors without 8-bit dot products add pairs in 16 bits, which the largest codes overflow.
    """
    codes = torch.full((64, 64), 127, dtype=torch.int8)
    scales = torch.ones(64)
    states = torch.full((2, 64), 127.0)
    try:
        counted = _packed(codes, scales)(states), _packed(codes, scales)(-states)
    except (AttributeError, RuntimeError):  # no such operator in this torch, or none for this processor
        return False
    return all(torch.equal(count.abs(), _plain(codes, scales)(states)) for count in counted)


def _packed(codes: Tensor, scales: Tensor) -> Product:
    operators = torch.ops.onednn
    table = operators.qlinear_prepack(codes, None)
    zeros = torch.zeros(len(codes), dtype=torch.int32)

    def product(states: Tensor) -> Tensor:
        shifted = (states + _SHIFT).to(torch.uint8)
        sums: Tensor = operators.qlinear_pointwise(
            shifted, 1.0, _SHIFT, table, scales, zeros, None, 1.0, 0, torch.float32, "none", [], ""
        )
        return sums

    return product


def _plain(codes: Tensor, scales: Tensor) -> Product:
    table = codes.t()
    return lambda states: torch._int_mm(states.to(torch.int8), table).float().mul_(scales)
