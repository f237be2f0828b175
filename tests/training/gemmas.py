"""Small real decoder-only Gemma 2 checkpoints, made on the spot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import Gemma2Config, Gemma2ForCausalLM

from tests.tiny import VOCABULARY, tiny_tokenizer


def gemma(seed: int = 0, **changes: Any) -> Gemma2ForCausalLM:
    """Return a random model with grouped heads, whose norms are no longer zero and whose logits reach the cap."""
    values: dict[str, Any] = {
        "vocab_size": VOCABULARY,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 16,
        "query_pre_attn_scalar": 12,
        "sliding_window": 6,
        "max_position_embeddings": 256,
        "rope_parameters": {"rope_type": "default", "rope_theta": 5000.0},
        "attn_logit_softcapping": 5.0,
    }
    torch.manual_seed(seed)
    model = Gemma2ForCausalLM(Gemma2Config(**{**values, **changes})).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.dim() == 1:
                weight.normal_(0, 0.3)
            elif "q_proj" in name or "k_proj" in name:
                weight.mul_(20)
    return model


def save_gemma(folder: Path, seed: int = 0, shards: str = "5GB", dtype: str = "float32", **changes: Any) -> Path:
    """Write a model with a tokenizer."""
    gemma(seed, **changes).to(getattr(torch, dtype)).save_pretrained(folder, max_shard_size=shards)
    tiny_tokenizer().save(str(folder / "tokenizer.json"))
    return folder
