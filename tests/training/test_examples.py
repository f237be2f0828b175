from __future__ import annotations

from random import Random

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from t5gemma_app.training.examples import Example, collate, cut_parts, with_unknown_words
from t5gemma_app.training.parallel import IGNORED

ROWS = [Example((2, 5), (1,)), Example((2, 6, 7), (0,)), Example((2,), (2,))]


def test_rows_are_padded_on_the_right_and_masked_by_length() -> None:
    batch = collate("sequence", [Example((2, 0, 5), (1,)), Example((2,), (0,))], pad=0)
    assert batch.inputs.tolist() == [[2, 0, 5], [2, 0, 0]]
    assert batch.mask.tolist() == [[1, 1, 1], [1, 0, 0]]
    assert batch.targets.tolist() == [1, 0]


def test_texts_and_tags_are_padded_with_what_is_ignored() -> None:
    batch = collate("text", [Example((2,), (5, 6)), Example((2, 3), (7,))], pad=0)
    assert batch.targets.tolist() == [[5, 6], [7, IGNORED]]


def test_parts_of_a_batch_are_its_rows_with_seeds_of_their_own() -> None:
    batch = collate("sequence", ROWS, pad=0, seed=9)
    first, second = batch.rows(0, 2), batch.rows(1, 2)
    assert torch.equal(first.inputs, batch.inputs[[0, 2]]) and second.targets.tolist() == [0]
    assert len({batch.seed, first.seed, second.seed}) == 3


@given(st.lists(st.integers(1, 50), min_size=1, max_size=60), st.integers(1, 200))
def test_parts_hold_all_rows_within_the_budget(lengths: list[int], budget: int) -> None:
    rows = [Example(tuple(range(length)), (number,)) for number, length in enumerate(lengths)]
    parts = cut_parts(rows, budget)
    assert sorted(row.targets[0] for part in parts for row in part) == list(range(len(rows)))
    assert all(len(part) == 1 or len(part) * max(row.length for row in part) <= budget for part in parts)


def test_unknown_words_take_their_share_and_spare_the_first() -> None:
    row = Example((2, *range(10, 1010)), (1,))
    changed = with_unknown_words(row, 0.2, 3, Random(1)).inputs
    assert changed[0] == 2
    assert changed.count(3) == pytest.approx(200, abs=50)
    assert all(index in (3, own) for index, own in zip(changed, row.inputs, strict=True))
    assert with_unknown_words(row, 0.0, 3, Random(1)) is row
