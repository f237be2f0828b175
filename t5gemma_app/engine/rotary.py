"""Rotary angles in the form in which a head is turned by two products: itself, and itself with its halves swapped."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def rotation(stack: Any, states: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
    """Return cosines and signed sines of a stack's rotary angles, [rows, 1, width of a head].

    Args:
        stack: An encoder or decoder of T5Gemma.
        states: Tell the number format.
        positions: Where each row stands, [rows].
    """
    cos, sin = stack.rotary_emb(states, positions[None])
    half = cos.shape[-1] // 2
    # Swapping the halves makes (left, right) of (right, left), so the left ones are minus.
    signed = torch.cat((-sin[..., :half], sin[..., half:]), dim=-1)
    return cos[0, :, None], signed[0, :, None]


def rotated(heads: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
    """Return heads, [rows, heads, width], turned by their rows' angles, as `rotation` gives them."""
    cos, sin = turn
    return (heads * cos).addcmul_(heads.roll(heads.shape[-1] // 2, dims=-1), sin)
