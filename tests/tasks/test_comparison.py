"""Comparisons as values, and votes counted."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t5gemma_app.engine.types import GenerationResult, GenerationStatistics, SamplingParameters
from t5gemma_app.errors import InputError
from t5gemma_app.tasks.chat import PRESETS
from t5gemma_app.tasks.comparison import (
    LETTERS,
    Comparison,
    Entry,
    Figures,
    Side,
    choices_of,
    figures_of,
    style_of,
    tally,
    voted,
    with_entry,
)

FIGURES = Figures(0.25, 40.0, 12, "cpu", "float32", "sdpa", "stop", 3_100_000)
SAMPLED = PRESETS[2].parameters


def entry(letter: str, text: str = "an answer", checkpoint: str = "small", **sampled: object) -> Entry:
    return Entry(Side(letter, checkpoint, SamplingParameters(**sampled)), text, FIGURES)  # type: ignore[arg-type]


def failed(letter: str) -> Entry:
    return Entry(Side(letter, "gone"), problem="It is not there.")  # type: ignore[arg-type]


def comparison(*entries: Entry, **known: object) -> Comparison:
    return Comparison("one", "a prompt", entries=entries, **known)  # type: ignore[arg-type]


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_a_presets_values_are_called_by_its_name(preset: object) -> None:
    assert style_of(replace(preset.parameters, seed=7, max_new_tokens=3)) == preset.name  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("values", "style"),
    [
        ({"top_k": 5, "top_p": 0.5}, "Greedy"),
        ({"repetition_penalty": 1.2}, "greedy, penalty 1.2"),
        ({"temperature": 0.5}, "temperature 0.5"),
        ({"temperature": 1.0, "top_k": 40, "min_p": 0.1}, "temperature 1, top-k 40, min-p 0.1"),
    ],
)
def test_other_values_are_named(values: dict[str, float], style: str) -> None:
    assert style_of(SamplingParameters(**values)) == style  # type: ignore[arg-type]


def test_the_first_answer_is_the_reference_once_nothing_before_it_is_open() -> None:
    waiting = Entry(Side("A", "small"))
    assert comparison(waiting, entry("B")).reference() is None
    assert comparison(entry("A"), Entry(Side("B", "small"))).reference() == 0
    assert comparison(failed("A"), entry("B"), entry("C")).reference() == 1
    assert comparison(failed("A"), failed("B")).reference() is None


def test_differences_are_told_beside_the_reference_only() -> None:
    both = comparison(entry("A", "one two"), entry("B", "one three"), failed("C"))
    assert [both.difference(index) is None for index in range(3)] == [True, False, True]
    found = both.difference(1)
    assert found is not None and (found.same, found.added, found.missing) == (1, 1, 1)


def test_names_are_hidden_until_the_vote() -> None:
    blind = comparison(entry("B"), entry("A"), blind=True)
    assert [blind.name(0), blind.name(1)] == ["1", "2"]
    seen = voted(blind, "B")
    assert [seen.name(0), seen.name(1)] == ["A", "B"] and not seen.hidden


def test_only_what_answered_can_be_voted_for() -> None:
    asked = comparison(entry("A"), failed("B"), entry("C"))
    assert choices_of(asked) == ("A", "C", "tie", "bad")
    assert voted(voted(asked, "tie"), "C").choice == "C"
    for choice in ("B", "D", "", "a", "x" * 100):
        with pytest.raises(InputError):
            voted(asked, choice)


@pytest.mark.parametrize("entries", [(entry("A"), failed("B")), (entry("A"), entry("B"), Entry(Side("C", "small")))])
def test_there_is_no_vote_on_one_answer_or_before_the_end(entries: tuple[Entry, ...]) -> None:
    assert not comparison(*entries).votable
    with pytest.raises(InputError):
        voted(comparison(*entries), "A")


def test_what_is_put_in_can_be_stored() -> None:
    changed = with_entry(comparison(entry("A"), entry("B")), 1, entry("B", "x\udfff\r\ny\x00"))
    assert [one.text for one in changed.entries] == ["an answer", "x\ufffd\ny"]


def test_figures_are_those_of_the_result() -> None:
    statistics = GenerationStatistics(9, 12, 0.25, 40.0, "cpu", "float32", "sdpa", 7)
    assert figures_of(GenerationResult("x", (1,), "stop", statistics), 3_100_000) == FIGURES


def test_votes_are_counted_by_checkpoint_and_style() -> None:
    one = comparison(entry("A"), entry("B", checkpoint="large"))
    two = comparison(entry("A", temperature=0.5), entry("B", checkpoint="large"), failed("C"))
    counted = tally([voted(one, "B"), voted(one, "tie"), voted(two, "A"), voted(two, "bad"), voted(two, "B"), one])
    assert [(s.label, s.won, s.lost, s.tied, s.bad, s.votes) for s in counted] == [
        ("large · Greedy", 2, 1, 1, 1, 5),
        ("small · temperature 0.5", 1, 1, 0, 1, 3),
        ("small · Greedy", 0, 1, 1, 0, 2),
    ]


@given(st.lists(st.tuples(st.integers(2, 4), st.sampled_from([*LETTERS, "tie", "bad"]))))
def test_every_vote_is_counted_once_for_every_side(cast: list[tuple[int, str]]) -> None:
    asked = [
        (comparison(*(entry(letter, checkpoint=letter) for letter in LETTERS[:count])), choice)
        for count, choice in cast
        if choice in (*LETTERS[:count], "tie", "bad")
    ]
    counted = tally(voted(one, choice) for one, choice in asked)
    assert sum(standing.votes for standing in counted) == sum(len(one.entries) for one, _ in asked)
    assert sum(standing.won for standing in counted) == sum(choice in LETTERS for _, choice in asked)
