"""Capped exponentials beside the formula that they stand for, in float64."""

from __future__ import annotations

import pytest
import torch

from t5gemma_app.engine.capping import capped_exponentials


@pytest.mark.parametrize(("cap", "off"), [(50.0, 0.0), (30.0, 30.0), (30.0, 0.0), (1.0, 0.0)])
def test_they_are_the_exponentials_of_the_capped_scores(cap: float, off: float) -> None:
    scores = torch.linspace(-4 * cap, 4 * cap, 2001)
    expected = (cap * torch.tanh(scores.double() / cap) - off).exp()
    found = capped_exponentials(2 * scores / cap, cap, off)
    torch.testing.assert_close(found.double(), expected, rtol=3e-5, atol=0.0)


def test_they_are_written_over_the_scores() -> None:
    scores = torch.zeros(3, 2)
    found = capped_exponentials(scores, 50.0)
    assert found.data_ptr() == scores.data_ptr()
    assert torch.equal(scores, torch.ones(3, 2))


def test_the_largest_cap_stays_within_float32() -> None:
    found = capped_exponentials(torch.full((256_000,), 1e4), 64.0)
    assert torch.isfinite(found.sum())
