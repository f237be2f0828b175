"""The optimisers of a run: AdamW for everything, or Muon for matrices inside layers and AdamW for the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.optim import AdamW, Optimizer

from t5gemma_app.training.muon import Muon
from t5gemma_app.training.plan import Plan

BETAS = (0.9, 0.98)
_NO_MATRIX = ("embed", "score", "lm_head", "lora_")
"""Parts of names whose weights AdamW takes: a table's rows, a head's classes and low-rank changes are no directions."""


def build_optimizers(
    model: nn.Module, plan: Plan, pieces: int = 1, dtype: torch.dtype = torch.float32
) -> tuple[Optimizer, ...]:
    """Return optimisers that together hold every weight to be trained, each weight once.

    Args:
        model: Its weights that require a gradient are taken.
        plan: Learning rates and weight decay.
        pieces: Into how many optimisers each kind is split, so that threads can step them at the same time.
        dtype: What is multiplied in; weights and what is kept of each stay in their own.
    """
    matrices: list[nn.Parameter] = []
    decayed: list[nn.Parameter] = []
    plain: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        inside = parameter.ndim == 2 and not any(part in name for part in _NO_MATRIX)
        if inside and plan.optimiser == "muon":
            matrices.append(parameter)
        elif parameter.ndim == 2 and "embed" not in name:
            decayed.append(parameter)
        else:
            plain.append(parameter)
    optimizers: list[Optimizer] = []
    for piece in range(pieces):
        if matrices[piece::pieces]:
            own = matrices[piece::pieces]
            optimizers.append(Muon(own, lr=plan.matrix_rate, weight_decay=plan.weight_decay, dtype=dtype))
        groups = [
            {"params": decayed[piece::pieces], "weight_decay": plan.weight_decay},
            {"params": plain[piece::pieces], "weight_decay": 0.0},
        ]
        groups = [group for group in groups if group["params"]]
        if groups:
            optimizers.append(AdamW(groups, lr=plan.rate, betas=BETAS))
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["full_rate"] = group["lr"]
    return tuple(optimizers)


def set_rates(optimizers: Sequence[Optimizer], share: float) -> None:
    """Set every learning rate to a share of its full value."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = group["full_rate"] * share


def kept_states(model: nn.Module, optimizers: Sequence[Optimizer]) -> dict[str, Any]:
    """Return what optimisers keep of each weight by the weight's name, however they divide the weights."""
    return {
        name: optimizer.state[parameter]
        for optimizer in optimizers
        for name, parameter in _held(model, optimizer)
        if parameter in optimizer.state
    }


def restore_states(model: nn.Module, optimizers: Sequence[Optimizer], states: Mapping[str, Any]) -> None:
    """Give optimisers back what `kept_states` said, on the devices that their weights are on now."""
    for optimizer in optimizers:
        names = (name for name, _ in _held(model, optimizer))
        own = {index: states[name] for index, name in enumerate(names) if name in states}
        optimizer.load_state_dict({**optimizer.state_dict(), "state": own})


def _held(model: nn.Module, optimizer: Optimizer) -> Iterator[tuple[str, nn.Parameter]]:
    """Yield an optimiser's weights with their names, in the order that its states are counted in."""
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            yield names[id(parameter)], parameter
