"""Which models the hand-written CPU arithmetic stands in for: a decision on the model's parts alone."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


def is_plain(model: Any, *stacks: Any) -> bool:
    """Return whether stacks of a T5Gemma multiply float32 rows by float32 weights on a CPU, and do nothing else.

    Other devices and number formats have transformers' modules, and so have layers with biases or adapters, whose
    weights alone are not what they compute.

    Args:
        model: A model for conditional generation.
        stacks: Its encoder, its decoder, or both.
    """
    weight = model.get_input_embeddings().weight
    if model.config.model_type != "t5gemma" or weight.device.type != "cpu" or weight.dtype != torch.float32:
        return False
    products = [product for stack in stacks for layer in stack.layers for product in _products(layer)]
    return all(type(product) is nn.Linear and product.bias is None for product in products)


def _products(layer: Any) -> list[Any]:
    """Return what a layer multiplies by."""
    attentions = [part for name in ("self_attn", "cross_attn") if (part := getattr(layer, name, None)) is not None]
    projections = [getattr(part, f"{name}_proj") for part in attentions for name in "qkvo"]
    return [*projections, layer.mlp.gate_proj, layer.mlp.up_proj, layer.mlp.down_proj]
