from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t5gemma_app.errors import InputError
from t5gemma_app.training.objectives.prefix import prefix_pair


@given(st.lists(st.integers(0, 1000), min_size=2, max_size=200))
def test_the_halves_are_the_sequence_and_equal(ids: list[int]) -> None:
    pair = prefix_pair(ids)
    assert [*pair.inputs, *pair.targets] == ids
    assert 0 <= len(pair.inputs) - len(pair.targets) <= 1


@pytest.mark.parametrize("ids", [[], [5]])
def test_what_has_no_halves_is_refused(ids: list[int]) -> None:
    with pytest.raises(InputError, match="halved"):
        prefix_pair(ids)
