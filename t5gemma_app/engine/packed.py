"""T5Gemma's stacks for rows that stand behind each other in one packed row: on a CPU no padding is computed.

The same weights and the same arithmetic as transformers' layers, with four differences that rounding alone can tell:
every row attends to itself without a mask; scores are capped by a sigmoid in place of a tanh; their exponentials are
summed without a pass for the largest; and cross-attention of few queries goes through the projections of the encoder's
states instead of projecting each one.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

import torch
from torch import Tensor

from t5gemma_app.engine.attention import TILE_SCORES
from t5gemma_app.engine.batching import CPU_TOKENS, cut_in_order
from t5gemma_app.engine.capping import capped_exponentials
from t5gemma_app.engine.ordered import joint_weight_of, weight_of
from t5gemma_app.engine.plain import is_plain
from t5gemma_app.engine.products import products
from t5gemma_app.engine.rotary import rotated, rotation

# Sums of exp(capped score) stay within float32 up to this cap without taking the largest score off.
LARGEST_CAP = 64.0
ACTIVATION = "gelu_pytorch_tanh"
# Decoder inputs whose self-attention is computed at once; of that many, what they must not see costs next to nothing.
CROWD_NODES = 64

Spans = Sequence[slice]
Steps = Generator[None, None, Tensor]


class Nodes(NamedTuple):
    """Decoder inputs of one packed row."""

    ids: Sequence[int]
    depths: Sequence[int]
    """The position of each."""
    sights: Sequence[Tensor]
    """For each row which of its nodes sees which, [nodes, nodes]."""


class Projected(NamedTuple):
    """What a self-attention makes of its states before positions count, each [rows, heads, width]."""

    query: Tensor
    key: Tensor
    value: Tensor


def longest_packed(model: Any) -> int:
    """Return the tokens of the longest context that is computed as the model does; 0 where nothing can be packed.

    Other devices have other kernels, models without a low cap other sums, and other activations no kernel that computes
    them with the product; all of these have the padded path.
    """
    if model.config.model_type != "t5gemma":
        return 0
    stacks = (model.get_encoder(), model.get_decoder())
    caps = [stack.config.attn_logit_softcapping for stack in stacks]
    if any(cap is None or cap > LARGEST_CAP for cap in caps) or not is_plain(model, *stacks):
        return 0
    if any(stack.config.hidden_activation != ACTIVATION for stack in stacks):
        return 0
    return int(stacks[0].config.max_position_embeddings)


def can_pack(model: Any, longest: int, deepest: int) -> bool:
    """Return whether the packed functions compute what the model does.

    Args:
        model: A model for conditional generation.
        longest: Tokens of the longest context.
        deepest: Position of the deepest decoder input.
    """
    return longest <= longest_packed(model) and deepest < _reach(model.get_decoder())


def _reach(decoder: Any) -> int:
    """Return how many tokens an answer may have so that no sliding window hides one."""
    return int(decoder.config.sliding_window or decoder.config.max_position_embeddings)


def encode_packed(encoder: Any, rows: Sequence[Sequence[int]]) -> Steps:
    """Return the encoder's states of all rows, [tokens, hidden], and pause twice in every layer.

    Many rows are read part by part: what is larger is hardly faster, and people wait for a layer of it.
    """
    parts = []
    for part in cut_in_order(rows, CPU_TOKENS):
        parts.append((yield from _encode(encoder, part)))
    return torch.cat(parts)


def _encode(encoder: Any, rows: Sequence[Sequence[int]]) -> Steps:
    spans = spans_of([len(row) for row in rows])
    # Before the first layer has mixed anything, a token's states are its word's: each word is projected once.
    words, which = torch.tensor([token for row in rows for token in row]).unique(return_inverse=True)
    embedded = _embedded(encoder, words)
    states = embedded[which]
    turn = rotation(encoder, states, torch.tensor([place for row in rows for place in range(len(row))]))
    for number, layer in enumerate(encoder.layers):
        attention, norm = layer.self_attn, layer.pre_self_attn_layernorm
        if number:
            projected = _projected(attention, norm, states)
        else:
            projected = Projected._make(part[which] for part in _projected(attention, norm, embedded))
        mixed = _self_attention(attention, projected, turn, spans, None)
        _add(attention, layer.post_self_attn_layernorm, states, mixed)
        yield
        _feed_forward(layer, states)
        yield
    return _normed(encoder.norm, states)


def decode_packed(decoder: Any, nodes: Nodes, encoded: Tensor, lengths: Sequence[int]) -> Steps:
    """Return the decoder's states of all nodes, [nodes, hidden], and pause after every layer.

    Args:
        decoder: The stack.
        nodes: Its inputs.
        encoded: What `encode_packed` returned.
        lengths: Tokens of each row's context.
    """
    counts = [len(sight) for sight in nodes.sights]
    spans, sources = spans_of(counts), spans_of(lengths)
    config = decoder.config
    absorbed = absorbing_pays(
        counts, lengths, config.num_attention_heads, config.num_key_value_heads, config.head_dim, encoded.shape[1]
    )
    crowds, sights = crowded(nodes.sights)
    states = _embedded(decoder, torch.tensor(nodes.ids))
    turn = rotation(decoder, states, torch.tensor(nodes.depths))
    for layer in decoder.layers:
        projected = _projected(layer.self_attn, layer.pre_self_attn_layernorm, states)
        mixed = _self_attention(layer.self_attn, projected, turn, crowds, sights)
        _add(layer.self_attn, layer.post_self_attn_layernorm, states, mixed)
        attend = _absorbed_attention if absorbed else _cross_attention
        mixed = attend(layer.cross_attn, _normed(layer.pre_cross_attn_layernorm, states), encoded, spans, sources)
        _add(layer.cross_attn, layer.post_cross_attn_layernorm, states, mixed)
        _feed_forward(layer, states)
        yield
    return _normed(decoder.norm, states)


def crowded(sights: Sequence[Tensor]) -> tuple[list[slice], list[Tensor]]:
    """Return short rows side by side as wider ones: where they stand, and which node sees which, of 0 and 1.

    No node sees another row's. A row costs some ten small operations in each layer, whatever its length.
    """
    wide = [torch.block_diag(*(sight.float() for sight in part)) for part in cut_in_order(sights, CROWD_NODES)]
    return spans_of([len(sight) for sight in wide]), wide


def absorbing_pays(
    nodes: Sequence[int], tokens: Sequence[int], heads: int, key_heads: int, width: int, hidden: int
) -> bool:
    """Return whether queries that take in the key projection are cheaper than keys and values of every token.

    Args:
        nodes: Queries of each row.
        tokens: Encoder tokens of each row.
        heads: Query heads.
        key_heads: Key heads.
        width: Width of a head.
        hidden: Width of the encoder's states.
    """
    pairs = sum(count * length for count, length in zip(nodes, tokens, strict=True))
    projected = sum(tokens) * hidden * key_heads * width + pairs * heads * width
    absorbed = sum(nodes) * hidden * heads * width + pairs * heads * hidden
    return absorbed < projected


def spans_of(lengths: Sequence[int]) -> list[slice]:
    """Return where each row stands in the packed row."""
    ends = list(accumulate(lengths))
    return [slice(end - length, end) for end, length in zip(ends, lengths, strict=True)]


def _embedded(stack: Any, ids: Tensor) -> Tensor:
    states: Tensor = stack.embed_tokens(ids)
    return states * torch.tensor(stack.config.hidden_size**0.5, dtype=states.dtype)


def _normed(norm: Any, states: Tensor) -> Tensor:
    return (states * _inverse_length(norm, states)).mul_(1.0 + norm.weight)


def _add_normed(norm: Any, values: Tensor, states: Tensor) -> None:
    """Add the norm of some values, which are used up, to the states."""
    states.addcmul_(values.mul_(_inverse_length(norm, values)), 1.0 + norm.weight)


def _inverse_length(norm: Any, states: Tensor) -> Tensor:
    """Return one over the root of the mean square of each row, [rows, 1]."""
    length = torch.linalg.vector_norm(states, dim=-1, keepdim=True)
    return length.square_().div_(states.shape[-1]).add_(norm.eps).rsqrt_()


def _product(rows: Tensor, projection: Any) -> Tensor:
    return products(projection.weight).linear(rows, weight_of(projection))


def _add(attention: Any, norm: Any, states: Tensor, mixed: Tensor) -> None:
    """Add what an attention mixed, [rows, heads, width], to the states."""
    _add_normed(norm, _product(mixed.flatten(1), attention.o_proj), states)


def _feed_forward(layer: Any, states: Tensor) -> None:
    """Add the feed-forward block to the states."""
    hidden = _normed(layer.pre_feedforward_layernorm, states)
    gate, up = layer.mlp.gate_proj, layer.mlp.up_proj
    gated = products(gate.weight).gelu(hidden, weight_of(gate))
    inner = products(up.weight).times(hidden, gated, weight_of(up))
    _add_normed(layer.post_feedforward_layernorm, _product(inner, layer.mlp.down_proj), states)


def _projected(attention: Any, norm: Any, states: Tensor) -> Projected:
    hidden, width = _normed(norm, states), attention.head_dim
    projections = (attention.q_proj, attention.k_proj, attention.v_proj)
    joint = joint_weight_of(attention)
    if joint is None:
        return Projected._make(_product(hidden, part).unflatten(-1, (-1, width)) for part in projections)
    heads = products(attention.q_proj.weight).linear(hidden, joint).unflatten(-1, (-1, width))
    return Projected._make(heads.split([len(part.weight) // width for part in projections], dim=1))


def _self_attention(
    attention: Any,
    projected: Projected,
    turn: tuple[Tensor, Tensor],
    spans: Spans,
    sights: Sequence[Tensor] | None,
) -> Tensor:
    """Return what the rows' tokens see of each other, [rows, heads, width].

    Without `sights` they see all of their row that is within the layer's sliding window.
    """
    cos, sin = turn
    scale = _scale(attention)
    query, key = rotated(projected.query, (cos * scale, sin * scale)), rotated(projected.key, turn)
    window = attention.sliding_window if sights is None else None
    return _attend(attention, query, key, projected.value, spans, spans, sights, window)


def _scale(attention: Any) -> float:
    """Return what a query is multiplied by, so that its products with keys are ready for the cap, see `_tile`."""
    return float(2 * attention.scaling / attention.attn_logit_softcapping)


def _cross_attention(attention: Any, hidden: Tensor, encoded: Tensor, spans: Spans, sources: Spans) -> Tensor:
    width = attention.head_dim
    query = _product(hidden, attention.q_proj).mul_(_scale(attention)).unflatten(-1, (-1, width))
    key = _product(encoded, attention.k_proj).unflatten(-1, (-1, width))
    value = _product(encoded, attention.v_proj).unflatten(-1, (-1, width))
    return _attend(attention, query, key, value, spans, sources)


def _absorbed_attention(attention: Any, hidden: Tensor, encoded: Tensor, spans: Spans, sources: Spans) -> Tensor:
    """Attend to the encoder's states themselves: q · (W e) = (Wᵀ q) · e, and Σ w (V e) = V (Σ w e).

    There are no rotary angles between the decoder's and the encoder's positions, so nothing stands in between.
    """
    width, key_heads = attention.head_dim, attention.k_proj.weight.shape[0] // attention.head_dim
    query = _product(hidden, attention.q_proj).mul_(_scale(attention))
    query = query.view(len(hidden), key_heads, -1, width)
    to_states = attention.k_proj.weight.view(key_heads, 1, width, -1)
    reach = query.permute(1, 2, 0, 3) @ to_states
    states = encoded[:, None]
    mixed = _attend(attention, reach.flatten(0, 1).transpose(0, 1), states, states, spans, sources)
    by_head = mixed.view(len(hidden), key_heads, -1, encoded.shape[1]).permute(1, 2, 0, 3)
    values = by_head @ attention.v_proj.weight.view(key_heads, 1, width, -1).transpose(2, 3)
    return values.flatten(0, 1).transpose(0, 1)


def _attend(
    attention: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    spans: Spans,
    sources: Spans,
    sights: Sequence[Tensor] | None = None,
    window: int | None = None,
) -> Tensor:
    """Let the queries of each row attend to the keys of the same row.

    Args:
        attention: The layer, for its cap.
        query: [queries, heads, width], scaled.
        key: [keys, key heads, width].
        value: [keys, key heads, width].
        spans: Where each row's queries are.
        sources: Where each row's keys are.
        sights: For each row which query sees which key, [queries, keys] of 0 and 1; all see all when None.
        window: How far apart a query and a key of the same row may be; as far as they are when None.

    Returns:
        [queries, heads, width]
    """
    cap = attention.attn_logit_softcapping
    output = query.new_empty(len(query), query.shape[1], value.shape[-1])
    for row, (own, source) in enumerate(zip(spans, sources, strict=True)):
        queries, length = own.stop - own.start, source.stop - source.start
        step = max(1, TILE_SCORES // (query.shape[1] * length))
        for begin in range(0, queries, step):
            end = min(begin + step, queries)
            near, seen = _in_sight(begin, end, length, window)
            if sights is not None:
                seen = sights[row][begin:end]
            part = slice(own.start + begin, own.start + end)
            keys, values = (states[source][near] for states in (key, value))
            output[part] = _tile(query[part], keys.permute(1, 2, 0), values.transpose(0, 1), cap, seen)
    return output


def _in_sight(begin: int, end: int, length: int, window: int | None) -> tuple[slice, Tensor | None]:
    """Return the keys that a few queries of a row may see, and which sees which, [queries, keys] of 0 and 1."""
    if window is None or length <= window + 1:
        return slice(0, length), None
    near = slice(max(0, begin - window), min(length, end + window))
    apart = torch.arange(begin, end)[:, None] - torch.arange(near.start, near.stop)
    return near, (apart.abs_() <= window).float()


def _tile(query: Tensor, keys: Tensor, values: Tensor, cap: float, seen: Tensor | None) -> Tensor:
    """Return the mixed values of some queries of one row, [queries, heads, width]."""
    queries, heads, width = query.shape
    key_heads = len(keys)
    # Heads that share keys stand below each other as further queries.
    grouped = query.view(queries, key_heads, -1, width).permute(1, 2, 0, 3).reshape(key_heads, -1, width)
    weights = capped_exponentials(grouped @ keys, cap)
    if seen is not None:
        weights.view(heads, queries, -1).mul_(seen)
    mixed = (weights @ values).div_(weights.sum(dim=-1, keepdim=True))
    return mixed.view(heads, queries, -1).transpose(0, 1)
