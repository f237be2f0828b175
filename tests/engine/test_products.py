from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from t5gemma_app.engine import products as kernels
from t5gemma_app.engine.devices import processor
from t5gemma_app.engine.products import FUSED, PLAIN, fastest, fused_counts_right

KINDS = [
    pytest.param(PLAIN, id="plain"),
    pytest.param(FUSED, id="fused", marks=pytest.mark.skipif(not fused_counts_right(), reason="no oneDNN here")),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("rows", "width", "out"), [(1, 16, 24), (7, 64, 32), (300, 512, 128)])
def test_each_product_is_what_float64_says(kind, rows, width, out):
    draw = torch.Generator().manual_seed(rows)
    states, weight, factors = (
        torch.randn(shape, generator=draw) for shape in ((rows, width), (out, width), (rows, out))
    )
    exact = states.double() @ weight.double().T
    expected = (exact, functional.gelu(exact, approximate="tanh"), exact * factors)
    for read in (weight, kind.ordered(weight, rows), kind.ordered(weight, 2048)) if kind.ordered else (weight,):
        found = kind.linear(states, read), kind.gelu(states, read), kind.times(states, factors, read)
        for one, other in zip(found, expected, strict=True):
            assert torch.allclose(one.double(), other, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_arguments_stay_as_they_were(kind):
    states, weight, factors = torch.ones(3, 8), torch.ones(5, 8), torch.full((3, 5), 2.0)
    kind.times(states, factors, weight)
    assert (states == 1).all() and (weight == 1).all() and (factors == 2).all()


def gone(rows, weight):
    raise AttributeError("no such operator")


def wrong(rows, weight):
    return PLAIN.linear(rows, weight) + 0.01


@pytest.mark.parametrize("linear", [gone, wrong])
def test_a_kernel_that_is_not_there_or_counts_wrong_is_not_used(monkeypatch, linear):
    monkeypatch.setattr(kernels, "FUSED", PLAIN)
    assert fused_counts_right()
    monkeypatch.setattr(kernels, "FUSED", PLAIN._replace(linear=linear))
    assert not fused_counts_right()


def test_small_weights_are_left_to_torch(monkeypatch):
    weight = torch.zeros(16, 16)
    assert kernels.products(weight) is PLAIN
    monkeypatch.setattr(kernels, "SMALLEST_FUSED", 256)
    assert kernels.products(weight) == fastest(fused_counts_right(), processor())


def test_each_maker_s_processor_gets_what_is_fast_there():
    assert fastest(True, "AMD EPYC 9R14") is FUSED
    assert fastest(False, "AMD EPYC 9R14") is fastest(False, "Intel(R) Xeon(R) Processor @ 2.80GHz") is PLAIN
    intel = fastest(True, "Intel(R) Xeon(R) Processor @ 2.80GHz")
    assert (intel.gelu, intel.times) == (FUSED.gelu, FUSED.times)
    assert intel.linear is (PLAIN.linear if torch.backends.mkl.is_available() else FUSED.linear)
