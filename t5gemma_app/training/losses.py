"""What a model's answer to a batch costs, and what it answers: one function a kind of learning.

Heads are applied to the positions that are read, never to padding, so that no table of all words is built for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, log_softmax

from t5gemma_app.training.dropout import seed_dropout
from t5gemma_app.training.examples import Batch, Kind
from t5gemma_app.training.objectives.distillation import distillation_loss, teacher_logits
from t5gemma_app.training.objectives.pairs import Pair
from t5gemma_app.training.parallel import IGNORED

_SECOND_PASS = 0x9E3779B9
"""Bits of a batch's seed that its second pass has the other way round; torch's CPU generators read the lowest 32."""


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
    kind: Kind, smoothing: float = 0.0, teaching: Teaching | None = None, consistency: float = 0.0
) -> Callable[[Any, Batch], Tensor]:
    """Return the function that gives a batch's summed loss.

    Args:
        kind: What is learnt.
        smoothing: Share of each label's weight that is spread over all labels.
        teaching: A teacher, and how much it counts.
        consistency: Weight of what two passes with other dropout say differently; above 0 every batch is read twice.
    """

    def loss_of(model: Any, batch: Batch) -> Tensor:
        seed_dropout(model, batch.seed)
        logits, targets = read_logits(model, kind, batch)
        loss = cross_entropy(logits.float(), targets, reduction="sum", label_smoothing=smoothing)
        if consistency:
            seed_dropout(model, batch.seed ^ _SECOND_PASS)
            again, _ = read_logits(model, kind, batch)
            second = cross_entropy(again.float(), targets, reduction="sum", label_smoothing=smoothing)
            loss = (loss + second + consistency * disagreement(logits, again)) / 2
        if teaching is None:
            return loss
        taught = teacher_logits(teaching.teacher, _pairs(batch), batch.inputs.device)
        learnt = distillation_loss(logits, taught, teaching.temperature)
        return (1 - teaching.share) * loss + teaching.share * learnt

    return loss_of


def disagreement(first: Tensor, second: Tensor) -> Tensor:
    """Return the mean of both Kullback-Leibler divergences between two passes, summed over their positions.

    What R-Drop adds to the loss (Liang et al. 2021, equation 2).

    Args:
        first: Logits, [positions, classes].
        second: Logits of the same positions.
    """
    one, other = log_softmax(first.float(), -1), log_softmax(second.float(), -1)
    # Both divergences together: (p - q)(log p - log q).
    return ((one.exp() - other.exp()) * (one - other)).sum() / 2


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
