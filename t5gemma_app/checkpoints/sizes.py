"""The named sizes of encoders and decoders, and the configuration of a checkpoint made of two of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from t5gemma_app.checkpoints.parameters import count_in_words, stack_parameters
from t5gemma_app.checkpoints.records import Family, Stack
from t5gemma_app.errors import InputError, did_you_mean

VOCABULARY = 256_000
VOCABULARY_2 = 262_144


def _first(layers: int, hidden: int, intermediate: int, heads: int, kv_heads: int, head_dim: int) -> Stack:
    return Stack(
        layers=layers,
        hidden=hidden,
        intermediate=intermediate,
        heads=heads,
        kv_heads=kv_heads,
        head_dim=head_dim,
        vocabulary=VOCABULARY,
        positions=8192,
        window=4096,
        sliding_layers=(layers + 1) // 2,
        softcap=50.0,
    )


def _second(layers: int, hidden: int, intermediate: int, heads: int, kv_heads: int, window: int) -> Stack:
    return Stack(
        layers=layers,
        hidden=hidden,
        intermediate=intermediate,
        heads=heads,
        kv_heads=kv_heads,
        head_dim=256,
        vocabulary=VOCABULARY_2,
        positions=131_072,
        window=window,
        sliding_layers=layers - layers // 6,
        softcap=None,
    )


SIZES: dict[str, Stack] = {
    "s": _first(8, 512, 1024, 8, 8, 64),
    "b": _first(12, 768, 2048, 12, 12, 64),
    "l": _first(24, 1024, 2816, 16, 16, 64),
    "ml": _first(26, 1152, 6912, 4, 4, 256),
    "xl": _first(24, 2048, 5120, 32, 32, 64),
    "2b": _first(26, 2304, 9216, 8, 4, 256),
    "9b": _first(42, 3584, 14336, 16, 8, 256),
}
"""T5Gemma's sizes, smallest first."""

SIZES_2: dict[str, Stack] = {
    "270m": _second(18, 640, 2048, 4, 1, 512),
    "1b": _second(26, 1152, 6912, 4, 1, 512),
    "4b": _second(34, 2560, 10240, 8, 4, 1024),
}
"""T5Gemma 2's sizes, smallest first."""


def named_size(name: str, vocabulary: int = VOCABULARY) -> Stack:
    """Return T5Gemma's size of this name, with the vocabulary asked for.

    Raises:
        InputError: No size has this name; the message lists them.
    """
    stack = SIZES.get(name.strip().lower())
    if stack is None:
        raise InputError(
            f"The size {name!r} is not known.",
            expected=f"Sizes are {', '.join(SIZES)}.",
            remedy=did_you_mean(name, SIZES),
        )
    return replace(stack, vocabulary=vocabulary)


def size_name(stack: Stack, family: Family = "t5gemma") -> str:
    """Return a stack's named size, or the parameters of its layers in words, such as `1.3M`."""
    for name, known in (SIZES if family == "t5gemma" else SIZES_2).items():
        if _shape(known) == _shape(stack):
            return name
    return count_in_words(stack_parameters(stack, family))


def _shape(stack: Stack) -> tuple[int, ...]:
    return (stack.layers, stack.hidden, stack.intermediate, stack.heads, stack.kv_heads, stack.head_dim)


def t5gemma_config_dict(
    encoder: Stack,
    decoder: Stack,
    vocabulary: int | None = None,
    tied_head: bool = True,
    dtype: str = "float32",
) -> dict[str, Any]:
    """Return the `config.json` of a T5Gemma made of two stacks, in any combination.

    Args:
        encoder: The encoder's shape.
        decoder: The decoder's shape.
        vocabulary: Words of both embedding tables; each stack's own when left out.
        tied_head: Whether the output head is the decoder's embedding table.
        dtype: Number format the weights are written in.

    Raises:
        InputError: transformers would refuse the shape.
    """
    words = vocabulary if vocabulary is not None else decoder.vocabulary
    if words < 4:
        raise InputError(
            f"A vocabulary of {words} can't be used.",
            expected="It takes 4 words or more, for the padding, end, begin and unknown marks.",
        )
    ends = [token for token in (1, 107) if token < words]
    return {
        "architectures": ["T5GemmaForConditionalGeneration"],
        "model_type": "t5gemma",
        "is_encoder_decoder": True,
        "tie_word_embeddings": tied_head,
        "vocab_size": words,
        "dtype": dtype,
        "pad_token_id": 0,
        "eos_token_id": ends,
        "bos_token_id": 2,
        "initializer_range": 0.02,
        "encoder": _stack_config(encoder, words if vocabulary is not None else encoder.vocabulary, ends, False),
        "decoder": _stack_config(decoder, words, ends, True),
    }


def _stack_config(stack: Stack, vocabulary: int, ends: list[int], is_decoder: bool) -> dict[str, Any]:
    if stack.hidden % stack.heads:
        raise InputError(
            f"A width of {stack.hidden} with {stack.heads} heads can't be used.",
            expected="The width must be a multiple of the heads.",
        )
    return {
        "model_type": "t5_gemma_module",
        "is_decoder": is_decoder,
        "vocab_size": vocabulary,
        "hidden_size": stack.hidden,
        "intermediate_size": stack.intermediate,
        "num_hidden_layers": stack.layers,
        "num_attention_heads": stack.heads,
        "num_key_value_heads": stack.kv_heads,
        "head_dim": stack.head_dim,
        "query_pre_attn_scalar": stack.head_dim,
        "hidden_activation": "gelu_pytorch_tanh",
        "max_position_embeddings": stack.positions,
        "sliding_window": stack.window,
        "layer_types": _layer_types(stack),
        "attn_logit_softcapping": stack.softcap,
        "final_logit_softcapping": 30.0,
        "rms_norm_eps": 1e-06,
        "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0},
        "attention_bias": False,
        "initializer_range": 0.02,
        "tie_word_embeddings": True,
        "pad_token_id": 0,
        "eos_token_id": ends,
        "bos_token_id": 2,
        "use_cache": True,
    }


def _layer_types(stack: Stack) -> list[str]:
    """Spread the full layers evenly, the last of each group; half and half alternates, sliding first."""
    full = stack.layers - stack.sliding_layers
    if stack.sliding_layers == (stack.layers + 1) // 2:
        return ["full_attention" if index % 2 else "sliding_attention" for index in range(stack.layers)]
    return [
        "full_attention" if (index + 1) * full // stack.layers > index * full // stack.layers else "sliding_attention"
        for index in range(stack.layers)
    ]
