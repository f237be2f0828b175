import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t5gemma_app.ui.charts.scales import Scale, linear, logarithmic, nice_step

NUMBERS = st.integers(-(10**12), 10**12).map(lambda whole: whole / 1000)
"""Finer than what is drawn: a score has one decimal."""
POSITIVE = st.floats(1e-6, 1e15, allow_nan=False)


@given(st.lists(NUMBERS, min_size=1, max_size=20))
def test_a_linear_axis_holds_its_values_in_their_order(values: list[float]) -> None:
    scale = linear(values, 0, 100)
    places = [scale.at(value) for value in sorted(values)]
    assert places == sorted(places)
    unseen = (scale.high - scale.low) * 1e-6
    assert scale.low - unseen <= min(values) <= max(values) <= scale.high + unseen
    assert scale.at(scale.low) == 0 and scale.at(scale.high) == pytest.approx(100)


@given(st.lists(POSITIVE, min_size=1, max_size=20))
def test_a_logarithmic_axis_has_its_values_inside_and_ticks_between(values: list[float]) -> None:
    scale = logarithmic(values, 0, 100)
    places = [scale.at(value) for value in sorted(values)]
    assert places == sorted(places)
    assert 0 < places[0] <= places[-1] < 100
    assert all(scale.low * (1 - 1e-9) <= tick <= scale.high * (1 + 1e-9) for tick in scale.ticks())


@given(NUMBERS, st.floats(1e-3, 1e9))
def test_ticks_are_few_rising_and_evenly_spaced(low: float, span: float) -> None:
    ticks = linear([low, low + span], 0, 1).ticks(6)
    assert 2 <= len(ticks) <= 12
    steps = {round(b - a, 6) for a, b in pairwise(ticks)}
    assert max(steps) - min(steps) < 1e-3 * max(1.0, *map(abs, steps))


@given(st.floats(1e-9, 1e12))
def test_a_nice_step_is_1_2_or_5_times_a_power_of_ten(least: float) -> None:
    step = nice_step(least)
    assert least * (1 - 1e-6) <= step <= least * 5
    digit = step / 10 ** math.floor(math.log10(step) + 1e-9)
    assert min(abs(digit - wanted) for wanted in (1, 2, 5, 10)) < 1e-6


def test_ticks_read_as_people_write_them() -> None:
    assert linear([0.1, 0.6], 0, 1).ticks() == (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)
    assert Scale(3e8, 6e9, 0, 1, logarithmic=True).ticks(6) == (5e8, 1e9, 2e9, 5e9)


def test_nothing_and_one_value_make_an_axis_too() -> None:
    for values in ([], [0.0], [7.0], [float("nan"), 7.0], [-3.0]):
        scale = linear(values, 0, 1)
        assert scale.low < scale.high
        assert len(scale.ticks()) > 1
    assert logarithmic([], 0, 1).low < logarithmic([0.0, -1.0], 0, 1).high
    assert 0 < logarithmic([5.0], 0, 1).at(5.0) < 1
    assert linear([2.0, 3.0], 0, 1, floor=0.0).low >= 0


def test_what_lies_outside_is_drawn_at_the_edge() -> None:
    assert Scale(0, 10, 0, 100).at(-5) == 0
    assert Scale(0, 10, 0, 100).at(50) == 100
    assert Scale(1, 10, 0, 100, logarithmic=True).at(0) == 0
