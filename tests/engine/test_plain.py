from __future__ import annotations

import pytest
import torch
from torch import nn

from t5gemma_app.engine.plain import is_plain
from tests.tiny import tiny_model, tiny_model_2


def plain(model) -> bool:
    return is_plain(model, model.get_encoder(), model.get_decoder())


def test_a_float32_t5gemma_on_a_cpu_is_plain():
    assert plain(tiny_model())
    assert plain(tiny_model(unbalanced=False))


def test_other_families_and_formats_are_not():
    assert not is_plain(tiny_model_2())
    assert not plain(tiny_model().to(torch.bfloat16))


@pytest.mark.parametrize("stack", ["encoder", "decoder"])
@pytest.mark.parametrize(
    "changed",
    [
        lambda linear: nn.Sequential(linear, nn.Linear(linear.out_features, linear.out_features, bias=False)),
        lambda linear: nn.Linear(linear.in_features, linear.out_features, bias=True),
    ],
    ids=["an adapter", "a bias"],
)
def test_layers_that_are_more_than_a_product_are_not(stack, changed):
    model = tiny_model()
    parts = {"encoder": model.get_encoder(), "decoder": model.get_decoder()}
    mlp = parts.pop(stack).layers[-1].mlp
    mlp.up_proj = changed(mlp.up_proj)
    assert not plain(model)
    assert is_plain(model, *parts.values())
