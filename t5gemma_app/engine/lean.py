"""One decoder step of a few small operations over the model's own weights, for answers decoded on a CPU.

A step of one answer multiplies each weight by a single row, so that a third of its time is what stands between the
products: transformers' layers start some 3,000 operations a step for eight layers, this one about 400. The arithmetic
is the same but for rounding: the norms' `1 + weight` and the queries' scale are multiplied out beforehand, and products
of the same rows are one. On request they are of 8-bit numbers, a quarter of the bytes to read; the states are near the
model's then, and not them.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from t5gemma_app.engine.int8 import Product, rounded_product
from t5gemma_app.engine.joining import joined
from t5gemma_app.engine.ordered import joint_weight_of, weight_of
from t5gemma_app.engine.plain import is_plain
from t5gemma_app.engine.products import products
from t5gemma_app.engine.rotary import rotated, rotation


class Caches(Protocol):
    """Where a layer's keys and values are; row for row the same answers as the step's tokens."""

    def put(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Write each row's new key and value, [rows, key heads, width].

        Returns:
            All keys and all values of the layer, [rows, key heads, length, width].
        """
        ...

    def cross(self, layer: int) -> tuple[Tensor, Tensor]:
        """Return the keys and values of the encoder's output, [rows, key heads, length, width]."""
        ...


class Masks(NamedTuple):
    """What is added to the scores, [rows, 1, 1, length], of each kind of layer; None where everything is seen."""

    full: Tensor | None
    sliding: Tensor | None
    cross: Tensor | None


class _Norm:
    """A root mean square norm: x / sqrt(mean(x²) + eps) as x / sqrt(sum(x² + eps)), the width's root in the weight."""

    def __init__(self, norm: Any) -> None:
        self._weight = (1.0 + norm.weight) * len(norm.weight) ** 0.5
        # A tensor, because a Python number is made one at every call.
        self._eps = torch.tensor(norm.eps, dtype=torch.float32)

    def __call__(self, states: Tensor) -> Tensor:
        scale = torch.addcmul(self._eps, states, states).sum(-1, keepdim=True).rsqrt_()
        return (states * scale).mul_(self._weight)


class _Products(NamedTuple):
    """What a layer's rows are multiplied by."""

    query_key_value: Product
    out: Product
    cross_query: Product
    cross_out: Product
    inner: Product
    """Up to the feed-forward's inner states: the activation of the gate times what it lets through."""
    down: Product


class _Layer:
    """A layer's products, and what stands between them."""

    def __init__(self, layer: Any, int8: bool) -> None:
        own = layer.self_attn
        self.width = own.head_dim
        self.scale = torch.tensor(_scale(own), dtype=torch.float32)
        cap = own.attn_logit_softcapping
        self.cap = None if cap is None else torch.tensor(cap, dtype=torch.float32)
        self.key_heads = own.k_proj.weight.shape[0] // own.head_dim
        self.heads = own.q_proj.weight.shape[0] // own.head_dim
        self.sliding = own.sliding_window is not None
        joint = None if int8 else joint_weight_of(own)
        self.products = _by_joined(layer, int8) if joint is None else _by_ordered(layer, joint)
        self.before_self, self.after_self = _Norm(layer.pre_self_attn_layernorm), _Norm(layer.post_self_attn_layernorm)
        self.before_cross = _Norm(layer.pre_cross_attn_layernorm)
        self.after_cross = _Norm(layer.post_cross_attn_layernorm)
        self.before_feed, self.after_feed = (
            _Norm(layer.pre_feedforward_layernorm),
            _Norm(layer.post_feedforward_layernorm),
        )


class LeanDecoder:
    """Decodes one token of each row.

    Args:
        decoder: The stack, of plain products in float32 on a CPU.
        int8: Whether products are of 8-bit numbers.
    """

    def __init__(self, decoder: Any, int8: bool = False) -> None:
        self._decoder = decoder
        self._layers = [_Layer(layer, int8) for layer in decoder.layers]
        self._norm = _Norm(decoder.norm)
        self._embedding_scale = torch.tensor(decoder.config.hidden_size**0.5, dtype=torch.float32)
        first = self._layers[0]
        self._scales = torch.ones(first.heads + first.key_heads, 1)
        self._scales[: first.heads] = first.scale

    def step(self, tokens: Tensor, positions: Tensor, caches: Caches, masks: Masks) -> Tensor:
        """Return the decoder's states, [rows, hidden].

        Args:
            tokens: The last token of each row, [rows].
            positions: Where each stands in its answer, [rows].
            caches: The keys and values of all rows.
            masks: What the rows may not see.
        """
        states: Tensor = self._decoder.embed_tokens(tokens) * self._embedding_scale
        cos, sin = rotation(self._decoder, states, positions)
        turn = cos * self._scales, sin * self._scales  # of queries and keys, [rows, heads, width]
        for number, layer in enumerate(self._layers):
            states = _self_attention(
                layer, number, states, turn, caches, masks.sliding if layer.sliding else masks.full
            )
            states = _cross_attention(layer, number, states, caches, masks.cross)
            states = _feed_forward(layer, states)
        return self._norm(states)


def lean_decoder(model: Any, int8: bool = False) -> LeanDecoder | None:
    """Return a lean step that computes what the model's decoder does, or None where that takes its own modules.

    Args:
        model: A model for conditional generation.
        int8: Whether products are of 8-bit numbers.
    """
    decoder = model.get_decoder()
    return LeanDecoder(decoder, int8) if is_plain(model, decoder) else None


def _scale(attention: Any) -> float:
    """Return what queries are multiplied by, so that their products with keys are ready for the cap's tanh."""
    return float(attention.scaling / (attention.attn_logit_softcapping or 1.0))


def _by_ordered(layer: Any, joint: Tensor) -> _Products:
    """Return the products by weights that are kept in order; the kernels apply activation and gate on the way."""
    own, cross, mlp = layer.self_attn, layer.cross_attn, layer.mlp
    kernels = products(own.q_proj.weight)
    gate, up = weight_of(mlp.gate_proj), weight_of(mlp.up_proj)
    return _Products(
        query_key_value=_exact_product(own.q_proj.weight, joint),
        out=_exact_product(own.o_proj.weight, weight_of(own.o_proj)),
        cross_query=_exact_product(cross.q_proj.weight, weight_of(cross.q_proj)),
        cross_out=_exact_product(cross.o_proj.weight, weight_of(cross.o_proj)),
        inner=lambda rows: kernels.times(rows, kernels.gelu(rows, gate), up),
        down=_exact_product(mlp.down_proj.weight, weight_of(mlp.down_proj)),
    )


def _by_joined(layer: Any, int8: bool) -> _Products:
    """Return the products by weights as they stand, those of the same rows joined, or by codes of them."""
    own, cross, mlp = layer.self_attn, layer.cross_attn, layer.mlp
    product_of = rounded_product if int8 else _exact_product
    gate_up, activation = product_of(joined(mlp.gate_proj, mlp.up_proj)), mlp.act_fn

    def inner(rows: Tensor) -> Tensor:
        gate, up = gate_up(rows).chunk(2, dim=1)
        gated: Tensor = activation(gate)
        return gated.mul_(up)

    return _Products(
        query_key_value=product_of(joined(own.q_proj, own.k_proj, own.v_proj)),
        out=product_of(own.o_proj.weight),
        cross_query=product_of(cross.q_proj.weight),
        cross_out=product_of(cross.o_proj.weight),
        inner=inner,
        down=product_of(mlp.down_proj.weight),
    )


def _exact_product(weight: Tensor, read: Tensor | None = None) -> Product:
    """Return the product by a weight, or by the copy of it that is read in its place."""
    linear, read = products(weight).linear, weight if read is None else read
    return lambda rows: linear(rows, read)


def _self_attention(
    layer: _Layer, number: int, states: Tensor, turn: tuple[Tensor, Tensor], caches: Caches, mask: Tensor | None
) -> Tensor:
    hidden = layer.before_self(states)
    heads = layer.products.query_key_value(hidden).view(len(states), -1, layer.width)
    turning, value = heads.split((layer.heads + layer.key_heads, layer.key_heads), dim=1)
    query, key = rotated(turning, turn).split((layer.heads, layer.key_heads), dim=1)
    mixed = _attend(layer, query, *caches.put(number, key, value), mask)
    return states + layer.after_self(layer.products.out(mixed))


def _cross_attention(layer: _Layer, number: int, states: Tensor, caches: Caches, mask: Tensor | None) -> Tensor:
    query = layer.products.cross_query(layer.before_cross(states)).mul_(layer.scale)
    mixed = _attend(layer, query.view(len(states), -1, layer.width), *caches.cross(number), mask)
    return states + layer.after_cross(layer.products.cross_out(mixed))


def _attend(layer: _Layer, query: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None) -> Tensor:
    """Return what each row's query, [rows, heads, width], mixes from its values, [rows, heads x width]."""
    # Heads that share keys stand below each other as further queries, so that no key is copied.
    grouped = query.reshape(len(query), layer.key_heads, -1, layer.width)
    scores = grouped @ keys.transpose(2, 3)
    if layer.cap is not None:
        scores.tanh_().mul_(layer.cap)
    if mask is not None:
        scores.add_(mask)
    return (torch.softmax(scores, dim=-1) @ values).view(len(query), -1)


def _feed_forward(layer: _Layer, states: Tensor) -> Tensor:
    inner = layer.products.inner(layer.before_feed(states))
    return states + layer.after_feed(layer.products.down(inner))
