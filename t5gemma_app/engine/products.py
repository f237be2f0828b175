"""Products of float32 rows with a layer's weights on a CPU: the one place that knows oneDNN's kernels for it.

torch's own `linear` multiplies by MKL or OpenBLAS, and what follows the product passes the memory again. oneDNN's
kernel does what follows on the way, and is a tenth faster on AMD's processors, twice as fast for a few rows. On
Intel's, MKL is a little faster for many rows and a quarter faster for one, so what nothing follows is left to it.
oneDNN's is an operator that torch's compiler uses, without a documented face, so it is tried before it is used. Small
weights are left to torch: oneDNN makes and keeps a kernel for every number of rows, which costs milliseconds and
memory, and starts later.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import cycle
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from t5gemma_app.engine.devices import processor

SMALLEST_FUSED = 1 << 18
"""Numbers of a weight from which on oneDNN's kernels pay."""

_PROBE = 32
_CLOSE = 1e-4


class Products(NamedTuple):
    """Three products of rows [rows, in] with weights [out, in]; each returns [rows, out]."""

    linear: Callable[[Tensor, Tensor], Tensor]
    """rows · weightᵀ"""
    gelu: Callable[[Tensor, Tensor], Tensor]
    """The activation of that, GELU in its tanh form."""
    times: Callable[[Tensor, Tensor, Tensor], Tensor]
    """The same product, of the first and last argument, multiplied by the middle one, [rows, out]."""
    ordered: Callable[[Tensor, int], Tensor] | None
    """Copies a weight into the order in which products of about so many rows read it; the copy stands for the weight in
    all three. None where a weight is read as it stands."""


def products(weight: Tensor) -> Products:
    """Return oneDNN's products for a large weight where they count right and are the faster ones, else torch's own."""
    return _for_large_weights() if weight.numel() >= SMALLEST_FUSED else PLAIN


@cache
def _for_large_weights() -> Products:
    """Return what was found once: the machine does not change."""
    return fastest(fused_counts_right(), processor())


def fastest(fused_is_right: bool, processor_name: str) -> Products:
    """Return the products of large weights.

    Args:
        fused_is_right: Whether oneDNN's may be used.
        processor_name: What the processor calls itself.
    """
    if not fused_is_right:
        return PLAIN
    by_mkl = "Intel" in processor_name and torch.backends.mkl.is_available()
    return FUSED._replace(linear=functional.linear, ordered=None) if by_mkl else FUSED


def fused_counts_right() -> bool:
    """Return whether the fused kernels are there and equal torch's own on a probe."""
    values = torch.linspace(-1.0, 1.0, _PROBE * _PROBE).view(_PROBE, _PROBE)
    rows, weight, factors = values.sin(), values.T.contiguous().cos(), values + 0.5
    try:
        counted = [*_counted(FUSED, rows, factors, weight)]
        if FUSED.ordered is not None:
            counted += _counted(FUSED, rows, factors, FUSED.ordered(weight, len(rows)))
    except (AttributeError, RuntimeError):  # no such operator in this torch, or none for this processor
        return False
    expected = _counted(PLAIN, rows, factors, weight)
    return all(torch.allclose(one, other, atol=_CLOSE) for one, other in zip(counted, cycle(expected), strict=False))


def _counted(kind: Products, rows: Tensor, factors: Tensor, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return kind.linear(rows, weight), kind.gelu(rows, weight), kind.times(rows, factors, weight)


def _fused_linear(rows: Tensor, weight: Tensor) -> Tensor:
    product: Tensor = torch.ops.mkldnn._linear_pointwise(rows, weight, None, "none", [], "")
    return product


def _fused_gelu(rows: Tensor, weight: Tensor) -> Tensor:
    product: Tensor = torch.ops.mkldnn._linear_pointwise(rows, weight, None, "gelu", [], "tanh")
    return product


def _fused_times(rows: Tensor, factors: Tensor, weight: Tensor) -> Tensor:
    product: Tensor = torch.ops.mkldnn._linear_pointwise.binary(rows, factors, weight, None, "mul")
    return product


def _fused_ordered(weight: Tensor, rows: int) -> Tensor:
    copy: Tensor = torch.ops.mkldnn._reorder_linear_weight(weight, rows)
    return copy


def _plain_gelu(rows: Tensor, weight: Tensor) -> Tensor:
    return functional.gelu(functional.linear(rows, weight), approximate="tanh")


def _plain_times(rows: Tensor, factors: Tensor, weight: Tensor) -> Tensor:
    return functional.linear(rows, weight).mul_(factors)


FUSED = Products(_fused_linear, _fused_gelu, _fused_times, _fused_ordered)
PLAIN = Products(functional.linear, _plain_gelu, _plain_times, None)
