"""Muon, for the weight matrices: momentum whose singular values are all set to about one.

Same-shaped matrices are orthogonalised together, in bfloat16 where the device multiplies it natively.
Method: Jordan et al. 2024, with the update scaled to AdamW's usual size (Liu et al. 2025).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_STEPS = 4
_SCALE = 0.2


def orthogonal(matrices: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """Return matrices [count, rows, columns] with their singular values pushed towards one by Newton-Schulz steps.

    Args:
        matrices: What is changed.
        dtype: What the steps are computed in.
    """
    first, second, third = _COEFFICIENTS
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.transpose(1, 2) if tall else matrices
    x = (x / x.norm(dim=(1, 2), keepdim=True).clamp_min(1e-7)).to(dtype)
    for _ in range(_STEPS):
        gram = x @ x.transpose(1, 2)
        x = first * x + (second * gram + third * gram @ gram) @ x
    return (x.transpose(1, 2) if tall else x).to(matrices.dtype)


class Muon(Optimizer):
    """Orthogonalised Nesterov momentum with decoupled weight decay.

    Args:
        params: Matrices.
        lr: Learning rate.
        momentum: Share of the old momentum that a step keeps.
        weight_decay: Share of the weights that is taken off, times the learning rate.
        dtype: What matrices are orthogonalised in.
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})
        self._dtype = dtype

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Take one step; there is no closure."""
        for group in self.param_groups:
            by_shape: dict[torch.Size, list[Tensor]] = {}
            for parameter in group["params"]:
                if parameter.grad is not None:
                    by_shape.setdefault(parameter.shape, []).append(parameter)
            for shape, parameters in by_shape.items():
                updates = orthogonal(
                    torch.stack([self._momentum(parameter, group["momentum"]) for parameter in parameters]),
                    self._dtype,
                )
                scale = group["lr"] * _SCALE * max(shape) ** 0.5
                for parameter, update in zip(parameters, updates, strict=True):
                    parameter.mul_(1 - group["lr"] * group["weight_decay"]).add_(update, alpha=-scale)

    def _momentum(self, parameter: Tensor, momentum: float) -> Tensor:
        assert parameter.grad is not None
        state = self.state[parameter]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(parameter)
        state["momentum"].lerp_(parameter.grad, 1 - momentum)
        return parameter.grad.lerp(state["momentum"], momentum)
