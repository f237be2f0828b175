"""The training loop: batches in, weights out, resumable at any step.

Knows optimisation; refuses to know skills and files of checkpoints.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.optim import AdamW, Optimizer
from transformers import PreTrainedTokenizerBase, T5GemmaForConditionalGeneration

from t5gemma_app.training.demo.batches import IGNORED, Batch, cut_batches
from t5gemma_app.training.demo.mixture import Mixture
from t5gemma_app.training.demo.state import Position, load_state, save_state
from t5gemma_app.training.muon import Muon
from t5gemma_app.training.parallel import Replicas


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that decides the weights, besides the data."""

    seed: int = 7
    minutes: float | None = 60.0
    """Length of the run in training time; used when `steps` is not given."""
    steps: int | None = None
    batch_rows: int = 64
    batches_per_chunk: int = 48
    matrix_rate: float = 0.003
    other_rate: float = 0.004
    warmup: float = 0.02
    """Share of a cycle over which the learning rate rises."""
    first: float = 0.7
    """Share of the run that is the first cycle; the second one drills what copying and arithmetic still lack."""
    again: float = 0.5
    """Share of the full learning rate at which the second cycle begins."""
    weight_decay: float = 0.02
    save_seconds: float = 90.0
    replicas: int = 2
    """Threads that share a step; part of the plan, because the order of a sum decides its last bits."""

    def progress(self, position: Position) -> float:
        """Return how much of the run is done, from 0 to 1."""
        if self.steps is not None:
            return position.step / self.steps
        return position.seconds / (60.0 * (self.minutes or 1.0))

    def rate(self, progress: float) -> float:
        """Return the share of the full learning rate: twice up, flat, then down along a cosine to zero."""
        if progress < self.first:
            return self._cycle(progress / self.first, flat=0.3)
        return self.again * self._cycle((progress - self.first) / (1 - self.first), flat=0.2)

    def _cycle(self, progress: float, flat: float) -> float:
        if progress < self.warmup:
            return (progress + 0.001) / (self.warmup + 0.001)
        fall = min(1.0, max(0.0, (progress - flat) / (1 - flat)))
        return 0.5 * (1 + math.cos(math.pi * fall))


@dataclass(frozen=True, slots=True)
class Report:
    """What the loop says now and then."""

    step: int
    progress: float
    loss: float
    rows_per_second: float


def loss_of(model: T5GemmaForConditionalGeneration, batch: Batch) -> Tensor:
    """Return the summed loss over real target positions; the head never sees padding."""
    hidden = model.model(
        input_ids=batch.prompts,
        attention_mask=batch.prompt_mask,
        decoder_input_ids=batch.decoder_input,
        decoder_attention_mask=(batch.targets != IGNORED).long(),
        use_cache=False,
    ).last_hidden_state
    real = batch.targets != IGNORED
    logits = model.lm_head(hidden[real])
    cap = model.config.decoder.final_logit_softcapping
    return cross_entropy(torch.tanh(logits / cap) * cap, batch.targets[real], reduction="sum")


def build_optimizers(model: T5GemmaForConditionalGeneration, plan: Plan) -> tuple[Optimizer, ...]:
    """Return two Muons, each for half of the matrices inside the layers, and AdamW for embeddings and norms."""
    matrices: list[Tensor] = []
    others: list[Tensor] = []
    for name, parameter in model.named_parameters():
        (matrices if parameter.ndim == 2 and "embed" not in name else others).append(parameter)
    return (
        Muon(matrices[::2], lr=plan.matrix_rate, weight_decay=plan.weight_decay),
        Muon(matrices[1::2], lr=plan.matrix_rate, weight_decay=plan.weight_decay),
        AdamW(others, lr=plan.other_rate, betas=(0.9, 0.98), weight_decay=0.0),
    )


def train(
    model: T5GemmaForConditionalGeneration,
    tokenizer: PreTrainedTokenizerBase,
    mixture: Mixture,
    plan: Plan,
    *,
    state_folder: Path | None,
    report: Callable[[Report], None] = lambda _: None,
    stop_after: int | None = None,
) -> Position:
    """Train until the plan is fulfilled, going on from a saved state where there is one; return where it stopped.

    `stop_after` ends the call early, after that many steps in total, with the state saved.
    """
    optimizers = build_optimizers(model, plan)
    position = Position()
    saved = load_state(state_folder) if state_folder else None
    if saved:
        position, parts = saved
        model.load_state_dict(parts["model"])
        for optimizer, part in zip(optimizers, parts["optimizers"], strict=True):
            optimizer.load_state_dict(part)
    model.train()
    full_rates = (plan.matrix_rate, plan.matrix_rate, plan.other_rate)

    def save() -> None:
        if state_folder:
            parts = {"model": model.state_dict(), "optimizers": [optimizer.state_dict() for optimizer in optimizers]}
            save_state(state_folder, position, parts)

    batches: list[Batch] = []
    losses: list[float] = []
    clock = since_save = since_report = time.monotonic()
    with Replicas(model, plan.replicas, loss_of) as replicas:
        while plan.progress(position) < 1 and (stop_after is None or position.step < stop_after):
            if not batches:
                rows = mixture.chunk(position.chunk, plan.batch_rows * plan.batches_per_chunk)
                batches = cut_batches(tokenizer, rows, plan.batch_rows, _order(plan, position))
            share = plan.rate(plan.progress(position))
            for optimizer, full in zip(optimizers, full_rates, strict=True):
                optimizer.param_groups[0]["lr"] = full * share
            losses.append(_step(model, replicas, batches[position.batch], optimizers))
            now = time.monotonic()
            position = position.moved(
                step=position.step + 1, batch=position.batch + 1, seconds=position.seconds + now - clock
            )
            clock = now
            if position.batch == len(batches):
                position, batches = position.moved(chunk=position.chunk + 1, batch=0), []
            if now - since_report > 15:
                speed = len(losses) * plan.batch_rows / (now - since_report)
                report(Report(position.step, plan.progress(position), sum(losses) / len(losses), speed))
                losses, since_report = [], now
            if now - since_save > plan.save_seconds:
                save()
                since_save = time.monotonic()
    save()
    return position


def _order(plan: Plan, position: Position) -> Random:
    return Random(f"{plan.seed}:order:{position.chunk}")  # noqa: S311  (an order that can be made again, no secret)


def _step(
    model: T5GemmaForConditionalGeneration, replicas: Replicas, batch: Batch, optimizers: tuple[Optimizer, ...]
) -> float:
    loss = replicas.accumulate(batch)
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    replicas.step(optimizers)
    return loss
