"""Checkpoints loaded for training: a generator, or its encoder with a new classification head."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import (
    Gemma2Config,
    Gemma2ForCausalLM,
    T5GemmaConfig,
    T5GemmaForConditionalGeneration,
    T5GemmaForSequenceClassification,
    T5GemmaForTokenClassification,
)

from t5gemma_app.checkpoints.folder import check_files, read_config
from t5gemma_app.checkpoints.weights import read_json
from t5gemma_app.engine.attention import IMPLEMENTATION, register_attention
from t5gemma_app.errors import BrokenCheckpointError, UnsupportedCheckpointError
from t5gemma_app.training.adapting.source import check_source, read_source
from t5gemma_app.training.examples import Kind

logger = logging.getLogger(__name__)

_CLASSES: dict[Kind, Any] = {
    "sequence": T5GemmaForSequenceClassification,
    "token": T5GemmaForTokenClassification,
    "text": T5GemmaForConditionalGeneration,
}
_DROPOUTS = ("dropout_rate", "classifier_dropout_rate")


def load_for_training(folder: Path, kind: Kind, labels: Sequence[str], dropout: float, seed: int) -> Any:
    """Read a checkpoint's weights in float32, with a new head where the kind of learning needs one.

    Args:
        folder: The checkpoint's folder.
        kind: What will be learnt; labels make it a classifier that is an encoder alone.
        labels: Names of the classes; empty where texts are learnt.
        dropout: Share of values that training drops.
        seed: Seed of a new head.

    Raises:
        CheckpointError: The files are damaged, or it is no T5Gemma that can be trained so.
    """
    if kind == "causal":
        return _load_decoder(folder)
    check_files(folder)
    _refuse_unfit(folder, kind)
    values = read_json(folder / "config.json")
    if kind != "text":
        values |= {
            "is_encoder_decoder": False,
            "id2label": dict(enumerate(labels)),
            "label2id": {label: number for number, label in enumerate(labels)},
            "problem_type": "single_label_classification" if kind == "sequence" else None,
        }
    values |= dict.fromkeys(_DROPOUTS, dropout) | {"architectures": [_CLASSES[kind].__name__]}
    register_attention()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.manual_seed(seed)
    model, report = _CLASSES[kind].from_pretrained(
        folder,
        config=T5GemmaConfig.from_dict(values),
        dtype=torch.float32,
        attn_implementation=IMPLEMENTATION,
        use_safetensors=True,
        local_files_only=True,
        output_loading_info=True,
        # A head for other labels is replaced, and said so below.
        ignore_mismatched_sizes=kind != "text",
    )
    fresh = {name for name in report["missing_keys"] if not name.startswith("score.")}
    if fresh:
        raise BrokenCheckpointError(f"{folder} lacks {len(fresh)} of its weights, {sorted(fresh)[0]} among them.")
    if report["mismatched_keys"]:
        logger.info("The head of %s is for other labels; a new one is trained.", folder.name)
    return model


def _load_decoder(folder: Path) -> Gemma2ForCausalLM:
    source = read_source(folder, "decoder")
    check_source(source)
    config = Gemma2Config.from_dict(read_json(folder / "config.json"))
    return Gemma2ForCausalLM.from_pretrained(
        folder, config=config, dtype=torch.float32, use_safetensors=True, local_files_only=True
    )


def _refuse_unfit(folder: Path, kind: Kind) -> None:
    configuration = read_config(folder)
    if configuration.family != "t5gemma":
        raise UnsupportedCheckpointError(
            f"{folder.name} is a T5Gemma 2, which is not trained here.",
            expected="A T5Gemma. A T5Gemma 2 has no encoder-only heads, and its image tower would be carried along.",
        )
    if kind == "text" and (configuration.decoder is None or configuration.head != "none"):
        raise UnsupportedCheckpointError(
            f"{folder.name} writes no words.", expected="A checkpoint with a decoder and without a head."
        )
