"""Answers of one model that are decoded together: each step adds a token to every one of them.

Two kinds with one face: in slots, where the model allows it, or in the batches in which they came.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from t5gemma_app.engine.generate import Decoding, padded, special_ids
from t5gemma_app.engine.head import ScreenedHead
from t5gemma_app.engine.lean import lean_decoder
from t5gemma_app.engine.packed import encode_packed, longest_packed
from t5gemma_app.engine.sampling import Chooser
from t5gemma_app.engine.slots import Slots
from t5gemma_app.engine.steps import exhaust
from t5gemma_app.engine.types import SamplingParameters


class Seat:
    """One answer's place: what was written so far, and whether more will be."""

    def __init__(self, parameters: SamplingParameters, start: int) -> None:
        self.chooser = Chooser(parameters, start)
        self.limit = parameters.max_new_tokens
        self.ids: list[int] = []
        self.open = True
        self.last = start

    def take(self, index: int, end_ids: frozenset[int]) -> None:
        """Add a token and close the seat at an end mark or at the limit."""
        self.ids.append(index)
        self.last = index
        if index in end_ids or len(self.ids) >= self.limit:
            self.open = False


class Decoder(Protocol):
    """Decodes several answers at once."""

    end_ids: frozenset[int]

    def join(self, prompts: Sequence[Sequence[int]], parameters: Sequence[SamplingParameters]) -> list[Seat]:
        """Encode prompts together and give each a seat; nobody has one when it fails."""
        ...

    def step(self) -> None:
        """Add a token to every seat."""
        ...

    def leave(self, seat: Seat) -> None:
        """Give a seat's memory back."""
        ...


def decoder_of(model: Any, head: ScreenedHead | None = None, int8: bool = False) -> Decoder:
    """Return a decoder in slots for T5Gemma, and one in padded batches for T5Gemma 2.

    T5Gemma 2 merges self- and cross-attention into one layer with one mask, for which slots are not written.

    Args:
        model: A model for conditional generation, in evaluation mode.
        head: Finds the best words in place of the full product.
        int8: Whether layers that can multiply 8-bit numbers; see `lean`.
    """
    return SlotDecoder(model, head, int8) if has_slots(model) else PaddedDecoder(model)


def has_slots(model: Any) -> bool:
    """Return whether the model's answers are decoded in slots."""
    return bool(model.config.model_type == "t5gemma")


class SlotDecoder:
    """Decodes in slots: one decoder step for all seats."""

    def __init__(self, model: Any, head: ScreenedHead | None = None, int8: bool = False) -> None:
        self._model = model
        self._head = head
        self._slots = Slots(model, lean_decoder(model, int8))
        self._seats: list[Seat] = []
        self._longest_packed = longest_packed(model)
        self._start, self._pad, self.end_ids = special_ids(model)

    @property
    def bytes(self) -> int:
        """Memory of the caches."""
        return self._slots.bytes

    @torch.inference_mode()
    def join(self, prompts: Sequence[Sequence[int]], parameters: Sequence[SamplingParameters]) -> list[Seat]:
        """Encode prompts in one batch and give each a seat."""
        self._slots.join(self._encoded(prompts), [len(prompt) for prompt in prompts])
        seats = [Seat(chosen, self._start) for chosen in parameters]
        self._seats += seats
        return seats

    @torch.inference_mode()
    def step(self) -> None:
        """Add a token to every seat."""
        states = self._slots.step([seat.last for seat in self._seats])
        for seat, index in zip(self._seats, self._choose(states), strict=True):
            seat.take(index, self.end_ids)

    def leave(self, seat: Seat) -> None:
        """Remove a seat; the last one moves into its place."""
        row = self._seats.index(seat)
        last = self._slots.leave(row)
        self._seats[row] = self._seats[last]
        self._seats.pop()

    def _encoded(self, prompts: Sequence[Sequence[int]]) -> Tensor:
        """Return the encoder's states, [rows, longest, hidden], padded on the right."""
        encoder = self._model.get_encoder()
        if max(map(len, prompts)) <= self._longest_packed:
            states = exhaust(encode_packed(encoder, prompts))
            return pad_sequence(states.split([len(prompt) for prompt in prompts]), batch_first=True)
        ids, mask = padded(prompts, self._pad, self._model.get_input_embeddings().weight.device)
        states = encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        return states

    def _choose(self, states: Tensor) -> list[int]:
        """Return each seat's next token: from the few words that can win where that is enough, else from all."""
        needed = [seat.chooser.needed for seat in self._seats]
        if self._head is not None and all(needed):
            words = self._head.top(states, max(filter(None, needed)))
            return [
                seat.chooser.choose(self._capped(scores), ids)
                for seat, (scores, ids) in zip(self._seats, words, strict=True)
            ]
        logits = self._capped(self._model.lm_head(states))
        if all(seat.chooser.plain_greedy for seat in self._seats):
            best: list[int] = logits.argmax(dim=-1).tolist()
            return best
        return [seat.chooser.choose(row) for seat, row in zip(self._seats, logits, strict=True)]

    def _capped(self, logits: Tensor) -> Tensor:
        cap = self._model.config.decoder.final_logit_softcapping
        return logits if cap is None else torch.tanh(logits / cap) * cap


class PaddedDecoder:
    """Decodes prompts that joined together as one padded batch, with transformers' own cache; batch after batch."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._batches: list[tuple[Decoding, list[Seat]]] = []
        self._start, _, self.end_ids = special_ids(model)

    def join(self, prompts: Sequence[Sequence[int]], parameters: Sequence[SamplingParameters]) -> list[Seat]:
        """Give each prompt a row of a new batch; they are encoded at its first step."""
        seats = [Seat(chosen, self._start) for chosen in parameters]
        self._batches.append((Decoding(self._model, prompts, parameters), seats))
        return seats

    def step(self) -> None:
        """Add a token to every seat."""
        for decoding, seats in self._batches:
            for seat, index in zip(seats, decoding.step(), strict=True):
                if index is not None:
                    seat.take(index, self.end_ids)

    def leave(self, seat: Seat) -> None:
        """Close a seat's row; a batch is dropped with its last one."""
        for decoding, seats in self._batches:
            if seat in seats:
                decoding.close_row(seats.index(seat))
        self._batches = [(decoding, seats) for decoding, seats in self._batches if any(decoding.open)]
