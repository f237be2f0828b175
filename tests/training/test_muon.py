from __future__ import annotations

import pytest
import torch

from t5gemma_app.training.muon import Muon, orthogonal


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("shape", [(3, 8, 24), (3, 24, 8), (1, 8, 8)])
def test_muon_levels_the_singular_values(shape: tuple[int, int, int], dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    found = orthogonal(torch.randn(shape), dtype)
    values = torch.linalg.svdvals(found)
    assert found.dtype == torch.float32
    assert values.max() < 1.5
    assert values.median() > 0.5


def test_half_the_digits_change_a_step_by_hundredths() -> None:
    torch.manual_seed(0)
    first, gradient = torch.randn(6, 10), torch.randn(6, 10)
    steps = []
    for dtype in (torch.float32, torch.bfloat16):
        weight = torch.nn.Parameter(first.clone())
        weight.grad = gradient.clone()
        Muon([weight], lr=0.1, dtype=dtype).step()
        assert weight.dtype == torch.float32
        steps.append(weight.detach() - first)
    exact, rounded = steps
    assert 0 < (rounded - exact).norm() < 0.03 * exact.norm()
