"""What an encoder makes of rows of token ids as one vector each, whatever they are batched with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from t5gemma_app.engine.generate import padded, special_ids
from t5gemma_app.engine.types import Pooling, Vector


@torch.inference_mode()
def embed_rows(model: Any, rows: Sequence[Sequence[int]], pooling: Pooling) -> list[Vector]:
    """Return a vector of length 1 for each row.

    Args:
        model: Any T5Gemma or T5Gemma 2, in evaluation mode; only its encoder is used.
        rows: At least one; each has at least one token.
        pooling: `mean` over a row's tokens, the tokenizer's marks among them, or its `last` token.
    """
    _, pad, _ = special_ids(model)
    encoder = encoder_of(model)
    ids, mask = padded(rows, pad, encoder.get_input_embeddings().weight.device)
    states = encoder(input_ids=ids, attention_mask=mask).last_hidden_state.float()
    if pooling == "last":
        last = mask.sum(dim=1) - 1
        pooled = states[torch.arange(len(rows), device=states.device), last]
    else:
        # A sum, not a product with the mask: what an attention kernel leaves in padded places may be anything.
        kept = states.masked_fill(~mask.bool()[:, :, None], 0.0)
        pooled = kept.sum(dim=1) / mask.sum(dim=1, keepdim=True)
    vectors: list[list[float]] = torch.nn.functional.normalize(pooled, dim=-1).tolist()
    return [tuple(vector) for vector in vectors]


def encoder_of(model: Any) -> Any:
    """Return the stack that reads the text, wherever a model class keeps it."""
    for place in ("model.model.encoder", "model.encoder", "encoder"):
        found = model
        for name in place.split("."):
            found = getattr(found, name, None)
        if found is not None:
            return found
    raise TypeError(f"{type(model).__name__} has no encoder")
