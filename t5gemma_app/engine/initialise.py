"""Checkpoints with random weights in any encoder-decoder combination, for dry runs of size and speed."""

from __future__ import annotations

import shutil
from pathlib import Path

import psutil
import torch
from transformers import T5GemmaConfig, T5GemmaForConditionalGeneration

from t5gemma_app.checkpoints.placement import DTYPE_BYTES
from t5gemma_app.checkpoints.sizes import named_size, t5gemma_config_dict
from t5gemma_app.errors import InputError, TooBigError

GB = 1e9
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja")


def initialise_checkpoint(
    folder: Path,
    encoder_size: str,
    decoder_size: str,
    *,
    vocabulary: int,
    tokenizer: Path,
    dtype: str,
    seed: int,
) -> None:
    """Write a checkpoint with random weights.

    Args:
        folder: Where to; it must not hold a checkpoint yet.
        encoder_size: A named size such as `s` or `9b`.
        decoder_size: A named size.
        vocabulary: Rows of the embedding tables.
        tokenizer: A folder whose tokenizer is copied.
        dtype: Number format of the files.
        seed: Seed of the weights.

    Raises:
        InputError: A size is unknown, the folder is taken, or the tokenizer is missing.
        TooBigError: The weights do not fit into memory.
    """
    if (folder / "config.json").exists():
        raise InputError(f"{folder} holds a checkpoint already.", remedy="Choose another folder, or remove that one.")
    if not (tokenizer / "tokenizer.json").is_file():
        raise InputError(f"{tokenizer} has no tokenizer.json.", expected="A folder with a tokenizer.")
    values = t5gemma_config_dict(named_size(encoder_size), named_size(decoder_size), vocabulary=vocabulary, dtype=dtype)
    config = T5GemmaConfig(**values)
    _refuse_too_big(config, dtype)
    torch.manual_seed(seed)
    with torch.device("cpu"):
        model = T5GemmaForConditionalGeneration._from_config(config, dtype=getattr(torch, dtype))
    model.generation_config.update(
        bos_token_id=2, decoder_start_token_id=2, pad_token_id=0, eos_token_id=config.eos_token_id
    )
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    for file in folder.glob("*.safetensors"):
        # safetensors writes for its owner only; a checkpoint is no more secret than its configuration
        file.chmod(0o644)
    for name in TOKENIZER_FILES:
        if (tokenizer / name).is_file():
            shutil.copyfile(tokenizer / name, folder / name)


def _refuse_too_big(config: T5GemmaConfig, dtype: str) -> None:
    with torch.device("meta"):
        count = sum(p.numel() for p in T5GemmaForConditionalGeneration(config).parameters())
    needed, free = count * DTYPE_BYTES[dtype], psutil.virtual_memory().available
    if needed > free:
        raise TooBigError(
            f"{count:,} parameters need {needed / GB:.1f} GB in {dtype}; {free / GB:.1f} GB are free.",
            remedy="Choose smaller sizes, bfloat16, or a smaller vocabulary.",
        )
