"""Rows computed batch after batch: in parts while somebody waits, in halves where memory is short."""

from __future__ import annotations

import pytest

from t5gemma_app.engine.batchwork import BatchWork
from t5gemma_app.engine.steps import at_once


def work_on(count, sizes, most=1000):
    """Return work on so many rows in batches of ten, which notes how many rows it computes at once."""

    def compute(rows):
        if len(rows) > most:
            raise MemoryError
        sizes.append(len(rows))
        return [row * row for row in rows]

    batches = [list(range(count))[begin : begin + 10] for begin in range(0, count, 10)]
    return BatchWork(at_once(compute), range(count), batches[::-1], lambda error: isinstance(error, MemoryError))


def test_short_steps_take_parts_of_a_batch():
    sizes = []
    work = work_on(30, sizes)
    assert work.advance(short=False)
    assert work.advance(short=True)
    assert work.advance(short=False)  # what is left of a batch that was cut stays cut
    while work.advance(short=False):
        pass
    assert sizes == [10, 3, 3, 3, 1, 10]
    assert work.done.get() == [row * row for row in range(30)]


@pytest.mark.parametrize("short", [False, True])
def test_parts_that_do_not_fit_are_halved(short):
    sizes = []
    work = work_on(17, sizes, most=2)
    while work.advance(short):
        pass
    assert max(sizes) <= 2 and sum(sizes) == 17
    assert work.done.get() == [row * row for row in range(17)]


def test_one_row_that_does_not_fit_is_an_error():
    work = work_on(5, [], most=0)
    with pytest.raises(MemoryError):
        for _ in range(10):
            work.advance(short=True)


def test_a_computation_that_pauses_is_advanced_from_pause_to_pause():
    seen = []

    def compute(rows):
        for part in "ab":
            seen.append((part, list(rows)))
            yield
        return [-row for row in rows]

    work = BatchWork(compute, range(3), [[2, 0], [1]], lambda error: False)
    steps = 1
    while work.advance(short=False):
        steps += 1
    assert steps == 6
    assert seen == [("a", [2, 0]), ("b", [2, 0]), ("a", [1]), ("b", [1])]
    assert work.done.get() == [0, -1, -2]
