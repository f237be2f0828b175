"""T5Gemmas of any shape from nothing, small enough to be trained on two CPU cores.

Knows the configuration; refuses to know data and training.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from transformers import (
    Gemma2Config,
    Gemma2ForCausalLM,
    GenerationConfig,
    T5GemmaConfig,
    T5GemmaForConditionalGeneration,
)

from t5gemma_app.errors import InputError
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

    def checked(self) -> Shape:
        """Return self when a model can have these sizes.

        Raises:
            InputError: It can't; the message says why.
        """
        if min(self.hidden, self.intermediate, self.heads, self.encoder_layers, self.decoder_layers) < 1:
            raise InputError(f"A model can't have the sizes {self}.", expected="Every size is 1 or more.")
        if self.hidden % self.heads or self.hidden // self.heads % 2:
            raise InputError(
                f"A width of {self.hidden} can't be shared by {self.heads} heads.",
                expected="Each head gets an even number of features.",
            )
        return self


def fresh_config(shape: Shape, vocabulary: int, dropout: float = 0.0) -> T5GemmaConfig:
    """Return the configuration, with Gemma's softcaps and window kept."""
    module = _module(shape, vocabulary)
    return T5GemmaConfig(
        encoder={**module, "num_hidden_layers": shape.encoder_layers},
        decoder={**module, "num_hidden_layers": shape.decoder_layers},
        vocab_size=vocabulary,
        initializer_range=shape.hidden**-0.5,
        tie_word_embeddings=True,
        dropout_rate=dropout,
        pad_token_id=PAD_ID,
        eos_token_id=[EOS_ID, END_OF_TURN_ID],
        bos_token_id=BOS_ID,
        decoder_start_token_id=BOS_ID,
    )


def _module(shape: Shape, vocabulary: int) -> dict[str, Any]:
    return {
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


def fresh_model(shape: Shape, vocabulary: int, seed: int, dropout: float = 0.0) -> T5GemmaForConditionalGeneration:
    """Return a model with random weights and greedy generation defaults."""
    torch.manual_seed(seed)
    model = T5GemmaForConditionalGeneration(fresh_config(shape, vocabulary, dropout))
    _soften(model)
    model.generation_config = _greedy(decoder_start_token_id=BOS_ID)
    return model


def fresh_decoder(shape: Shape, vocabulary: int, seed: int) -> Gemma2ForCausalLM:
    """Return a decoder-only Gemma 2 with random weights, as deep as the shape's decoder; Gemma 2 has no dropout."""
    torch.manual_seed(seed)
    config = Gemma2Config(**_module(shape, vocabulary), num_hidden_layers=shape.decoder_layers)
    model = Gemma2ForCausalLM(config)
    _soften(model)
    model.generation_config = _greedy()
    return model


def _greedy(**more: int) -> GenerationConfig:
    return GenerationConfig(
        do_sample=False,
        max_new_tokens=LONGEST_ANSWER,
        pad_token_id=PAD_ID,
        bos_token_id=BOS_ID,
        eos_token_id=[EOS_ID, END_OF_TURN_ID],
        **more,
    )


def _soften(model: nn.Module) -> None:
    """Halve what each layer adds, a normalised vector, so that it does not drown the words at the start."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if ".post_" in name:
                parameter.fill_(-0.5)
