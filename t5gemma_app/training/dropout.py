"""Dropout that a batch's seed decides, whichever thread computes it and whatever was computed before."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


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
        kept = torch.empty_like(values).bernoulli_(1 - self.share, generator=self.noise.generator)
        return values * kept / (1 - self.share)


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
