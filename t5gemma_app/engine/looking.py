"""Where a decoder looks in the source while it writes a given answer.

Only transformers' eager attention gives weights, so the decoder computes with it for this one pass, in which the whole
answer is read at once; the encoder stays as it is.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import zip_longest
from typing import Any

import torch

from t5gemma_app.engine.encode import TextEncoder, TextStream
from t5gemma_app.engine.generate import padded, special_ids
from t5gemma_app.engine.types import CrossAttention, Piece, SeenToken
from t5gemma_app.errors import InputError

EAGER = "eager"
MOST_WEIGHTS = 1 << 24
"""Weights that are kept of one answer, averages included: 64 MB."""


@contextmanager
def eager_decoder(model: Any) -> Iterator[None]:
    """Let a model's decoder compute with eager attention until the block ends.

    The caller is the only one who uses the model meanwhile.
    """
    configs = {id(part.config): part.config for part in model.get_decoder().modules() if hasattr(part, "config")}
    before = {key: config._attn_implementation_internal for key, config in configs.items()}
    try:
        for config in configs.values():
            config._attn_implementation_internal = EAGER
        yield
    finally:
        for key, config in configs.items():
            config._attn_implementation_internal = before[key]


@torch.inference_mode()
def cross_attention(model: Any, source: Sequence[int], answer: Sequence[int]) -> torch.Tensor:
    """Return the weights, [layers, heads, answer tokens, source tokens].

    Row i is where the decoder looked when it wrote token i: the state that reads the tokens before it.

    Args:
        model: A T5Gemma or T5Gemma 2 for conditional generation, in evaluation mode.
        source: Encoder ids, at least one.
        answer: Decoder ids without the start id, at least one.
    """
    start, pad, _ = special_ids(model)
    device = model.get_input_embeddings().weight.device
    ids, mask = padded([source], pad, device)
    encoded = model.get_encoder()(input_ids=ids, attention_mask=mask).last_hidden_state
    inputs, input_mask = padded([[start, *answer[:-1]]], pad, device)
    with eager_decoder(model):
        output = model.get_decoder()(
            input_ids=inputs,
            attention_mask=input_mask,
            encoder_hidden_states=encoded,
            encoder_attention_mask=mask,
            use_cache=False,
            output_attentions=True,
        )
    return torch.stack([layer[0].float().cpu() for layer in output.cross_attentions])


def with_averages(weights: torch.Tensor) -> torch.Tensor:
    """Return [1 + layers, 1 + heads, …]: number 0 is the average over all layers, and over all heads."""
    weights = torch.cat([weights.mean(dim=1, keepdim=True), weights], dim=1)
    return torch.cat([weights.mean(dim=0, keepdim=True), weights])


def look(
    model: Any, encoder: TextEncoder, pieces: Sequence[Piece], source: Sequence[int], answer: Sequence[int]
) -> CrossAttention:
    """Return the cross-attention of an answer with the words of both sides; see `cross_attention`."""
    layers, heads = model.config.decoder.num_hidden_layers, model.config.decoder.num_attention_heads
    if (1 + layers) * (1 + heads) * len(answer) * len(source) > MOST_WEIGHTS:
        raise InputError(
            f"Prompt and answer have {len(source):,} and {len(answer):,} tokens, too many to look into at once.",
            expected=f"Their product is at most {MOST_WEIGHTS // ((1 + layers) * (1 + heads)):,} for this checkpoint.",
            remedy="Shorten one of them.",
        )
    weights = cross_attention(model, source, answer)
    flat = array("f", with_averages(weights).contiguous().numpy().tobytes())
    merged = model.config.model_type != "t5gemma"
    return CrossAttention(source_tokens(encoder, pieces), answer_tokens(encoder, answer), layers, heads, flat, merged)


def source_tokens(encoder: TextEncoder, pieces: Sequence[Piece]) -> tuple[SeenToken, ...]:
    """Return a prompt's tokens with their characters; the last of one character's bytes has it."""
    seen: list[SeenToken] = []
    for piece in pieces:
        if piece.control:
            seen.append(SeenToken(piece.text, piece.text, control=True))
            continue
        tokens, at = encoder.tokens(piece.text), 0
        for token, following in zip_longest(tokens, tokens[1:]):
            whole = following is None or following.start >= token.end
            seen.append(SeenToken(token.piece, piece.text[at : token.end] if whole else ""))
            at = token.end if whole else at
    return tuple(seen)


def answer_tokens(encoder: TextEncoder, ids: Sequence[int]) -> tuple[SeenToken, ...]:
    """Return an answer's tokens with their characters; the last of one character's bytes has it."""
    stream = TextStream(encoder)
    seen = [
        SeenToken(piece, piece, control=True) if index in encoder.control_ids else SeenToken(piece, stream.push(index))
        for index, piece in zip(ids, encoder.pieces_of(ids), strict=True)
    ]
    if seen and (rest := stream.finish()):
        last = max(at for at, token in enumerate(seen) if not token.control)
        seen[last] = SeenToken(seen[last].piece, seen[last].text + rest)
    return tuple(seen)
