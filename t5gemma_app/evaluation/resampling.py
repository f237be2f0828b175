"""Seeded bootstrap over clusters, drawn alike for everything that was measured on the same examples.

Two runs over the same examples see the same resampled clusters, so the difference of their distributions is the
paired bootstrap of their difference, and no pair of runs has to be resampled again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from t5gemma_app.evaluation.statistics import LEVEL, Interval, normal_p

RESAMPLES = 1000
SEED = 20_251_218


class Difference(NamedTuple):
    """How far one thing is above another, on the same examples."""

    value: float
    low: float
    high: float
    p: float
    """Two-sided; 1 where nothing differs."""


def distribution(
    counts: NDArray[np.float64],
    value: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> tuple[float, ...]:
    """Return a metric over each resample of whole clusters.

    Args:
        counts: What the metric adds up, a row a cluster; the rows' order is part of the draw, so sort clusters by name.
        value: The metric of summed counts, along the last axis.
        resamples: How often to draw.
        seed: Where the draws begin; equal numbers of clusters and seeds are drawn alike.
    """
    if not len(counts):
        return ()
    sums = np.stack([drawn @ counts for drawn in _draws(len(counts), resamples, seed)])
    values = value(sums)
    # A draw of clusters in which nothing was counted says nothing; it stands for no change.
    return tuple(np.where(np.isnan(values), value(counts.sum(axis=0)), values).tolist())


def mean_distribution(
    values: Sequence[float], clusters: Sequence[str], resamples: int = RESAMPLES, seed: int = SEED
) -> tuple[float, ...]:
    """Return the mean over each resample of whole clusters.

    Args:
        values: What is averaged, one an example.
        clusters: Which examples are drawn together.
        resamples: How often to draw.
        seed: Where the draws begin.
    """
    names = {name: place for place, name in enumerate(sorted(set(clusters)))}
    counts = np.zeros((len(names), 2))
    for value, cluster in zip(values, clusters, strict=True):
        counts[names[cluster]] += (value, 1.0)
    return distribution(counts, lambda sums: sums[..., 0] / sums[..., 1], resamples, seed)


def percentile_interval(values: Sequence[float], level: float = LEVEL) -> Interval | None:
    """Return the middle part of a distribution, or None where nothing was drawn."""
    if not len(values):
        return None
    low, high = np.quantile(np.asarray(values), [0.5 - level / 2, 0.5 + level / 2])
    return Interval(float(low), float(high))


def average(distributions: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """Return the distribution of the mean of several benchmarks, resampled apart; empty where one is missing."""
    if not distributions or any(len(values) == 0 for values in distributions):
        return ()
    return tuple(np.mean(np.asarray(distributions), axis=0).tolist())


def paired_difference(
    first: float, second: float, first_draws: Sequence[float], second_draws: Sequence[float], clusters: int
) -> Difference:
    """Return a difference with its interval and p-value from two distributions that were drawn alike.

    The p-value takes the resampled differences for normal, since counting them can't go below one in their number,
    which a correction for many comparisons would lift over any threshold.

    Args:
        first: The first run's value.
        second: The second run's value.
        first_draws: Its values over the resamples.
        second_draws: The second's over the same resamples.
        clusters: How many units were resampled.
    """
    draws = np.asarray(first_draws) - np.asarray(second_draws)
    interval = percentile_interval(draws.tolist()) or Interval(first - second, first - second)
    deviation = float(draws.std(ddof=1)) if len(draws) > 1 else 0.0
    # A difference far below what a stored value is rounded to is none.
    difference = first - second if abs(first - second) > 1e-12 else 0.0
    return Difference(difference, interval.low, interval.high, normal_p(difference, deviation, clusters))


def pairwise_p(values: Sequence[float], draws: Sequence[Sequence[float]], clusters: int) -> list[float]:
    """Return `paired_difference`'s p-value of every pair, in the order of `itertools.combinations`; much quicker.

    Args:
        values: What was measured, one a run.
        draws: Each run's values over the same resamples.
        clusters: How many units were resampled.
    """
    if len(values) < 2:
        return []
    covariance = np.cov(np.asarray(draws))
    found = []
    for i, j in combinations(range(len(values)), 2):
        variance = covariance[i, i] + covariance[j, j] - 2 * covariance[i, j]
        difference = values[i] - values[j]
        # Differences far below what a stored value is rounded to are none.
        found.append(
            normal_p(difference if abs(difference) > 1e-12 else 0.0, max(0.0, float(variance)) ** 0.5, clusters)
        )
    return found


def _draws(clusters: int, resamples: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Yield how often each cluster is drawn, resample by resample."""
    generator = np.random.Generator(np.random.PCG64([seed, clusters]))
    for _ in range(resamples):
        yield np.bincount(generator.integers(0, clusters, clusters), minlength=clusters)
