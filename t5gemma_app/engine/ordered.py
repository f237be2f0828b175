"""Weights of layers in the order in which products of several rows read them, kept beside the weights themselves.

oneDNN copies a plain weight into its own order in every product: a twentieth of the work for 2,000 rows, a third for
eight. A copy that is kept saves that. Queries, keys and values are kept as one, because the same rows are multiplied.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from t5gemma_app.engine.products import products

_NAME = "ordered"
"""An attribute beside a module's own weights, no part of its state."""


def projections_kept(layer: Any) -> list[Any]:
    """Return the projections of a layer whose weights are kept one by one.

    Keys and values of cross-attention are not among them: scoring takes them into its queries, see `packed`.
    """
    own, cross, mlp = layer.self_attn, getattr(layer, "cross_attn", None), layer.mlp
    crossing = [] if cross is None else [cross.q_proj, cross.o_proj]
    return [own.o_proj, *crossing, mlp.gate_proj, mlp.up_proj, mlp.down_proj]


def ordered_bytes(layer: Any) -> int:
    """Return what the copies of a layer take; 0 where its weights gain nothing by an order."""
    singles, joint = projections_kept(layer), _joint(layer.self_attn)
    if any(products(part.weight).ordered is None for part in (*singles, *joint)):
        return 0
    return sum(part.weight.nbytes for part in (*singles, *joint))


def keep_ordered(layer: Any, rows: int) -> None:
    """Keep a layer's weights, for which `ordered_bytes` is not 0, in the order of products of about so many rows."""
    for part in projections_kept(layer):
        setattr(part, _NAME, _ordered(part.weight.detach(), rows))
    joint = torch.cat([part.weight.detach() for part in _joint(layer.self_attn)])
    setattr(layer.self_attn, _NAME, _ordered(joint, rows))


def weight_of(projection: Any) -> Tensor:
    """Return what products of several rows read: a projection's weight in their order, where that was kept."""
    weight: Tensor = getattr(projection, _NAME, projection.weight)
    return weight


def joint_weight_of(attention: Any) -> Tensor | None:
    """Return the weights of a self-attention's queries, keys and values as one in order, or None if not kept."""
    weight: Tensor | None = getattr(attention, _NAME, None)
    return weight


def _joint(attention: Any) -> tuple[Any, Any, Any]:
    return attention.q_proj, attention.k_proj, attention.v_proj


def _ordered(weight: Tensor, rows: int) -> Tensor:
    order = products(weight).ordered
    assert order is not None
    return order(weight, rows)
