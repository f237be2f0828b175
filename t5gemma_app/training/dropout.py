"""Dropout that a batch's seed decides, whichever thread computes it and whatever was computed before."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

_LEVELS = 1 << 16
"""How finely a share can be told."""


class Noise:
    """One model's random numbers; a copy of the model gets its own."""

    def __init__(self) -> None:
        self.generator = torch.Generator()

    def __deepcopy__(self, memo: dict[int, Any]) -> Noise:
        memo[id(self)] = copied = Noise()
        return copied


class SeededDropout(nn.Module):
    """nn.Dropout on its model's own random numbers; torch's are shared by all threads."""

    def __init__(self, share: float, noise: Noise) -> None:
        super().__init__()
        self.share = share
        self.noise = noise

    def forward(self, values: Tensor) -> Tensor:
        """Drop a share of the values while training."""
        if not self.training or not self.share:
            return values
        # Four draws of 16 bits come with each number: three times as fast as one number a value.
        count = values.numel()
        drawn = torch.empty(-(-count // 4), dtype=torch.int64).random_(-(2**63), None, generator=self.noise.generator)
        dropped = round(self.share * _LEVELS)
        kept = drawn.view(torch.int16)[:count].view_as(values) >= dropped - _LEVELS // 2
        return values * (kept * (_LEVELS / (_LEVELS - dropped))).to(values.dtype)


def own_noise(model: nn.Module) -> None:
    """Give a model on the CPU random numbers of its own for every dropout."""
    noise = Noise()
    for module in list(model.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.Dropout):
                setattr(module, name, SeededDropout(child.p, noise))


def seed_dropout(model: nn.Module, seed: int) -> None:
    """Let the next pass through a model draw its dropout from a seed."""
    seed %= 2**63
    noise = next((module.noise for module in model.modules() if isinstance(module, SeededDropout)), None)
    if noise is not None:
        noise.generator.manual_seed(seed)
    else:
        torch.manual_seed(seed)
