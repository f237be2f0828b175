from __future__ import annotations

import pytest
import torch

from t5gemma_app.engine import int8
from t5gemma_app.engine.int8 import packed_counts_right, product_with


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("rows", [1, 3, 8])
def test_sums_are_exact_up_to_the_largest_codes(monkeypatch, rows, packed):
    if packed and not packed_counts_right():
        pytest.skip("this processor has no packed kernel that counts right")
    monkeypatch.setattr(int8, "packed_counts_right", lambda: packed)
    draw = torch.Generator().manual_seed(rows)
    codes = torch.randint(-127, 128, (300, 512), generator=draw).to(torch.int8)
    codes[7], codes[8] = 127, -127
    states = torch.randint(-127, 128, (rows, 512), generator=draw).float()
    states[0] = 127
    scales = torch.rand(300, generator=draw)
    wanted = (states.double() @ codes.double().t()) * scales.double()
    assert torch.allclose(product_with(codes, scales)(states).double(), wanted, rtol=3e-7, atol=1e-3)
    assert product_with(codes, torch.ones(300))(states)[0, 7] == 127 * 127 * 512
    assert product_with(codes, torch.ones(300))(states)[0, 8] == -127 * 127 * 512


def test_a_kernel_that_is_not_there_is_not_used(monkeypatch):
    def gone(codes, scales):
        raise AttributeError("qlinear_prepack")

    monkeypatch.setattr(int8, "_packed", gone)
    assert not packed_counts_right()


def test_a_kernel_that_overflows_is_not_used(monkeypatch):
    monkeypatch.setattr(int8, "_packed", lambda codes, scales: lambda states: torch.full((2, 64), 32767.0))
    assert not packed_counts_right()
