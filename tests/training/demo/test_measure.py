"""Scores and their intervals."""

from __future__ import annotations

import pytest

from t5gemma_app.tasks.turns import Turn
from t5gemma_app.training.demo.measure import Answered, Score, scores
from t5gemma_app.training.demo.mixture import Conversation


def _answered(skill: str, given: str, wanted: str = "Paris") -> Answered:
    return Answered(Conversation(skill, (Turn("user", "?"),), wanted), given)


def test_only_outer_spaces_are_forgiven() -> None:
    assert _answered("a", " Paris\n").exact
    assert not _answered("a", "paris").exact
    assert not _answered("a", "Paris.").exact


def test_the_total_is_the_last_score() -> None:
    results = scores([_answered("a", "Paris"), _answered("b", "Rome"), _answered("a", "Rome")])
    assert [(score.skill, score.n, score.exact) for score in results] == [("a", 2, 1), ("b", 1, 0), ("total", 3, 1)]


def test_the_interval_is_wilsons() -> None:
    """The figures of Newcombe (1998), table I: 81 of 263."""
    low, high = Score("a", 263, 81).interval()
    assert low == pytest.approx(0.2553, abs=1e-4)
    assert high == pytest.approx(0.3662, abs=1e-4)
    assert Score("a", 20, 20).interval()[1] == 1.0
