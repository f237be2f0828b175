from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.engine.fake import FakeEngine
from t5gemma_app.engine.types import TextDelta
from t5gemma_app.errors import InputError
from t5gemma_app.tasks.extraction import Asking, Extracted, Extractor, Searched, extracted, prompt_for, read_names
from t5gemma_app.tasks.turns import written

CHATS = Checkpoint("chats", "local", "nowhere", stage="instruction-tuned")
TEXT = "Ana and Bo met in Paris. Ana liked Paris, party and art."


def spans(found):
    return [(found.tagged.text[s.start : s.end], s.label) for s in found.tagged.spans]


@pytest.mark.parametrize(
    ("answer", "names"),
    [
        ("Ana\nBo", ("Ana", "Bo")),
        ('- Ana.\n* "Bo"\n3) Paris;', ("Ana", "Bo", "Paris")),
        ("Ana, Bo and Rome", ("Ana", "Bo", "Rome")),
        ("Paris. Ana liked", ("Paris. Ana liked",)),
        ("None.", ()),
        ("", ()),
        ("Ana\nAna\n\n", ("Ana",)),
    ],
)
def test_answers_are_read_as_lists(answer, names):
    assert read_names(answer, Searched.of(TEXT)) == names


def test_all_places_or_the_first_count_and_the_rest_is_dropped():
    answers = ["Ana\nBo\nZed", "Paris\nMars"]
    found = extracted(TEXT, ("person", "place"), answers)
    assert spans(found) == [
        ("Ana", "person"),
        ("Bo", "person"),
        ("Paris", "place"),
        ("Ana", "person"),
        ("Paris", "place"),
    ]
    assert found.dropped == (("person", "Zed"), ("place", "Mars"))
    assert [s.score for s in found.tagged.spans] == [None] * 5
    assert spans(extracted(TEXT, ("person", "place"), answers, every=False)) == spans(found)[:3]


def test_only_whole_words_count_and_the_text_decides_the_case():
    assert spans(extracted(TEXT, ("x",), ["art"])) == [("art", "x")]
    assert spans(extracted(TEXT, ("x",), ["PARIS"])) == [("Paris", "x")] * 2
    assert extracted(TEXT, ("x",), ["iked"]).dropped == (("x", "iked"),)
    assert spans(extracted("我在北京。", ("地",), ["北京"])) == [("北京", "地")]


def test_the_longer_answer_wins_and_then_the_first_label():
    found = extracted(
        "the New York Times", ("place", "paper", "thing"), ["New York", "New York Times", "New York Times"]
    )
    assert spans(found) == [("New York Times", "paper")]


@given(st.text(max_size=30), st.lists(st.text(max_size=12), max_size=4))
def test_whatever_is_answered_spans_are_of_the_text(text, answers):
    text = text.encode("utf-8", "replace").decode()
    found = extracted(text, [f"l{at}" for at in range(len(answers))], answers)
    at = 0
    for span in found.tagged.spans:
        assert at <= span.start < span.end <= len(text)
        at = span.end


def test_one_question_a_label_is_sent():
    engine = FakeEngine(lambda prompt, _: "Ana" if "every person" in prompt else "Paris\nRome")
    steps = list(Extractor(engine).ask(CHATS, TEXT, "person;  place ", visitor="ann"))
    asked = [step for step in steps if isinstance(step, Asking)]
    assert asked == [Asking("person", 1, 2), Asking("place", 2, 2)]
    assert isinstance(steps[-1], Extracted) and steps[-1].dropped == (("place", "Rome"),)
    assert [request.visitor for request in engine.requests] == ["ann", "ann"]
    assert len(engine.requests) == 2
    assert Extractor(engine).find(CHATS, [TEXT, "Ana"], ["person", "place"])[0] == steps[-1]


def test_leaving_early_cancels_the_answer():
    engine = FakeEngine()
    for step in Extractor(engine).ask(CHATS, TEXT, "person, place"):
        if isinstance(step, TextDelta):
            break
    assert (len(engine.requests), engine.status().active) == (1, 0)


def test_a_pretrained_checkpoint_is_sent_no_turns():
    bare = written(prompt_for(Checkpoint("pt", "local", "nowhere", stage="pretrained"), "A text.", "name"))
    assert bare.startswith("<bos>A text.") and "<start_of_turn>" not in bare
    assert "<start_of_turn>user\nA text." in written(prompt_for(CHATS, "A text.", "name"))


@pytest.mark.parametrize(
    ("checkpoint", "text", "labels", "words"),
    [
        (CHATS, "x", [], "There are no labels"),
        (CHATS, "x", " ", "There are no labels"),
        (CHATS, "x", "a,,b", "Label 2 of 3 is empty"),
        (CHATS, "x", [str(n) for n in range(25)], "There are 25 labels"),
        (CHATS, "x", ["y" * 201], "Label 1 has 201 characters"),
        (CHATS, " ", ["y"], "The text is empty"),
        (CHATS, "x" * 11, ["y"], "has 11 characters"),
        (Checkpoint("h", "local", "nowhere", head="token"), "x", ["y"], "writes no text"),
    ],
)
def test_what_can_not_be_asked_is_said(checkpoint, text, labels, words):
    with pytest.raises(InputError, match=words):
        list(Extractor(FakeEngine(), max_text=10).ask(checkpoint, text, labels))
