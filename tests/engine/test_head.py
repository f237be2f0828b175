from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from t5gemma_app.engine import head as heads
from t5gemma_app.engine.head import ScreenedHead, choose_head


def table(words=3000, width=64, seed=0):
    return torch.randn(words, width, generator=torch.Generator().manual_seed(seed))


def states(rows, width=64, seed=1):
    return torch.randn(rows, width, generator=torch.Generator().manual_seed(seed)) * 3


@settings(max_examples=60)
@given(st.integers(0, 10_000), st.sampled_from([1, 5, 40]), st.sampled_from([1e-4, 1.0, 300.0]))
def test_the_best_words_are_those_of_the_full_product(seed, count, size):
    weight, rows = table(seed=seed), states(3, seed=seed) * size
    full = rows @ weight.t()
    for words, scores in zip(ScreenedHead(weight).top(rows, count), full, strict=True):
        expected = torch.topk(scores, count)
        assert set(expected.indices.tolist()) <= set(words.ids.tolist())
        assert torch.allclose(words.scores, scores[words.ids], rtol=1e-5, atol=1e-5 * size)


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.sampled_from([1, 8, 30]))
def test_words_of_very_unequal_length_are_judged_by_their_own_bounds(seed, count):
    weight = table(words=10_500, seed=seed) * torch.logspace(-2, 2, 10_500)[torch.randperm(10_500)][:, None]
    rows = states(3, seed=seed)
    for words, scores in zip(ScreenedHead(weight).top(rows, count), rows @ weight.t(), strict=True):
        assert set(torch.topk(scores, count).indices.tolist()) <= set(words.ids.tolist())
        assert len(words.ids) < 2000
        assert words.ids.tolist() == sorted(set(words.ids.tolist()))


def test_few_words_are_computed_in_full():
    weight = table(words=40_000)
    head = ScreenedHead(weight)
    rows = states(50)
    assert head.best(rows) == (rows @ weight.t()).argmax(dim=1).tolist()
    assert max(len(words.ids) for words in head.top(rows, 1)) < 1000
    assert head.count.fallback_rate == 0


def test_where_many_may_win_the_full_product_decides():
    weight = table(words=1, seed=3).repeat(6000, 1)
    weight[4321] *= 1.0001
    head = ScreenedHead(weight)
    state = weight[:1].clone()
    assert head.best(state) == [4321]
    assert head.count.fallback_rate == 1


@pytest.mark.parametrize("row", [torch.zeros(64), torch.full((64,), 1e-38)])
def test_states_and_words_of_nothing_are_no_trouble(row):
    weight = table()
    weight[7] = 0
    head = ScreenedHead(weight)
    assert 0 <= head.best(row[None])[0] < 3000


def test_it_is_chosen_where_it_pays(monkeypatch):
    small = table()
    assert choose_head(small, "auto").head is None
    assert "small" in choose_head(small, "auto").reason
    assert choose_head(small.bfloat16(), "on").head is None
    assert choose_head(small, "on").head is not None
    assert choose_head(small, "off").head is None
    monkeypatch.setattr(heads, "SMALLEST_TABLE", 1)
    times = iter([[3.0, 9.0], [9.0, 3.0]])
    monkeypatch.setattr(heads, "_quickest", lambda *works: next(times))
    assert choose_head(small, "auto").head is not None
    slow = choose_head(small, "auto")
    assert slow.head is None
    assert "9 ms a step in 8 bits, 3 ms in full" in slow.reason


def test_the_trial_is_not_misled_by_a_padding_row_of_zeros(monkeypatch):
    asked = []
    monkeypatch.setattr(heads, "SMALLEST_TABLE", 1)
    monkeypatch.setattr(heads.ScreenedHead, "best", lambda self, states: asked.append(states))
    weight = table()
    weight[0] = 0
    choose_head(weight, "auto")
    assert all(states.abs().min() > 0 for states in asked)
    assert asked
