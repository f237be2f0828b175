"""T5Gemmas of any shape from nothing, small enough to be trained on two CPU cores.

Knows the configuration; refuses to know data and training.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from transformers import GenerationConfig, T5GemmaConfig, T5GemmaForConditionalGeneration

from t5gemma_app.training.tokenizer import BOS_ID, END_OF_TURN_ID, EOS_ID, PAD_ID

LONGEST_ANSWER = 64


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of a new model; the demo's, where nothing else is said."""

    hidden: int = 192
    intermediate: int = 512
    heads: int = 4
    encoder_layers: int = 3
    decoder_layers: int = 2


def fresh_config(shape: Shape, vocabulary: int) -> T5GemmaConfig:
    """Return the configuration, with Gemma's softcaps and window kept."""
    module: dict[str, Any] = {
        "vocab_size": vocabulary,
        "hidden_size": shape.hidden,
        "intermediate_size": shape.intermediate,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.heads,
        "head_dim": shape.hidden // shape.heads,
        "query_pre_attn_scalar": shape.hidden // shape.heads,
        "initializer_range": shape.hidden**-0.5,
        "max_position_embeddings": 1024,
        "sliding_window": 512,
        "attn_logit_softcapping": 50.0,
        "final_logit_softcapping": 30.0,
        "pad_token_id": PAD_ID,
        "eos_token_id": [EOS_ID, END_OF_TURN_ID],
        "bos_token_id": BOS_ID,
    }
    return T5GemmaConfig(
        encoder={**module, "num_hidden_layers": shape.encoder_layers},
        decoder={**module, "num_hidden_layers": shape.decoder_layers},
        vocab_size=vocabulary,
        initializer_range=shape.hidden**-0.5,
        tie_word_embeddings=True,
        pad_token_id=PAD_ID,
        eos_token_id=[EOS_ID, END_OF_TURN_ID],
        bos_token_id=BOS_ID,
        decoder_start_token_id=BOS_ID,
    )


def fresh_model(shape: Shape, vocabulary: int, seed: int) -> T5GemmaForConditionalGeneration:
    """Return a model with random weights and greedy generation defaults."""
    torch.manual_seed(seed)
    model = T5GemmaForConditionalGeneration(fresh_config(shape, vocabulary))
    with torch.no_grad():
        # Each layer adds a normalised vector; halved, it does not drown the words at the start.
        for name, parameter in model.named_parameters():
            if ".post_" in name:
                parameter.fill_(-0.5)
    model.generation_config = GenerationConfig(
        do_sample=False,
        max_new_tokens=LONGEST_ANSWER,
        pad_token_id=PAD_ID,
        bos_token_id=BOS_ID,
        decoder_start_token_id=BOS_ID,
        eos_token_id=[EOS_ID, END_OF_TURN_ID],
    )
    return model
