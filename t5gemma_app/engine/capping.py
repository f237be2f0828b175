"""Exponentials of softly capped scores, in three passes over them: scores that a softmax or a sum is taken of."""

from __future__ import annotations

from math import e, log2

from torch import Tensor, add


def capped_exponentials(doubled: Tensor, cap: float, off: float = 0.0) -> Tensor:
    """Return exp(cap · tanh(x) - off) in the place of 2 x.

    A capped score is at most the cap, so no pass for the largest one is needed to keep the exponentials within range.
    cap · tanh(x) = 2 cap · sigmoid(2 x) - cap, and torch's sigmoid takes a sixth of its tanh's time. Its exp2
    takes a third of its exp's, which is MKL's.

    Args:
        doubled: Twice the scores over the cap; they are overwritten.
        cap: What the scores are capped by.
        off: What is taken off every score.
    """
    twos = log2(e)
    lowest = doubled.new_tensor(-(cap + off) * twos)
    return add(lowest, doubled.sigmoid_(), alpha=2 * cap * twos, out=doubled).exp2_()
