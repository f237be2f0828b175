from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from t5gemma_app.engine.batching import cut_batches, cut_in_order
from t5gemma_app.engine.eviction import Resident, plan_eviction

RESIDENTS = st.lists(
    st.builds(
        Resident, name=st.uuids().map(str), bytes=st.integers(0, 50), last_used=st.floats(0, 10), leased=st.booleans()
    ),
    max_size=6,
)


@given(RESIDENTS, st.integers(0, 100), st.integers(0, 150))
def test_a_plan_makes_room_or_changes_nothing(residents, needed, budget):
    plan = plan_eviction(residents, needed, budget)
    leaving = {r.name: r for r in residents if r.name in plan.names}
    stay = sum(r.bytes for r in residents) - sum(r.bytes for r in leaving.values())
    assert not any(r.leased for r in leaving.values())
    assert plan.reason
    if plan.enough:
        assert stay + needed <= budget
        # nobody leaves for nothing: without the last one to go there would be too little room
        if plan.names:
            assert stay + leaving[plan.names[-1]].bytes + needed > budget
    else:
        assert plan.names == ()
        assert sum(r.bytes for r in residents if r.leased) + needed > budget


@given(st.lists(st.integers(0, 100), max_size=40), st.integers(1, 300), st.integers(0, 100))
def test_batches_hold_every_row_once_within_the_budget(lengths, budget, packed):
    batches = cut_batches(lengths, budget, packed)
    assert sorted(row for batch in batches for row in batch) == list(range(len(lengths)))
    longest = [max(lengths[row] for row in batch) for batch in batches]
    assert longest == sorted(longest, reverse=True)
    for batch, width in zip(batches, longest, strict=True):
        padded = len(batch) * width if width > packed else sum(lengths[row] for row in batch)
        assert len(batch) == 1 or padded <= budget


def test_rows_without_padding_fill_their_batch():
    assert cut_batches([60, 20, 20], 100) == [[0], [1, 2]]
    assert cut_batches([60, 20, 20], 100, packed=60) == [[0, 1, 2]]


@given(st.lists(st.lists(st.integers(), max_size=9)), st.integers(1, 20))
def test_parts_keep_the_order_and_the_limit(rows, tokens):
    parts = cut_in_order(rows, tokens)
    assert [row for part in parts for row in part] == rows
    assert all(part and (len(part) == 1 or sum(map(len, part)) <= tokens) for part in parts)
