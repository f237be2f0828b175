"""Caches with a slot a row: one decoder step serves all answers of a model, and answers join and leave between steps.

transformers' T5Gemma decoder takes ready-made masks, positions of each row and any cache object; this one writes every
row's new key at the row's own position and holds the cross-attention keys from the moment the row joined. On a CPU the
lean step reads the same caches.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from t5gemma_app.engine.lean import LeanDecoder, Masks

FIRST_LENGTH = 32
FIRST_ROWS = 2


class _Growing:
    """Keys or values of all layers, [layers, rows, key heads, length, width], with room to grow."""

    def __init__(self, layers: int, heads: int, width: int, like: Tensor) -> None:
        self.data = like.new_zeros(layers, 0, heads, 0, width)

    def reserve(self, rows: int, length: int) -> None:
        """Make room for so many rows and positions; growth doubles, so that it is rare."""
        have_rows, have_length = self.data.shape[1], self.data.shape[3]
        if rows <= have_rows and length <= have_length:
            return
        new_rows = have_rows if rows <= have_rows else max(rows, 2 * have_rows, FIRST_ROWS)
        new_length = have_length if length <= have_length else max(length, 2 * have_length, FIRST_LENGTH)
        self._resize(new_rows, new_length)

    def keep(self, rows: int, length: int) -> None:
        """Give room back."""
        self._resize(rows, length)

    def _resize(self, rows: int, length: int) -> None:
        layers, old_rows, heads, old_length, width = self.data.shape
        bigger = self.data.new_zeros(layers, rows, heads, length, width)
        kept_rows, kept_length = min(rows, old_rows), min(length, old_length)
        bigger[:, :kept_rows, :, :kept_length] = self.data[:, :kept_rows, :, :kept_length]
        self.data = bigger


class _SelfCache:
    """What a decoder layer sees as its self-attention cache; each row's next key goes to the row's own position."""

    def __init__(self, keys: _Growing, values: _Growing) -> None:
        self._keys, self._values = keys, values
        self._where: Any = ()
        self._longest = 0

    def stand(self, positions: Tensor, longest: int) -> None:
        """Take note of where the rows stand, [rows], and of the length up to which keys are read."""
        rows = len(positions)
        # A single row is written as a slice, which is cheaper than by index.
        alone = rows == 1 and not positions.is_cuda
        self._where = (
            (0, slice(None), int(positions))
            if alone
            else (torch.arange(rows, device=positions.device), slice(None), positions)
        )
        self._longest = longest

    def update(self, keys: Tensor, values: Tensor, layer: int, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        """Write each row's new key and value, [rows, key heads, 1, width], and return all of them."""
        return self.put(layer, keys[:, :, 0], values[:, :, 0])

    def put(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Write each row's new key and value, [rows, key heads, width], and return all of them."""
        count = keys.shape[0]
        stored_keys, stored_values = self._keys.data[layer], self._values.data[layer]
        stored_keys[self._where] = keys
        stored_values[self._where] = values
        return stored_keys[:count, :, : self._longest], stored_values[:count, :, : self._longest]


class _CrossLayer:
    """What a cross-attention layer reads its keys and values from."""

    def __init__(self, cache: Slots, layer: int) -> None:
        self._cache, self._layer = cache, layer

    @property
    def keys(self) -> Tensor:
        return self._cache.cross_keys.data[self._layer][: self._cache.count, :, : self._cache.widest]

    @property
    def values(self) -> Tensor:
        return self._cache.cross_values.data[self._layer][: self._cache.count, :, : self._cache.widest]


class _CrossCache:
    def __init__(self, layers: list[_CrossLayer]) -> None:
        self.layers = layers


class Slots:
    """The caches of all rows that a model decodes at present, rows 0 to `count` - 1.

    Args:
        model: A T5Gemma for conditional generation, in evaluation mode.
        lean: Decodes a token of every row in place of the model's own decoder, where it can.
    """

    def __init__(self, model: Any, lean: LeanDecoder | None = None) -> None:
        config = model.config.decoder
        layers, heads, width = config.num_hidden_layers, config.num_key_value_heads, config.head_dim
        like = model.get_decoder().layers[0].self_attn.k_proj.weight
        self._model = model
        self._window = config.sliding_window
        self._like = like
        self._self_keys = _Growing(layers, heads, width, like)
        self._self_values = _Growing(layers, heads, width, like)
        self.cross_keys = _Growing(layers, heads, width, like)
        self.cross_values = _Growing(layers, heads, width, like)
        self.count = 0
        self.widest = 0
        self._lengths: list[int] = []
        self._sources: list[int] = []
        self._cross_mask: Tensor | None = None
        self._lean = lean
        # The four names under which T5Gemma's decoder looks a cache up.
        self.self_attention_cache = _SelfCache(self._self_keys, self._self_values)
        self.cross_attention_cache = _CrossCache([_CrossLayer(self, layer) for layer in range(layers)])
        self.is_updated = dict.fromkeys(range(layers), True)

    @property
    def bytes(self) -> int:
        """Memory of the caches."""
        parts = (self._self_keys, self._self_values, self.cross_keys, self.cross_values)
        return sum(part.data.numel() * part.data.element_size() for part in parts)

    @torch.inference_mode()
    def join(self, encoded: Tensor, lengths: Sequence[int]) -> None:
        """Add rows at the end; their cross-attention keys and values are computed now, once.

        Args:
            encoded: The encoder's output, [rows, longest, hidden], padded on the right.
            lengths: Real tokens of each row.
        """
        first, rows = self.count, len(lengths)
        width = encoded.shape[1]
        for part in (self.cross_keys, self.cross_values):
            part.reserve(first + rows, width)
        for part in (self._self_keys, self._self_values):
            part.reserve(first + rows, FIRST_LENGTH)
        for number, layer in enumerate(self._model.get_decoder().layers):
            attention = layer.cross_attn
            shape = (rows, width, -1, attention.head_dim)
            keys = attention.k_proj(encoded).view(shape).transpose(1, 2)
            values = attention.v_proj(encoded).view(shape).transpose(1, 2)
            self.cross_keys.data[number][first : first + rows, :, :width] = keys
            self.cross_values.data[number][first : first + rows, :, :width] = values
        self._lengths += [0] * rows
        self._sources += list(lengths)
        self._changed()

    @torch.inference_mode()
    def leave(self, row: int) -> int:
        """Remove a row and return which row moved into its place; the same number where it was the last."""
        last = self.count - 1
        if row != last:
            for part in (self._self_keys, self._self_values, self.cross_keys, self.cross_values):
                part.data[:, row] = part.data[:, last]
            self._lengths[row], self._sources[row] = self._lengths[last], self._sources[last]
        self._lengths.pop()
        self._sources.pop()
        self._changed()
        self._shrink()
        return last

    @torch.inference_mode()
    def step(self, tokens: Sequence[int]) -> Tensor:
        """Decode one token of every row and return the decoder's states, [rows, hidden].

        Args:
            tokens: The last token of each row.
        """
        device = self._like.device
        longest = max(self._lengths) + 1
        for part in (self._self_keys, self._self_values):
            part.reserve(self.count, longest)
        positions = torch.tensor(self._lengths, device=device)
        self.self_attention_cache.stand(positions, longest)
        inputs = torch.tensor(tokens, device=device)
        states = self._lean_step(self._lean, inputs, positions) if self._lean else self._module_step(inputs, positions)
        self._lengths = [length + 1 for length in self._lengths]
        return states

    def put(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Write a layer's new keys and values, [rows, key heads, width], and return those of each row's answer."""
        return self.self_attention_cache.put(layer, keys, values)

    def cross(self, layer: int) -> tuple[Tensor, Tensor]:
        """Return a layer's keys and values of the encoder's output."""
        part = self.cross_attention_cache.layers[layer]
        return part.keys, part.values

    def _lean_step(self, lean: LeanDecoder, tokens: Tensor, positions: Tensor) -> Tensor:
        longest = max(self._lengths) + 1
        full = sliding = None
        if len(set(self._lengths)) > 1 or (self._window and longest > self._window):
            masks = self._self_masks(positions, longest)
            full, sliding = masks["full_attention"], masks["sliding_attention"]
        cross = self._cross_mask if len(set(self._sources)) > 1 else None
        return lean.step(tokens, positions, self, Masks(full, sliding, cross))

    def _module_step(self, tokens: Tensor, positions: Tensor) -> Tensor:
        output = self._model.get_decoder()(
            input_ids=tokens[:, None],
            attention_mask=self._self_masks(positions, max(self._lengths) + 1),
            position_ids=positions[:, None],
            past_key_values=self,
            # Read for its presence only: the keys of the encoder's output are in the slots already.
            encoder_hidden_states=self._like.new_zeros(self.count, 1, 1),
            encoder_attention_mask={"full_attention": self._cross_mask},
            use_cache=True,
        )
        states: Tensor = output.last_hidden_state[:, 0]
        return states

    def _self_masks(self, positions: Tensor, longest: int) -> dict[str, Tensor | None]:
        """Return the masks of full and sliding layers, [rows, 1, 1, longest], added to the scores."""
        least = torch.finfo(self._like.dtype).min
        places = torch.arange(longest, device=positions.device)[None]
        after = places > positions[:, None]
        hidden = self._like.new_zeros(self.count, longest)
        full = hidden.masked_fill(after, least)[:, None, None]
        if not self._window or longest <= self._window:
            return {"full_attention": full, "sliding_attention": full}
        outside = after | (places <= positions[:, None] - self._window)
        return {"full_attention": full, "sliding_attention": hidden.masked_fill(outside, least)[:, None, None]}

    def _changed(self) -> None:
        """Take note of who is there now."""
        self.count = len(self._sources)
        self.widest = max(self._sources, default=0)
        if not self.count:
            self._cross_mask = None
            return
        device = self._like.device
        lengths = torch.tensor(self._sources, device=device)
        padding = torch.arange(self.widest, device=device)[None] >= lengths[:, None]
        mask = self._like.new_zeros(self.count, self.widest)
        self._cross_mask = mask.masked_fill(padding, torch.finfo(self._like.dtype).min)[:, None, None]

    def _shrink(self) -> None:
        """Give room back when three quarters of the rows or of the positions stand empty."""
        longest = max(self._lengths, default=0)
        for part, length in (
            (self._self_keys, longest),
            (self._self_values, longest),
            (self.cross_keys, self.widest),
            (self.cross_values, self.widest),
        ):
            rows, positions = part.data.shape[1], part.data.shape[3]
            too_many = rows > FIRST_ROWS and self.count <= rows // 4
            too_long = positions > FIRST_LENGTH and length <= positions // 4
            if not self.count:
                part.keep(0, 0)
            elif too_many or too_long:
                part.keep(
                    max(self.count, FIRST_ROWS) if too_many else rows,
                    max(length, FIRST_LENGTH) if too_long else positions,
                )
