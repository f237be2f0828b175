"""What a model's answer to a batch costs, and what it answers: one function a kind of learning.

Heads are applied to the positions that are read, never to padding, so that no table of all words is built for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from t5gemma_app.training.dropout import seed_dropout
from t5gemma_app.training.examples import Batch, Kind
from t5gemma_app.training.objectives.distillation import distillation_loss, teacher_logits
from t5gemma_app.training.objectives.pairs import Pair
from t5gemma_app.training.parallel import IGNORED


@dataclass(frozen=True, slots=True)
class Teaching:
    """A decoder-only teacher and how much its probabilities count beside the targets."""

    teacher: Any
    share: float = 1.0
    temperature: float = 1.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model says of a batch."""

    loss: float
    """Summed over the targets."""
    targets: int
    right: int
    predicted: tuple[tuple[int, ...], ...]
    """A label a row, or a label for each labelled token; empty for texts."""


def loss_function(
    kind: Kind, smoothing: float = 0.0, teaching: Teaching | None = None
) -> Callable[[Any, Batch], Tensor]:
    """Return the function that gives a batch's summed loss."""

    def loss_of(model: Any, batch: Batch) -> Tensor:
        seed_dropout(model, batch.seed)
        logits, targets = read_logits(model, kind, batch)
        loss = cross_entropy(logits.float(), targets, reduction="sum", label_smoothing=smoothing)
        if teaching is None:
            return loss
        taught = teacher_logits(teaching.teacher, _pairs(batch), batch.inputs.device)
        learnt = distillation_loss(logits, taught, teaching.temperature)
        return (1 - teaching.share) * loss + teaching.share * learnt

    return loss_of


def read_logits(model: Any, kind: Kind, batch: Batch) -> tuple[Tensor, Tensor]:
    """Return logits [targets, classes or words] and the targets, row after row."""
    if kind == "sequence":
        hidden = model.model(input_ids=batch.inputs, attention_mask=batch.mask).last_hidden_state
        rows = torch.arange(len(hidden), device=hidden.device)
        return model.score(hidden[rows, batch.mask.sum(1) - 1]), batch.targets
    real = batch.targets != IGNORED
    if kind == "token":
        hidden = model.model(input_ids=batch.inputs, attention_mask=batch.mask).last_hidden_state
        return model.score(hidden[real]), batch.targets[real]
    if kind == "causal":
        hidden = model.model(input_ids=batch.inputs, attention_mask=batch.mask, use_cache=False).last_hidden_state
        cap = model.config.final_logit_softcapping
    else:
        hidden = model.model(
            input_ids=batch.inputs,
            attention_mask=batch.mask,
            decoder_input_ids=_shifted(model, batch.targets),
            decoder_attention_mask=real.long(),
            use_cache=False,
        ).last_hidden_state
        cap = model.config.decoder.final_logit_softcapping
    logits = model.lm_head(hidden[real])
    return (logits if cap is None else torch.tanh(logits / cap) * cap), batch.targets[real]


@torch.inference_mode()
def answer(model: Any, kind: Kind, batch: Batch) -> Answer:
    """Return what a model in evaluation mode says of a batch."""
    logits, targets = read_logits(model, kind, batch)
    predicted = logits.argmax(-1)
    rows: tuple[tuple[int, ...], ...] = ()
    if kind == "sequence":
        rows = tuple((label,) for label in predicted.tolist())
    elif kind == "token":
        counts = (batch.targets != IGNORED).sum(1).tolist()
        rows = tuple(tuple(part.tolist()) for part in predicted.split(counts))
    return Answer(
        loss=float(cross_entropy(logits.float(), targets, reduction="sum")),
        targets=len(targets),
        right=int((predicted == targets).sum()),
        predicted=rows,
    )


def _shifted(model: Any, targets: Tensor) -> Tensor:
    """Return what the decoder reads: its start id, and each target but the last."""
    config = model.config.decoder
    starts = torch.full_like(targets[:, :1], config.bos_token_id)
    shifted = torch.cat([starts, targets[:, :-1]], dim=1)
    return shifted.masked_fill(shifted == IGNORED, config.pad_token_id)


def _pairs(batch: Batch) -> list[Pair]:
    return [
        Pair(tuple(row[mask.bool()].tolist()), tuple(target[target != IGNORED].tolist()))
        for row, mask, target in zip(batch.inputs, batch.mask, batch.targets, strict=True)
    ]
