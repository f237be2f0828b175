"""Decoding step by step: a batch of prompts is encoded once, then each step adds one token a row.

Everything works on token ids; refuses to know text, queues and people.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from t5gemma_app.engine.sampling import Chooser
from t5gemma_app.engine.types import SamplingParameters


class Decoding:
    """A batch of answers on their way.

    Uses the model's own forward with a cache, and reads only the last position's logits, so greedy answers equal
    transformers' `generate` token by token.

    Args:
        model: A T5Gemma or T5Gemma 2 for conditional generation, in evaluation mode.
        prompts: Encoder ids of each row, at least one.
        parameters: How each row's tokens are chosen.
    """

    def __init__(self, model: Any, prompts: Sequence[Sequence[int]], parameters: Sequence[SamplingParameters]) -> None:
        self._model = model
        self._device = model.get_input_embeddings().weight.device
        self._start, self._pad, self.end_ids = special_ids(model)
        self._choosers = [Chooser(p, self._start) for p in parameters]
        self._limits = [p.max_new_tokens for p in parameters]
        self._prompts = prompts
        self._cache: Any = None
        self._encoded: Any = None
        self._mask: Tensor | None = None
        self._last = torch.full((len(prompts), 1), self._start, device=self._device)
        self.ids: list[list[int]] = [[] for _ in prompts]
        self.open = [True] * len(prompts)

    def close_row(self, row: int) -> None:
        """Stop adding tokens to a row; the other rows go on."""
        self.open[row] = False

    def ended(self, row: int) -> bool:
        """Return whether the row's last token is an end mark."""
        return bool(self.ids[row]) and self.ids[row][-1] in self.end_ids

    @torch.inference_mode()
    def step(self) -> list[int | None]:
        """Add one token to every open row and return the tokens, None for closed rows."""
        if self._encoded is None:
            self._encode()
        output = self._model(
            encoder_outputs=self._encoded,
            attention_mask=self._mask,
            decoder_input_ids=self._last,
            past_key_values=self._cache,
            use_cache=True,
            logits_to_keep=1,
        )
        self._cache = output.past_key_values
        chosen = self._choose(output.logits[:, -1])
        for row, index in enumerate(chosen):
            if index is not None:
                self.ids[row].append(index)
                if index in self.end_ids or len(self.ids[row]) >= self._limits[row]:
                    self.open[row] = False
        following = [self._pad if index is None else index for index in chosen]
        self._last = torch.tensor(following, device=self._device)[:, None]
        return chosen

    def _encode(self) -> None:
        ids, mask = padded(self._prompts, self._pad, self._device)
        self._mask = mask
        self._encoded = self._model.get_encoder()(input_ids=ids, attention_mask=mask)

    def _choose(self, logits: Tensor) -> list[int | None]:
        rows = [row for row, is_open in enumerate(self.open) if is_open]
        if all(self._choosers[row].plain_greedy for row in rows):
            best: list[int] = logits.argmax(dim=-1).tolist()
            return [best[row] if is_open else None for row, is_open in enumerate(self.open)]
        return [self._choosers[row].choose(logits[row]) if is_open else None for row, is_open in enumerate(self.open)]


def padded(rows: Sequence[Sequence[int]], pad: int, device: Any) -> tuple[Tensor, Tensor]:
    """Return ids and attention mask of rows padded on the right, both [rows, longest].

    The mask is always given: without it T5Gemma's cross-attention would look at the padding.
    """
    width = max(map(len, rows))
    ids = torch.tensor([[*row, *[pad] * (width - len(row))] for row in rows], device=device)
    mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows], device=device)
    return ids, mask


def special_ids(model: Any) -> tuple[int, int, frozenset[int]]:
    """Return the decoder's start id, the padding id and the ids that end an answer."""
    decoder = model.config.decoder
    generation = getattr(model, "generation_config", None)
    start = getattr(generation, "decoder_start_token_id", None)
    start = start if start is not None else decoder.bos_token_id
    ends = getattr(generation, "eos_token_id", None) or decoder.eos_token_id
    ends = [ends] if isinstance(ends, int) else list(ends or [])
    return int(start), int(decoder.pad_token_id or 0), frozenset(int(i) for i in ends)
