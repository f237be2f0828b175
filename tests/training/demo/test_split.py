"""The cut between training and measurement."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from t5gemma_app.training.demo.split import Split


@given(st.integers(0, 1000), st.text(), st.text(), st.floats(0, 1))
def test_an_item_lies_on_exactly_one_side(seed: int, kind: str, item: str, share: float) -> None:
    sides = [Split(seed, held_out=held).takes(kind, item, share) for held in (False, True)]
    assert sorted(sides) == [False, True]


def test_about_the_wanted_share_is_held_out() -> None:
    held = Split(7, held_out=True).part("name", [str(number) for number in range(5000)], 0.2)
    assert 900 < len(held) < 1100
