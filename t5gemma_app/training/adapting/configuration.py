"""The configuration of an adapted T5Gemma, put together from two Gemma 2 configurations."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from transformers import Gemma2Config, PreTrainedConfig, T5GemmaConfig, T5GemmaModuleConfig

from t5gemma_app.checkpoints.weights import read_json
from t5gemma_app.errors import InputError
from t5gemma_app.training.adapting.source import Source

_GENERAL = {field.name for field in fields(PreTrainedConfig)}
_OWN = {field.name for field in fields(Gemma2Config)} - _GENERAL
_MODULE = tuple(
    field.name
    for field in fields(T5GemmaModuleConfig)
    if field.name in {*_OWN, "bos_token_id", "eos_token_id", "pad_token_id"} and field.name != "tie_word_embeddings"
)
"""What a T5Gemma stack takes over from Gemma 2 as it stands; the tie is the whole model's business."""


def adapted_config(encoder: Source, decoder: Source, dtype: str) -> dict[str, Any]:
    """Return the `config.json` of the pair.

    Raises:
        InputError: The vocabularies differ.
    """
    _refuse_vocabularies(encoder, decoder)
    config = T5GemmaConfig(
        encoder=_module(encoder.config),
        decoder=_module(decoder.config),
        vocab_size=decoder.config.vocab_size,
        tie_word_embeddings=decoder.tied,
        attention_dropout=decoder.config.attention_dropout,
        decoder_start_token_id=decoder.config.bos_token_id,
    )
    values: dict[str, Any] = config.to_dict()
    return {**values, "architectures": ["T5GemmaForConditionalGeneration"], "dtype": dtype}


def _module(config: Gemma2Config) -> dict[str, Any]:
    values = config.to_dict()
    return {name: values[name] for name in _MODULE if name in values}


def _refuse_vocabularies(encoder: Source, decoder: Source) -> None:
    first, second = encoder.config.vocab_size, decoder.config.vocab_size
    if first != second:
        raise InputError(
            f"The vocabularies differ: {first:,} pieces in {encoder.folder} and {second:,} in {decoder.folder}.",
            expected="Encoder and decoder read the same token ids.",
            remedy="Take sources of one family, trained with one tokenizer.",
        )
    tokenizers = [source.folder / "tokenizer.json" for source in (encoder, decoder)]
    if not all(path.is_file() for path in tokenizers):
        return
    contents = [read_json(path) for path in tokenizers]
    if any(contents[0].get(part) != contents[1].get(part) for part in ("model", "added_tokens")):
        raise InputError(
            f"The tokenizers of {encoder.folder} and {decoder.folder} differ.",
            expected="Encoder and decoder read the same token ids.",
            remedy="Take sources of one family, trained with one tokenizer.",
        )
