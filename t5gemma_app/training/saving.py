"""A model in training written as a checkpoint that the app and transformers load: weights in bfloat16, tokenizer."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import torch

from t5gemma_app.checkpoints.configuration import read_configuration
from t5gemma_app.checkpoints.folder import CONFIG
from t5gemma_app.checkpoints.tensors import expected_tensors
from t5gemma_app.engine.initialise import TOKENIZER_FILES
from t5gemma_app.training.adapters import whole_weight
from t5gemma_app.training.adapting.source import source_tensors
from t5gemma_app.training.examples import Kind
from t5gemma_app.training.folders import whole_folder
from t5gemma_app.training.shards import SHARD_BYTES, Slot, write_shards

STORED = "bfloat16"
_BESIDE = (*TOKENIZER_FILES, "tokenizer.model", "added_tokens.json")
_GENERATION = "generation_config.json"


def save_model(model: Any, kind: Kind, folder: Path, beside: Path, shard_bytes: int = SHARD_BYTES) -> None:
    """Write a checkpoint, whole or not at all; the model stays as it is.

    Args:
        model: The model in training.
        kind: What it learns.
        folder: Where to.
        beside: The folder whose tokenizer and generation settings go with it.
        shard_bytes: Size of a file of weights.
    """
    values = {**model.config.to_dict(), "architectures": [type(model).__name__], "dtype": STORED}
    values = {name: value for name, value in values.items() if not name.startswith("_")}
    names = source_tensors(model.config) if kind == "causal" else expected_tensors(read_configuration(values))
    state = model.state_dict()

    def read(name: str) -> torch.Tensor:
        return whole_weight(model, state, name).detach().cpu()

    with whole_folder(folder) as fresh:
        (fresh / CONFIG).write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
        write_shards(fresh, [Slot(name, shape, STORED) for name, shape in names.items()], read, shard_bytes)
        for name in _BESIDE:
            if (beside / name).is_file():
                shutil.copyfile(beside / name, fresh / name)
        if kind in ("text", "causal"):
            _write_generation(model, beside, fresh)


def _write_generation(model: Any, beside: Path, folder: Path) -> None:
    """Write how the model generates by default: as the checkpoint it comes from, or as a new one is made."""
    if (beside / _GENERATION).is_file():
        shutil.copyfile(beside / _GENERATION, folder / _GENERATION)
    else:
        model.generation_config.save_pretrained(folder)
