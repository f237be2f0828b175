import itertools
import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t5gemma_app.evaluation.statistics import (
    holm,
    mcnemar,
    minimum_detectable_effect,
    normal_p,
    ranks_with_ties,
    wilson,
)

COUNTS = st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        # Worked by hand from Wilson's formula with z = 1.959964.
        (8, 10, 0.4901625, 0.9433178),
        (0, 10, 0.0, 0.2775328),
        (10, 10, 0.7224672, 1.0),
        (50, 100, 0.4038315, 0.5961685),
        (1, 1, 0.2065493, 1.0),
    ],
)
def test_wilson_equals_values_worked_by_hand(successes, n, low, high) -> None:
    assert wilson(successes, n) == pytest.approx((low, high), abs=1e-6)


@given(COUNTS)
def test_wilson_holds_exactly_the_shares_that_a_score_test_would_not_refuse(counts) -> None:
    successes, n = counts
    interval = wilson(successes, n)
    for bound in interval:
        if 0 < bound < 1:
            z = (successes / n - bound) / math.sqrt(bound * (1 - bound) / n)
            assert abs(z) == pytest.approx(1.959964, abs=1e-4)
    assert 0 <= interval.low <= successes / n <= interval.high <= 1


@given(COUNTS)
def test_wilson_is_the_same_seen_from_the_errors(counts) -> None:
    successes, n = counts
    right, wrong = wilson(successes, n), wilson(n - successes, n)
    assert (right.low, right.high) == pytest.approx((1 - wrong.high, 1 - wrong.low), abs=1e-12)


def test_nothing_counted_has_no_interval() -> None:
    assert wilson(0, 0) is None
    assert minimum_detectable_effect(0, 0.2) is None


def test_mcnemar_equals_counting_all_coin_tosses() -> None:
    for first, second in itertools.product(range(7), repeat=2):
        n = first + second
        extreme = sum(
            1 for toss in itertools.product((0, 1), repeat=n) if min(sum(toss), n - sum(toss)) <= min(first, second)
        )
        assert mcnemar(first, second) == pytest.approx(float(Fraction(extreme, 2**n)))


@given(st.integers(0, 4000), st.integers(0, 4000))
def test_mcnemar_is_a_probability_and_symmetric(first, second) -> None:
    assert 0 <= mcnemar(first, second) == mcnemar(second, first) <= 1
    assert mcnemar(first + second, 0) <= mcnemar(first, second)


def test_holm_equals_the_textbook() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_only_raises_keeps_the_order_and_stays_under_bonferroni(p_values) -> None:
    adjusted = holm(p_values)
    for p, a in zip(p_values, adjusted, strict=True):
        assert p <= a <= min(1.0, p * len(p_values)) or a == max(adjusted)
    by_raw = [a for _, a in sorted(zip(p_values, adjusted, strict=True))]
    assert by_raw == sorted(by_raw)


@given(st.lists(st.integers(0, 20), max_size=12).map(lambda scores: sorted(scores, reverse=True)))
def test_ranks_put_a_new_group_where_the_leader_is_beaten(scores) -> None:
    ranks = ranks_with_ties(scores, lambda a, b: a - b > 2)
    for place, rank in enumerate(ranks):
        assert rank <= place + 1
        leader = scores[rank - 1]
        assert leader - scores[place] <= 2
        assert rank == 1 or scores[ranks[rank - 2] - 1] - leader > 2  # the group before could not take it


def test_ties_share_a_rank_and_the_next_group_counts_them() -> None:
    assert ranks_with_ties([9, 8, 8, 3, 1], lambda a, b: a - b > 2) == [1, 1, 1, 4, 4]


def test_a_difference_of_few_units_is_never_significant() -> None:
    assert normal_p(1.0, 0.0, 3) == 0.25
    assert normal_p(0.5, 0.001, 1) == 1.0
    assert normal_p(0.0, 0.0, 100) == 1.0
    assert normal_p(1.959964, 1.0, 10_000) == pytest.approx(0.05, abs=1e-6)


def test_the_detectable_effect_is_found_with_the_stated_power() -> None:
    n, discordance = 400, 0.2
    effect = minimum_detectable_effect(n, discordance)
    deviation = math.sqrt((discordance - effect**2) / n)
    power = 0.5 * math.erfc((1.959964 - effect / deviation) / math.sqrt(2))
    assert power == pytest.approx(0.8, abs=1e-4)


@given(st.integers(1, 5000), st.floats(0.01, 1))
def test_more_examples_show_smaller_effects(n, discordance) -> None:
    assert minimum_detectable_effect(2 * n, discordance) < minimum_detectable_effect(n, discordance) <= 1
