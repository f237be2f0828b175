"""Softcapped attention that is exact and does not build the whole score matrix.

T5Gemma caps its attention logits (50 * tanh(x / 50)), which torch's SDPA can't express, so transformers refuses `sdpa`
for it. This file registers one implementation under one name: tiles with in-place arithmetic on the CPU, fused flex
attention on CUDA, and torch's SDPA for layers without a cap (T5Gemma 2).
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from transformers.masking_utils import AttentionMaskInterface, eager_mask
from transformers.modeling_utils import AttentionInterface

# transformers looks for "sdpa", "flash" and "flex_attention" inside the name and then applies its own refusals.
IMPLEMENTATION = "t5gemma_softcap"

# Scores of one tile: 2^19 float32 values are 2 MB, the second-level cache of a current server core.
TILE_SCORES = 1 << 19

# From this many queries on, compiling flex attention pays on CUDA; a decoding step has one.
FLEX_QUERIES = 16


def register_attention() -> None:
    """Make the implementation known to transformers; calling it twice changes nothing."""
    AttentionInterface.register(IMPLEMENTATION, softcap_attention)
    AttentionMaskInterface.register(IMPLEMENTATION, eager_mask)


def transformers_name(attention: str) -> str:
    """Return the name that transformers knows for a placement's attention."""
    return IMPLEMENTATION if attention == "sdpa" else attention


def softcap_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    softcap: float | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """Attend as transformers' eager implementation does, without its copies.

    Args:
        module: The attention layer; only its training flag is read.
        query: [batch, heads, queries, head_dim].
        key: [batch, key heads, keys, head_dim].
        value: [batch, key heads, keys, head_dim].
        attention_mask: Added to the capped scores, [batch, 1, queries, keys], or None where everything is seen.
        dropout: Share of the attention weights dropped while training.
        scaling: Factor of the scores before the cap.
        softcap: The cap, or None.

    Returns:
        [batch, queries, heads, head_dim], and None in place of the weights.
    """
    scaling = query.shape[-1] ** -0.5 if scaling is None else scaling
    if attention_mask is not None:
        attention_mask = attention_mask[..., : key.shape[-2]]
    dropout = dropout if module.training else 0.0
    if softcap is None:
        output = nn.functional.scaled_dot_product_attention(
            query, key, value, attn_mask=attention_mask, dropout_p=dropout, scale=scaling, enable_gqa=True
        )
    elif torch.is_grad_enabled() or dropout:
        output = _differentiable(query, key, value, attention_mask, dropout, scaling, softcap)
    elif query.is_cuda and query.shape[2] >= FLEX_QUERIES:
        output = _flex(query, key, value, attention_mask, scaling, softcap)
    else:
        output = _tiled(query, key, value, attention_mask, scaling, softcap)
    return output.transpose(1, 2).contiguous(), None


def _differentiable(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, dropout: float, scaling: float, softcap: float
) -> Tensor:
    """The textbook formula, for training: nothing is overwritten that the gradient needs."""
    groups = query.shape[1] // key.shape[1]
    key, value = key.repeat_interleave(groups, dim=1), value.repeat_interleave(groups, dim=1)
    scores = torch.tanh(query @ key.transpose(2, 3) * (scaling / softcap)) * softcap
    if mask is not None:
        scores = scores + mask
    weights = torch.softmax(scores, dim=-1, dtype=torch.float32).to(query.dtype)
    return nn.functional.dropout(weights, p=dropout) @ value


def _tiled(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, scaling: float, softcap: float) -> Tensor:
    """Compute the scores of a few queries of one row at a time, in a buffer that stays in the cache."""
    batch, heads, queries, _ = query.shape
    groups, keys = heads // key.shape[1], key.shape[2]
    if batch * heads * queries * keys <= TILE_SCORES:
        return _tile(query, key, value, mask, scaling, softcap, groups)
    output = query.new_empty(batch, heads, queries, value.shape[-1])
    step = max(1, TILE_SCORES // (heads * keys))
    for row in range(batch):
        rows = slice(row, row + 1)
        row_mask = None if mask is None else mask[rows] if mask.shape[0] > 1 else mask
        for start in range(0, queries, step):
            part = slice(start, start + step)
            output[rows, :, part] = _tile(
                query[rows, :, part],
                key[rows],
                value[rows],
                None if row_mask is None else row_mask[:, :, part],
                scaling,
                softcap,
                groups,
            )
    return output


def _tile(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, scaling: float, softcap: float, groups: int
) -> Tensor:
    batch, heads, queries, width = query.shape
    # Heads that share keys stand below each other as further queries, so that no key is copied.
    grouped = query.reshape(batch, heads // groups, groups * queries, width)
    scores = torch.matmul(grouped, key.transpose(2, 3)).float()
    scores.mul_(scaling / softcap).tanh_().mul_(softcap)
    if mask is not None:
        scores.view(batch, heads, queries, -1).add_(mask)
    weights = torch.softmax(scores, dim=-1).to(value.dtype)
    return torch.matmul(weights, value).view(batch, heads, queries, -1)


@cache
def _compiled_flex() -> Any:
    from torch.nn.attention.flex_attention import flex_attention

    return torch.compile(flex_attention, dynamic=True)


def _flex(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, scaling: float, softcap: float) -> Tensor:
    def capped(score: Tensor, row: Tensor, head: Tensor, q: Tensor, k: Tensor) -> Tensor:
        score = softcap * torch.tanh(score / softcap)
        return score if mask is None else score + mask[row if mask.shape[0] > 1 else 0, 0, q, k]

    output: Tensor = _compiled_flex()(query, key, value, score_mod=capped, scale=scaling, enable_gqa=True)
    return output
