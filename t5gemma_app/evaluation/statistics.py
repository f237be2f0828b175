"""Intervals, exact tests and ranks: arithmetic on counts, without resampling and without knowing of runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import NormalDist
from typing import NamedTuple, TypeVar

LEVEL = 0.95
"""Coverage of every interval."""
ALPHA = 0.05
"""Chance of calling two equal runs different, over all comparisons of a table."""

T = TypeVar("T")


class Interval(NamedTuple):
    """A range that covers the true value with the level's probability."""

    low: float
    high: float


def wilson(successes: float, n: int, level: float = LEVEL) -> Interval | None:
    """Return Wilson's interval of a share, or None where nothing was counted.

    Unlike the textbook's p ± z·s it stays within [0, 1] and keeps a width at 0 and at n successes.

    Args:
        successes: How many of n; may be fractional where an example has several right answers.
        n: Independent examples.
        level: Coverage.
    """
    if n <= 0:
        return None
    z = _two_sided(level)
    share = successes / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(max(0.0, share * (1 - share) / n + z * z / (4 * n * n)))
    low = 0.0 if successes <= 0 else max(0.0, centre - half)
    high = 1.0 if successes >= n else min(1.0, centre + half)
    return Interval(min(low, share), max(high, share))


def mcnemar(only_first: int, only_second: int) -> float:
    """Return the exact two-sided p of McNemar's test, computed in whole numbers.

    Args:
        only_first: Examples that only the first run got right.
        only_second: Examples that only the second run got right.
    """
    n = only_first + only_second
    below, term = 0, 1
    for k in range(min(only_first, only_second) + 1):
        below += term
        term = term * (n - k) // (k + 1)
    return min(1.0, 2 * below / 2**n)


def normal_p(difference: float, deviation: float, independent: int) -> float:
    """Return the two-sided p of a difference with a known standard deviation.

    It is never below what flipping the signs of `independent` units could reach, so that three examples can't be
    "significant" however large the difference.

    Args:
        difference: What was observed.
        deviation: Its standard deviation, from resampling.
        independent: Units that were resampled.
    """
    if difference == 0 or independent < 1:
        return 1.0
    p = math.erfc(abs(difference) / deviation / math.sqrt(2)) if deviation > 0 else 0.0
    return min(1.0, max(p, 2.0 ** max(-1000, 1 - independent)))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number by Holm's step-down method, in the order given."""
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for place, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        highest = max(highest, min(1.0, (len(p_values) - place) * p_values[index]))
        adjusted[index] = highest
    return adjusted


def ranks_with_ties(ordered: Sequence[T], differ: Callable[[T, T], bool]) -> list[int]:
    """Return the rank of each item, best first; equal ranks mean that no test tells an item from its group's best.

    Args:
        ordered: Items, best first.
        differ: Whether a group's best and a later item differ significantly.
    """
    ranks: list[int] = []
    for place, item in enumerate(ordered):
        leader = ranks[-1] - 1 if ranks else place
        ranks.append(place + 1 if not ranks or differ(ordered[leader], item) else ranks[-1])
    return ranks


def minimum_detectable_effect(n: int, discordance: float, power: float = 0.8, alpha: float = ALPHA) -> float | None:
    """Return the smallest difference of two accuracies that n paired examples would show, or None without examples.

    Args:
        n: Examples that both runs answered.
        discordance: Share of them that exactly one run got right.
        power: Chance of noticing a difference of this size.
        alpha: Chance of a false alarm.
    """
    if n <= 0:
        return None
    k = NormalDist().inv_cdf(1 - alpha / 2) + NormalDist().inv_cdf(power)
    # The variance of a paired difference d is (discordance - d²) / n; solved for d = k · deviation.
    return min(1.0, math.sqrt(k * k * discordance / (n + k * k)))


def _two_sided(level: float) -> float:
    return NormalDist().inv_cdf(0.5 + level / 2)
