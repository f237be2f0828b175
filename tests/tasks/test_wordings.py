from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t5gemma_app.errors import InputError
from t5gemma_app.tasks.wordings import WORDINGS, read_wording

LABELS = ("sport", "politics")


@pytest.mark.parametrize("wording", WORDINGS, ids=lambda wording: wording.name)
def test_every_wording_holds_text_and_label(wording) -> None:
    assert read_wording(wording.name, several=wording.question) == wording
    context = wording.context("THE TEXT", LABELS, "sport")
    assert "THE TEXT" in context and "{" not in context
    if wording.question:
        assert "sport" in context
    else:
        answer = wording.answer("sport", LABELS)
        assert context + answer == wording.text.format(text="THE TEXT", label="sport", labels="sport, politics")
        assert answer == " sport" and not context.endswith(" ")


def test_a_wording_of_ones_own_is_cut_at_the_label() -> None:
    wording = read_wording("{text}\nGenre ({labels}): {label}.")
    assert wording.context("A {label} b", LABELS) == "A {label} b\nGenre (sport, politics):"
    assert wording.answer("sport", LABELS) == " sport."


def test_the_label_before_the_text_makes_it_a_question() -> None:
    wording = read_wording("Is {label} meant? {text}", several=True)
    assert wording.question
    assert wording.context("Yes {text}", LABELS, "sport") == "Is sport meant? Yes {text}"


@pytest.mark.parametrize(
    ("wish", "several", "words"),
    [
        ("topics", False, "Did you mean topic"),
        ("nothing at all like it", False, "It is one of topic"),
        ("{text} and no more", False, "lacks {label}"),
        ("only {label}", False, "lacks {text}"),
        ("{text} {label} {mood}", False, "has {mood}"),
        ("{text}{label}" + "x" * 4000, False, "4,013 characters"),
        ("topic", True, "answered by Yes or No"),
        ("{text}: {label}", True, "answered by Yes or No"),
    ],
)
def test_what_can_not_be_used_is_said(wish: str, several: bool, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_wording(wish, several=several)


@given(st.text())
def test_what_a_text_says_never_changes_the_wording(text: str) -> None:
    context = read_wording("topic").context(text, LABELS)
    assert context == f"{text}\n\nTopic:"
