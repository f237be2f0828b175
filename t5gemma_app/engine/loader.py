"""Weights from safetensors into a model on its device, and out of memory again."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors import SafetensorError

from t5gemma_app.checkpoints.placement import FLASH, Placement, Reason
from t5gemma_app.checkpoints.records import HEAD_WEIGHTS, Checkpoint
from t5gemma_app.engine.attention import IMPLEMENTATION, transformers_name
from t5gemma_app.engine.decoders import Decoder, decoder_of, has_slots
from t5gemma_app.engine.embedding import embed_rows
from t5gemma_app.engine.encode import TextEncoder
from t5gemma_app.engine.head import ScreenedHead, choose_head
from t5gemma_app.engine.heads import classify_rows, tag_rows
from t5gemma_app.engine.looking import look
from t5gemma_app.engine.ordering import order_weights
from t5gemma_app.engine.plain import is_plain
from t5gemma_app.engine.score import Question, Reading, read_questions, score_readings
from t5gemma_app.engine.session import Lane
from t5gemma_app.engine.types import CrossAttention, Logits, Piece, Pooling, Vector
from t5gemma_app.errors import BrokenCheckpointError, InputError, OutOfMemoryError, UnsupportedCheckpointError

logger = logging.getLogger(__name__)

RANDOM_HEAD_SEED = 0
"""Gives a head without weights the same random ones each time it is loaded."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A checkpoint in memory, ready to decode, or to be read by its head."""

    checkpoint: Checkpoint
    model: Any
    encoder: TextEncoder
    lane: Lane | None
    """Where streamed answers are decoded together; None where no text is written."""
    head: ScreenedHead | None
    """Finds the best words in place of the full product, where that pays."""
    placement: Placement
    bytes: int
    seconds: float

    @property
    def decoding_lane(self) -> Lane:
        """Where answers are decoded; raises `InputError` where none can be."""
        if self.lane is None:
            raise InputError(f"{self.checkpoint.name} writes no text.")
        return self.lane

    def batch_decoder(self) -> Decoder:
        """Return a decoder for a batch of prompts beside the lane, with exact layers."""
        return decoder_of(self.model, self.head)

    def read(self, questions: Sequence[Question]) -> Generator[None, None, list[Reading]]:
        """Read a batch of questions, with pauses."""
        return read_questions(self.model, questions)

    def score(self, readings: Sequence[Reading]) -> Generator[None, None, list[list[float]]]:
        """Score the answers of questions that were read, with pauses."""
        return score_readings(self.model, readings)

    def classify(self, rows: Sequence[Sequence[int]]) -> list[Logits]:
        """Read a batch of rows with the sequence head."""
        return classify_rows(self.model, rows)

    def tag(self, rows: Sequence[Sequence[int]]) -> list[tuple[Logits, ...]]:
        """Read a batch of rows with the token head."""
        return tag_rows(self.model, rows)

    def embed(self, rows: Sequence[Sequence[int]], pooling: Pooling) -> list[Vector]:
        """Read a batch of rows with the encoder alone."""
        return embed_rows(self.model, rows, pooling)

    def look(self, pieces: Sequence[Piece], source: Sequence[int], answer: Sequence[int]) -> CrossAttention:
        """Read an answer and return where the decoder looked in its prompt."""
        return look(self.model, self.encoder, pieces, source, answer)


def load_weights(
    checkpoint: Checkpoint,
    folder: Path,
    encoder: TextEncoder,
    placement: Placement,
    screened_head: str = "auto",
    int8_layers: bool = False,
) -> Loaded:
    """Read a checkpoint into memory: for conditional generation, or with its classification head.

    Args:
        checkpoint: What is known of it.
        folder: Where its files are.
        encoder: Its tokenizer.
        placement: Where it goes, in which number format, with which attention.
        screened_head: Whether the output head looks for the best words in 8 bits first: `auto`, `on` or `off`.
        int8_layers: Whether streamed answers are decoded by layers rounded to 8 bits, where that can be.

    Raises:
        BrokenCheckpointError: Files are damaged, or weights are missing.
        UnsupportedCheckpointError: transformers has no such model for this configuration.
        OutOfMemoryError: The device is full.
    """
    started = time.perf_counter()
    target: Any = "auto" if placement.spread else {"": placement.device}
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    try:
        if checkpoint.random_head:
            torch.manual_seed(RANDOM_HEAD_SEED)
        model, report = _model_class(checkpoint).from_pretrained(
            str(folder),
            dtype=getattr(torch, placement.dtype),
            attn_implementation=transformers_name(placement.attention),
            device_map=None if placement.device == "cpu" else target,
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
            output_loading_info=True,
            # reported as a mismatch and refused below, in words of our own
            ignore_mismatched_sizes=True,
        )
    except torch.OutOfMemoryError as error:
        raise OutOfMemoryError(
            f"{checkpoint.name} did not fit into {placement.device}.",
            remedy="Unload another checkpoint, or use the CPU.",
        ) from error
    except (SafetensorError, json.JSONDecodeError, OSError, RuntimeError, KeyError) as error:
        raise BrokenCheckpointError(
            f"The weights of {checkpoint.name} can't be read: {_first_line(error)}.",
            expected="Whole safetensors files that match config.json.",
            remedy="Download or save the checkpoint again.",
        ) from error
    except ValueError as error:
        raise UnsupportedCheckpointError(
            f"{checkpoint.name} can't be loaded: {_first_line(error)}.",
            expected="A T5Gemma or T5Gemma 2 checkpoint for conditional generation, or one with a head.",
        ) from error
    _refuse_missing(checkpoint, report)
    model.eval().requires_grad_(False)
    if placement.attention in FLASH and checkpoint.decoder is not None:
        spare_decoder(model)
    size = sum(t.numel() * t.element_size() for t in model.state_dict(keep_vars=True).values())
    lane = head = None
    if checkpoint.head == "none":
        lane, head, placement, beside = _prepare_writing(model, placement, screened_head, int8_layers)
        size += beside
    seconds = time.perf_counter() - started
    logger.info("Loaded %s in %.1f s: %s", checkpoint.name, seconds, placement.sentence())
    return Loaded(checkpoint, model, encoder, lane, head, placement, size, seconds)


def _prepare_writing(
    model: Any, placement: Placement, screened_head: str, int8_layers: bool
) -> tuple[Lane, ScreenedHead | None, Placement, int]:
    """Return what answers are written with, the placement with what was chosen, and the bytes beside the weights."""
    table = model.get_output_embeddings().weight
    tied = table is model.get_decoder().get_input_embeddings().weight
    beside = -table.numel() * table.element_size() if tied else 0  # the table counted twice
    head, because = choose_head(table, screened_head if has_slots(model) else "off")
    beside += head.bytes if head else 0
    copied, why_copied = order_weights(model)
    beside += copied
    reasons = [Reason("output head", "screened" if head else "full", because), *filter(None, [why_copied])]
    placement = replace(placement, reasons=(*placement.reasons, *reasons))
    if int8_layers:
        placement = with_int8_layers(placement, is_plain(model, model.get_decoder()))
    if placement.int8_layers:  # codes of a byte each stand beside the weights, which scoring multiplies
        beside += sum(weight.numel() for weight in model.get_decoder().layers.parameters() if weight.ndim == 2)
    return Lane(decoder_of(model, head, placement.int8_layers)), head, placement, beside


def with_int8_layers(placement: Placement, possible: bool) -> Placement:
    """Return the placement with what became of the wish for layers in 8 bits, and why."""
    because = (
        "not exact, for streamed answers only: set by T5GEMMA_INT8_LAYERS"
        if possible
        else "T5GEMMA_INT8_LAYERS is for T5Gemma in float32 on a CPU"
    )
    reason = Reason("layers", "int8" if possible else "full", because)
    return replace(placement, int8_layers=possible, reasons=(*placement.reasons, reason))


def _model_class(checkpoint: Checkpoint) -> Any:
    classes = {
        "none": transformers.AutoModelForSeq2SeqLM,
        "sequence": transformers.AutoModelForSequenceClassification,
        "token": transformers.AutoModelForTokenClassification,
        "encoder": transformers.AutoModelForTextEncoding,
    }
    return classes[checkpoint.head]


def spare_decoder(model: Any) -> None:
    """Let the decoder of a model on FlashAttention compute with the softcap-exact implementation.

    Its steps have one query, where FlashAttention gains nothing; rows in slots stand at different positions; and padded
    batches in one pass come out wrong in FlashAttention's cross-attention (transformers issue 35032).
    """
    for part in model.get_decoder().modules():
        if hasattr(part, "config"):
            part.config._attn_implementation_internal = IMPLEMENTATION


def _refuse_missing(checkpoint: Checkpoint, report: Any) -> None:
    mismatched = sorted(key if isinstance(key, str) else str(key[0]) for key in report.get("mismatched_keys", ()))
    if mismatched:
        raise BrokenCheckpointError(
            f"The weights of {checkpoint.name} do not fit its config.json: {mismatched[0]} has another shape.",
            expected="Weights of the sizes that config.json names.",
            remedy="Download or save the checkpoint again.",
        )
    missing = sorted(report["missing_keys"])
    if checkpoint.random_head:  # known before, from the headers of its files; whoever uses it insisted
        missing = [name for name in missing if not name.startswith(HEAD_WEIGHTS)]
    if missing:
        raise BrokenCheckpointError(
            f"{checkpoint.name} lacks {len(missing)} of its weights, {missing[0]} among them.",
            expected="Every weight of config.json in the safetensors files; a random one is never filled in.",
            remedy="Download or save the checkpoint again.",
        )


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
