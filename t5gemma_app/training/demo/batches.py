"""Conversations as padded batches of ids, cut by length so that little is padding.

Knows ids; refuses to know what the rows are about.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from t5gemma_app.tasks.turns import write_turns
from t5gemma_app.training.demo.mixture import Conversation
from t5gemma_app.training.parallel import IGNORED
from t5gemma_app.training.tokenizer import BOS_ID, END_OF_TURN_ID, PAD_ID, encode_pieces


@dataclass(frozen=True, slots=True)
class Batch:
    """One training batch, padded on the right."""

    prompts: Tensor
    prompt_mask: Tensor
    decoder_input: Tensor
    targets: Tensor

    def rows(self, start: int, every: int) -> Batch:
        """Return every so many rows, from `start` on."""
        return Batch(
            *(part[start::every] for part in (self.prompts, self.prompt_mask, self.decoder_input, self.targets))
        )


def encode_prompt(tokenizer: PreTrainedTokenizerBase, row: Conversation) -> list[int]:
    """Return the encoder's ids for a conversation."""
    return encode_pieces(tokenizer, write_turns(row.turns, answer=row.answer_prompt))


def cut_batches(
    tokenizer: PreTrainedTokenizerBase, rows: Sequence[Conversation], batch_rows: int, rng: Random
) -> list[Batch]:
    """Sort rows by length, cut them into batches of equal row counts, and put the batches into a random order."""
    pairs = [
        (encode_prompt(tokenizer, row), [*tokenizer(row.answer, add_special_tokens=False)["input_ids"], END_OF_TURN_ID])
        for row in rows
    ]
    pairs.sort(key=lambda pair: (-(-len(pair[0]) // 4), len(pair[1])))
    batches = [_batch(pairs[start : start + batch_rows]) for start in range(0, len(pairs), batch_rows)]
    rng.shuffle(batches)
    return batches


def padded(rows: Sequence[Sequence[int]], fill: int) -> Tensor:
    """Return rows of ids as one tensor, padded on the right."""
    width = max(len(row) for row in rows)
    return torch.tensor([[*row, *[fill] * (width - len(row))] for row in rows], dtype=torch.long)


def _batch(pairs: Sequence[tuple[list[int], list[int]]]) -> Batch:
    prompts = padded([prompt for prompt, _ in pairs], PAD_ID)
    targets = padded([target for _, target in pairs], IGNORED)
    starts = torch.full((len(pairs), 1), BOS_ID, dtype=torch.long)
    shifted = torch.cat([starts, targets[:, :-1]], dim=1)
    return Batch(prompts, (prompts != PAD_ID).long(), shifted.masked_fill(shifted == IGNORED, PAD_ID), targets)
