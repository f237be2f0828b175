from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from t5gemma_app.training.examples import Example, Rows
from t5gemma_app.training.order import RowOrder


def stream(lengths: list[int]) -> Rows:
    return Rows([Example(tuple(range(length)), (0,)) for length in lengths])


@settings(max_examples=60)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=300), st.integers(1, 40), st.integers(0, 99))
def test_every_epoch_has_every_row_once(lengths: list[int], rows: int, seed: int) -> None:
    order = RowOrder(stream(lengths), rows, seed)
    steps = -(-len(lengths) // rows)
    for epoch in range(2):
        seen = []
        for step in range(epoch * steps, (epoch + 1) * steps):
            found, indices = order.indices(step)
            assert found == epoch and 1 <= len(indices) <= rows
            seen += indices
        assert sorted(seen) == list(range(len(lengths)))


@given(st.lists(st.integers(1, 9), min_size=30, max_size=90), st.integers(0, 20))
def test_a_step_depends_on_nothing_but_seed_and_number(lengths: list[int], step: int) -> None:
    one, other = RowOrder(stream(lengths), 7, 5), RowOrder(stream(lengths), 7, 5)
    for earlier in range(step):
        one.indices(earlier)
    assert one.indices(step) == other.indices(step)


def test_epochs_and_seeds_differ_and_similar_lengths_stand_together() -> None:
    lengths = [1 + number % 30 for number in range(600)]
    order, other = RowOrder(stream(lengths), 10, 1), RowOrder(stream(lengths), 10, 2)
    assert order.indices(0)[1] != order.indices(60)[1] and order.indices(0)[1] != other.indices(0)[1]
    padded = sum(10 * max(lengths[index] for index in order.indices(step)[1]) for step in range(60))
    assert padded < 1.1 * sum(lengths)
