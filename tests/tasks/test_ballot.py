"""Votes as browsers keep them and as files."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t5gemma_app.engine.types import SamplingParameters
from t5gemma_app.errors import InputError
from t5gemma_app.tasks.ballot import MAX_CHARACTERS, packed, to_csv, to_json, unpacked, votes_in
from t5gemma_app.tasks.comparison import LETTERS, Comparison, Entry, Figures, Side, with_entry
from t5gemma_app.tasks.conversation import clean_text

PARAMETERS = st.builds(
    SamplingParameters,
    temperature=st.floats(0, 5),
    top_k=st.integers(0, 1_000_000),
    top_p=st.floats(0.01, 1),
    seed=st.integers(0, 2**63 - 1),
    stop=st.lists(st.text(min_size=1, max_size=9).map(clean_text).filter(bool), max_size=3).map(tuple),
)
FIGURES = st.builds(
    Figures,
    st.floats(0, 1e6),
    st.floats(0, 1e6),
    st.integers(0, 9_999),
    *[st.sampled_from(["cpu", "cuda:0"]) for _ in range(3)],
    st.sampled_from(["stop", "length", "cancelled"]),
    st.integers(0, 2**40),
)


@st.composite
def comparisons(draw: st.DrawFn) -> Comparison:
    letters = LETTERS[: draw(st.integers(2, 4))]
    choice = draw(st.sampled_from(["", "tie", "bad", *letters]))
    empty = tuple(Entry(Side(letter, "")) for letter in letters)
    found = Comparison("one", clean_text(draw(st.text())), "", draw(st.booleans()), draw(st.floats(0, 2e9)), empty)
    for index, letter in enumerate(draw(st.permutations(letters))):
        side = Side(letter, draw(st.sampled_from(["small", "own/model", "=1+1"])), draw(PARAMETERS))
        figures = draw(st.none() | FIGURES)
        found = with_entry(found, index, Entry(side, draw(st.text()), figures, "" if figures else draw(st.text())))
    return Comparison(found.id, found.prompt, found.system, found.blind, found.asked, found.entries, choice)


def example(text: str = "an answer", choice: str = "A") -> Comparison:
    figures = Figures(0.25, 40.0, 12, "cpu", "float32", "sdpa", "stop")
    first = Entry(Side("A", "small", SamplingParameters(seed=7)), text, figures)
    second = Entry(Side("B", "large", SamplingParameters(seed=7)), problem="It is not there.")
    return Comparison("one", "=SUM(A1)", asked=1_700_000_000.0, entries=(first, second), choice=choice)  # type: ignore[arg-type]


@given(comparisons())
def test_what_a_browser_keeps_comes_back(comparison: Comparison) -> None:
    assert unpacked(packed(comparison)) == comparison
    kept = votes_in(f"[{packed(comparison)}]")
    assert kept == (((comparison,), 0) if comparison.choice else ((), 1))


@given(st.text())
def test_any_other_text_is_refused_and_not_a_crash(raw: str) -> None:
    with pytest.raises(InputError):
        unpacked(raw)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(JSON, max_size=4))
def test_a_damaged_vote_costs_no_other(found: list[Any]) -> None:
    good = json.loads(packed(example()))
    kept = votes_in(json.dumps([*found, good]))
    assert kept == ((example(),), len(found))


@pytest.mark.parametrize(
    "change",
    [
        {"id": "../x"},
        {"choice": "C"},
        {"choice": "Z"},
        {"asked": -1},
        {"asked": 1e300},
        {"more": 1},
        {"entries": []},
        {"entries": json.loads(packed(example()))["entries"][:1] * 2},
        {"entries": [{"side": {"letter": "A", "checkpoint": "x" * 2000, "parameters": {}}}] * 2},
        {"entries": [{"side": {"letter": x, "checkpoint": "", "parameters": {"top_p": 9.0}}} for x in "AB"]},
        {"entries": [{"side": {"letter": x, "checkpoint": "", "parameters": {"top_k": "9"}}} for x in "AB"]},
    ],
)
def test_what_no_page_of_ours_wrote_is_left_out(change: dict[str, Any]) -> None:
    damaged = json.loads(packed(example())) | change
    assert votes_in(json.dumps([damaged])) == ((), 1)
    with pytest.raises(InputError):
        unpacked(json.dumps(damaged))


@pytest.mark.parametrize("raw", ["{}", "1", "[", "[" * 100_000, "x" * (MAX_CHARACTERS + 1)])
def test_what_is_no_list_of_votes_is_said(raw: str) -> None:
    with pytest.raises(InputError):
        votes_in(raw)
    assert votes_in("") == ((), 0)


@given(st.lists(comparisons(), max_size=3))
def test_files_hold_every_vote_and_no_formula(votes: list[Comparison]) -> None:
    data = json.loads(to_json(votes))
    assert [unpacked(json.dumps(vote)) for vote in data["votes"]] == votes
    rows = list(csv.reader(io.StringIO(to_csv(votes), newline="")))
    assert len(rows) == len(votes) + 1 and len({len(row) for row in rows}) == 1
    for cell in (cell for row in rows[1:] for cell in row):
        if cell.lstrip()[:1] in ("=", "+", "-", "@") and cell.strip():
            float(cell)  # only numbers may begin with a sign


def test_a_row_reads_as_it_was() -> None:
    (row,) = csv.DictReader(io.StringIO(to_csv([example("@risky")])))
    assert (row["prompt"], row["choice"], row["seed"]) == ("'=SUM(A1)", "A", "7")
    assert (row["A_checkpoint"], row["A_style"], row["A_answer"]) == ("small", "Greedy", "'@risky")
    assert (row["A_first_token_s"], row["A_tokens_per_s"], row["A_tokens"]) == ("0.250", "40.00", "12")
    assert (row["B_checkpoint"], row["B_tokens"], row["C_checkpoint"]) == ("large", "", "")
    assert row["asked"] == "2023-11-14T22:13:20+00:00"
