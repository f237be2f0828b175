import itertools
import random
import statistics as stdlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from t5gemma_app.evaluation.resampling import (
    SEED,
    average,
    distribution,
    mean_distribution,
    paired_difference,
    pairwise_p,
    percentile_interval,
)
from t5gemma_app.evaluation.statistics import mcnemar, wilson

ROWS = st.lists(st.tuples(st.sampled_from("abcde"), st.floats(0, 1, width=16)), min_size=1, max_size=20)


def one_by_one(values: list[float], clusters: list[str], resamples: int) -> list[float]:
    """Resample in the slow way: draw clusters by their sorted names and average what they hold."""
    names = sorted(set(clusters))
    generator = np.random.Generator(np.random.PCG64([SEED, len(names)]))
    means = []
    for _ in range(resamples):
        drawn = [names[place] for place in generator.integers(0, len(names), len(names))]
        held = [value for name in drawn for value, cluster in zip(values, clusters, strict=True) if cluster == name]
        means.append(stdlib.fmean(held))
    return means


@given(ROWS, st.randoms(use_true_random=False))
@settings(max_examples=30, deadline=None)
def test_resampling_equals_drawing_clusters_one_by_one_in_any_order_of_rows(rows, random) -> None:
    expected = one_by_one([value for _, value in rows], [cluster for cluster, _ in rows], 40)
    random.shuffle(rows)
    found = mean_distribution([value for _, value in rows], [cluster for cluster, _ in rows], resamples=40)
    assert found == pytest.approx(expected)


def test_a_draw_without_anything_counted_says_nothing() -> None:
    counts = np.array([[1.0, 2.0], [0.0, 0.0], [0.0, 0.0]])
    found = distribution(counts, lambda sums: sums[..., 0] / np.where(sums[..., 1] > 0, sums[..., 1], np.nan))
    assert set(found) == {0.5}
    assert distribution(np.zeros((0, 2)), lambda sums: sums[..., 0]) == ()


def test_the_spread_equals_that_of_all_possible_resamples() -> None:
    clusters = ["a", "a", "b", "c", "c", "c"]
    values = [1.0, 0.0, 1.0, 0.0, 0.0, 1.0]
    members = {name: [v for c, v in zip(clusters, values, strict=True) if c == name] for name in "abc"}
    every = [
        stdlib.fmean(itertools.chain.from_iterable(members[name] for name in drawn))
        for drawn in itertools.product("abc", repeat=3)
    ]
    drawn = mean_distribution(values, clusters, resamples=4000)
    assert stdlib.fmean(drawn) == pytest.approx(stdlib.fmean(every), abs=0.01)
    assert stdlib.pstdev(drawn) == pytest.approx(stdlib.pstdev(every), abs=0.01)
    assert {round(v, 9) for v in drawn} <= {round(v, 9) for v in every}


def test_clusters_widen_the_interval() -> None:
    values = [float(i // 10 % 2) for i in range(200)]
    alone = percentile_interval(mean_distribution(values, [str(i) for i in range(200)]))
    together = percentile_interval(mean_distribution(values, [str(i // 10) for i in range(200)]))
    assert together.high - together.low > 2 * (alone.high - alone.low)


def test_a_large_sample_agrees_with_wilson() -> None:
    values = [float(i % 4 > 0) for i in range(1000)]
    drawn = percentile_interval(mean_distribution(values, [str(i) for i in range(1000)]))
    assert drawn == pytest.approx(wilson(750, 1000), abs=0.004)


def test_a_seed_fixes_the_draws() -> None:
    values, clusters = [0.0, 1.0, 1.0], ["a", "b", "c"]
    assert mean_distribution(values, clusters) == mean_distribution(values, clusters)
    assert mean_distribution(values, clusters) != mean_distribution(values, clusters, seed=1)


def differ(first: list[float], second: list[float], clusters: list[str]):
    draws = [mean_distribution(values, clusters) for values in (first, second)]
    return paired_difference(stdlib.fmean(first), stdlib.fmean(second), *draws, len(set(clusters)))


@pytest.mark.parametrize(("only_first", "only_second"), [(20, 5), (12, 10), (30, 10), (0, 12), (40, 41)])
def test_the_paired_test_is_near_the_exact_one(only_first, only_second) -> None:
    first = [1.0] * only_first + [0.0] * only_second + [1.0] * 100
    second = [0.0] * only_first + [1.0] * only_second + [1.0] * 100
    found = differ(first, second, [str(i) for i in range(len(first))])
    exact = mcnemar(only_first, only_second)
    assert found.low <= found.value <= found.high
    assert (found.p < 0.05) is (exact < 0.05)
    assert found.p == pytest.approx(exact, abs=0.21)  # the exact test is the more careful one


def test_equal_runs_do_not_differ_and_opposite_ones_do() -> None:
    values = [float(i % 2) for i in range(60)]
    clusters = [str(i) for i in range(60)]
    assert differ(values, values, clusters) == (0.0, 0.0, 0.0, 1.0)
    assert differ([1.0] * 60, [0.0] * 60, clusters).p < 1e-10
    assert differ([1.0] * 3, [0.0] * 3, clusters[:3]).p == 0.25


def test_what_looks_different_without_clusters_may_be_one_passage() -> None:
    first = [1.0] * 12 + [float(i % 2) for i in range(48)]
    second = [0.0] * 12 + [float(i % 2) for i in range(48)]
    assert differ(first, second, [str(i) for i in range(60)]).p < 0.01
    assert differ(first, second, ["one"] * 12 + [str(i) for i in range(48)]).p > 0.05


def test_all_pairs_at_once_equal_each_pair_alone() -> None:
    chance = random.Random(5)
    runs = [[float(chance.random() < 0.5 + i / 20) for _ in range(80)] for i in range(5)]
    runs.append(runs[0])
    clusters = [str(i // 2) for i in range(80)]
    means, draws = [stdlib.fmean(run) for run in runs], [mean_distribution(run, clusters) for run in runs]
    alone = [
        paired_difference(means[i], means[j], draws[i], draws[j], 40).p for i, j in itertools.combinations(range(6), 2)
    ]
    assert pairwise_p(means, draws, 40) == pytest.approx(alone)
    assert min(alone) < 0.05
    assert alone[4] == 1.0
    assert pairwise_p(means[:1], draws[:1], 40) == []


def test_a_missing_part_leaves_the_average_empty() -> None:
    assert average([[0.0, 1.0], [1.0, 1.0]]) == (0.5, 1.0)
    assert average([[0.0, 1.0], []]) == ()
    assert average([]) == ()
    assert mean_distribution([], []) == ()
    assert percentile_interval([]) is None
