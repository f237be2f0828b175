"""UL2 on free sequences: nothing is lost, stretches stay in order, and the shares are met."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from t5gemma_app.errors import InputError
from t5gemma_app.training.objectives.pairs import Pair
from t5gemma_app.training.objectives.ul2 import MIXTURE, Denoiser, choose_denoiser, denoising_pair, taken_ids

MARKS = tuple(range(7, 12))
"""So few that long sequences use them again."""
SEQUENCES = st.lists(st.integers(100, 200), min_size=2, max_size=400)


def reassembled(pair: Pair) -> list[int]:
    """Put every stretch back where its mark stands."""
    stretches: list[list[int]] = []
    for index in pair.targets:
        if index in MARKS:
            stretches.append([])
        else:
            stretches[-1].append(index)
    whole: list[int] = []
    for index in pair.inputs:
        whole += stretches.pop(0) if index in MARKS else [index]
    assert not stretches
    return whole


@settings(max_examples=150)
@given(SEQUENCES, st.sampled_from(MIXTURE), st.integers(0, 2**32))
def test_input_and_target_make_the_sequence_again(ids: list[int], denoiser: Denoiser, seed: int) -> None:
    pair = denoising_pair(ids, denoiser, MARKS, Random(seed))
    assert reassembled(pair) == ids
    used = [index for index in pair.inputs if index in MARKS]
    assert used == [index for index in pair.targets if index in MARKS]
    assert used == [MARKS[number % len(MARKS)] for number in range(len(used))]
    assert denoising_pair(ids, denoiser, MARKS, Random(seed)) == pair


@given(SEQUENCES, st.sampled_from(MIXTURE), st.integers(0, 2**32))
def test_exactly_the_share_is_taken_in_as_many_stretches(ids: list[int], denoiser: Denoiser, seed: int) -> None:
    pair = denoising_pair(ids, denoiser, MARKS, Random(seed))
    stretches = sum(index in MARKS for index in pair.inputs)
    taken = len(pair.targets) - stretches
    assert taken == taken_ids(len(ids), denoiser)
    assert 0 < taken < len(ids)
    assert abs(taken - len(ids) * denoiser.rate) <= 1 or len(ids) < 4
    wanted = 1 if denoiser.mean is None else max(1, round(taken / denoiser.mean))
    assert stretches == min(wanted, taken, len(ids) - taken + 1)


def test_the_last_denoiser_writes_what_follows_a_quarter() -> None:
    ids = list(range(100, 200))
    pair = denoising_pair(ids, MIXTURE[-1], MARKS, Random(1))
    assert pair == Pair((*ids[:25], MARKS[0]), (MARKS[0], *ids[25:]))


def test_the_mixture_is_drawn_by_its_weights() -> None:
    rng = Random(3)
    found = Counter(choose_denoiser(rng) for _ in range(8000))
    for denoiser in MIXTURE:
        assert found[denoiser] == pytest.approx(1000 * denoiser.weight, rel=0.12)


def test_stretches_have_all_lengths_and_places() -> None:
    """A cut that were not uniform would show as a first stretch that is always long or short."""
    rng = Random(5)
    firsts = [denoising_pair(range(100, 140), Denoiser(0.5, 5), MARKS, rng).inputs.index(MARKS[0]) for _ in range(2000)]
    assert sum(firsts) / len(firsts) == pytest.approx(
        (20 + 2) / 5 - 1, rel=0.08
    )  # five gaps, the outer two may be empty
    assert min(firsts) == 0 and max(firsts) > 10


@pytest.mark.parametrize(("ids", "marks"), [([1], MARKS), ([], MARKS), ([1, 2, 3], ())])
def test_what_cannot_be_denoised_is_refused(ids: list[int], marks: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="denoised"):
        denoising_pair(ids, MIXTURE[0], marks, Random(0))
