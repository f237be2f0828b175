"""Weights of several products of the same rows as one weight: one product reads them faster than each of its own."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn


@torch.no_grad()
def joined(*projections: nn.Linear) -> Tensor:
    """Return the weights below each other, [out of all, in].

    The projections' own weights become parts of it, with the same values, so that they are in memory once; joined a
    second time they are taken as they stand.
    """
    weights = [projection.weight.detach() for projection in projections]
    if _stand_together(weights):
        width = weights[0].shape[1]
        return weights[0].as_strided((sum(map(len, weights)), width), (width, 1))
    whole = torch.cat(weights)
    for projection, part in zip(projections, whole.split(list(map(len, weights))), strict=True):
        projection.weight.data = part
    return whole


def _stand_together(weights: Sequence[Tensor]) -> bool:
    """Return whether each weight follows the one before in the same storage."""
    return all(
        one.is_contiguous()
        and other.is_contiguous()
        and one.untyped_storage().data_ptr() == other.untyped_storage().data_ptr()
        and one.data_ptr() + one.nbytes == other.data_ptr()
        for one, other in pairwise(weights)
    )
