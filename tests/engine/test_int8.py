from __future__ import annotations

import pytest
import torch

from t5gemma_app.engine import int8
from t5gemma_app.engine.int8 import LARGEST_STATES, coded_table, packed_counts_up_to, rounded_product

KERNELS = (*LARGEST_STATES, None)


def choose(monkeypatch, largest):
    """Let tables use one kernel, where this processor has it."""
    found = packed_counts_up_to()
    if largest is not None and (found is None or largest > found):
        pytest.skip(f"this processor's packed kernel counts right up to {found}")
    monkeypatch.setattr(int8, "packed_counts_up_to", lambda: largest)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("rows", [1, 3, 8])
def test_sums_are_exact_up_to_the_largest_codes(monkeypatch, rows, kernel):
    choose(monkeypatch, kernel)
    draw = torch.Generator().manual_seed(rows)
    codes = torch.randint(-127, 128, (300, 512), generator=draw).to(torch.int8)
    codes[7], codes[8] = 127, -127
    scales = torch.rand(300, generator=draw)
    table, bare = coded_table(codes, scales), coded_table(codes, torch.ones(300))
    assert table.largest == bare.largest == (kernel or LARGEST_STATES[0])
    states = torch.randint(-table.largest, table.largest + 1, (rows, 512), generator=draw).float()
    states[0] = table.largest
    wanted = (states.double() @ codes.double().t()) * scales.double()
    assert torch.allclose(table.product(states).double(), wanted, rtol=3e-7, atol=1e-3)
    assert bare.product(states)[0, 7] == table.largest * 127 * 512
    assert bare.product(-states)[0, 7] == -table.largest * 127 * 512
    assert bare.product(states)[0, 8] == -table.largest * 127 * 512


@pytest.mark.parametrize("kernel", KERNELS)
def test_rounded_products_are_near(monkeypatch, kernel):
    choose(monkeypatch, kernel)
    draw = torch.Generator().manual_seed(4)
    weight, rows = torch.randn(200, 128, generator=draw), torch.randn(5, 128, generator=draw)
    exact = rows @ weight.t()
    off = (rounded_product(weight)(rows) - exact).norm() / exact.norm()
    assert 0 < off < (0.02 if kernel == 63 else 0.012)


def test_a_kernel_that_is_not_there_is_not_used(monkeypatch):
    def gone(codes, scales, largest):
        raise AttributeError("qlinear_prepack")

    monkeypatch.setattr(int8, "_packed", gone)
    assert packed_counts_up_to() is None


def test_states_are_kept_small_where_large_ones_overflow(monkeypatch):
    def sixteen_bits(codes, scales, largest):
        limit = int8.LARGEST_CODE * 63 * 64
        return lambda states: int8._plain(codes, scales)(states).clamp(-limit, limit)

    monkeypatch.setattr(int8, "_packed", sixteen_bits)
    assert packed_counts_up_to() == 63


def test_a_kernel_that_always_overflows_is_not_used(monkeypatch):
    monkeypatch.setattr(int8, "_packed", lambda codes, scales, largest: lambda states: torch.full((2, 64), 32767.0))
    assert packed_counts_up_to() is None
