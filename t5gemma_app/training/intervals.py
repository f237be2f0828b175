"""Wilson's interval of a share, for figures that a training run states on its card."""

from __future__ import annotations

import math

_Z = 1.959964
"""Two-sided 95 %."""


def wilson(successes: int, n: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of `successes` out of `n`, which is at least 1."""
    share = successes / n
    middle = (share + _Z * _Z / (2 * n)) / (1 + _Z * _Z / n)
    half = _Z * math.sqrt(share * (1 - share) / n + _Z * _Z / (4 * n**2)) / (1 + _Z * _Z / n)
    return max(0.0, middle - half), min(1.0, middle + half)
