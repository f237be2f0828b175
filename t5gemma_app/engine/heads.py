"""What classification heads say of rows of token ids, whatever they are batched with.

transformers' own forward pools an encoder-decoder at a place that depends on the padding: the state after the
penultimate token for a row without padding, after the last one for a padded row. Here every row is read to its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from t5gemma_app.engine.generate import padded, special_ids
from t5gemma_app.engine.types import Logits


@torch.inference_mode()
def classify_rows(model: Any, rows: Sequence[Sequence[int]]) -> list[Logits]:
    """Return a sequence head's logits of each row.

    An encoder alone is read at the row's last token. With a decoder, the row is written once more behind the start id,
    and the state after its last token is read; that is where transformers looks in padded batches.

    Args:
        model: A model for sequence classification, in evaluation mode.
        rows: At least one; each has at least one token.
    """
    hidden = _states(model, rows, [list(row) for row in rows])
    ends = [len(row) - (0 if model.config.is_encoder_decoder else 1) for row in rows]
    at = torch.arange(len(rows), device=hidden.device)
    logits = model.score(hidden[at, torch.tensor(ends, device=hidden.device)])
    return [tuple(row) for row in logits.float().tolist()]


@torch.inference_mode()
def tag_rows(model: Any, rows: Sequence[Sequence[int]]) -> list[tuple[Logits, ...]]:
    """Return a token head's logits of each token of each row.

    With a decoder, a token's logits come from the state that reads the token before it, as transformers trains them.

    Args:
        model: A model for token classification, in evaluation mode.
        rows: At least one; each has at least one token.
    """
    hidden = _states(model, rows, [list(row[:-1]) for row in rows])
    logits = model.score(hidden).float().tolist()
    return [tuple(tuple(values) for values in found[: len(row)]) for found, row in zip(logits, rows, strict=True)]


def _states(model: Any, rows: Sequence[Sequence[int]], written: Sequence[list[int]]) -> Tensor:
    """Return the last states: the encoder's, or those of a decoder that is given `written` behind its start id."""
    start, pad, _ = special_ids(model)
    device = model.get_input_embeddings().weight.device
    ids, mask = padded(rows, pad, device)
    if not model.config.is_encoder_decoder:
        states: Tensor = model.model(input_ids=ids, attention_mask=mask).last_hidden_state
        return states
    inputs, input_mask = padded([[start, *row] for row in written], pad, device)
    states = model.model(
        input_ids=ids,
        attention_mask=mask,
        decoder_input_ids=inputs,
        decoder_attention_mask=input_mask,
        use_cache=False,
    ).last_hidden_state
    return states
