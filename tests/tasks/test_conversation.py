import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t5gemma_app.errors import InputError
from t5gemma_app.tasks.conversation import (
    DEFAULT_TITLE,
    Conversation,
    Version,
    add_version,
    before_answer,
    choose_version,
    clean_text,
    clear,
    edit,
    new_conversation,
    rename,
    title_from,
    turns,
    undo,
    with_answer,
    with_user,
)
from t5gemma_app.tasks.turns import Turn

ANYTHING = st.text(st.characters(categories=None), max_size=60)  # surrogates and control characters included


def talk(*texts: str) -> Conversation:
    conversation = new_conversation(0.0, "c1")
    for index, text in enumerate(texts):
        conversation = with_answer(conversation, Version(text)) if index % 2 else with_user(conversation, text)
    return conversation


def test_a_conversation_becomes_turns_in_order() -> None:
    assert turns(talk("a", "b", "c")) == (Turn("user", "a"), Turn("assistant", "b"), Turn("user", "c"))


def test_the_first_message_gives_the_title_and_later_ones_do_not() -> None:
    assert talk("\n  What is\ta  capital?\nmore", "b", "c").title == "What is a capital?"


def test_a_user_message_that_was_never_answered_is_replaced() -> None:
    assert turns(with_user(talk("a", "b", "c"), "d"))[-1] == Turn("user", "d")
    assert len(with_user(talk("a", "b", "c"), "d").messages) == 3


def test_regenerating_adds_a_version_and_chooses_it() -> None:
    conversation = with_answer(talk("a", "b"), Version("b2", note="n", parameters={"seed": 1}))
    assert conversation.messages[-1].chosen == 1
    assert conversation.messages[-1].text == "b2"
    assert choose_version(conversation, 1, 0).messages[-1].text == "b"
    assert len(choose_version(conversation, 1, 0).messages[-1].versions) == 2


def test_regenerating_answers_what_the_first_answer_answered() -> None:
    conversation = talk("a", "b", "c")
    assert before_answer(with_answer(conversation, Version("d"))) == before_answer(conversation) == turns(conversation)


def test_choosing_an_earlier_version_keeps_what_follows_and_changes_what_is_sent() -> None:
    conversation = with_user(add_version(talk("a", "b"), Version("b2")), "c")
    assert turns(choose_version(conversation, 1, 0)) == (Turn("user", "a"), Turn("assistant", "b"), Turn("user", "c"))


def test_an_edit_drops_what_followed() -> None:
    assert turns(edit(talk("a", "b", "c", "d"), 2, "x")) == turns(talk("a", "b", "x"))


def test_undo_takes_back_one_exchange_and_gives_its_text() -> None:
    assert undo(talk("a", "b", "c", "d")) == (talk("a", "b"), "c")
    assert undo(talk("a", "b", "c")) == (talk("a", "b"), "c")
    empty = new_conversation(0.0, "c1")
    assert undo(empty) == (empty, "")


def test_clear_keeps_who_and_how_and_drops_what() -> None:
    conversation = talk("a", "b")
    assert clear(conversation) == new_conversation(0.0, "c1")


def test_an_empty_new_name_brings_back_the_automatic_title() -> None:
    conversation = rename(talk("hello there", "b"), "Mine")
    assert conversation.title == "Mine"
    assert rename(conversation, "  ").title == "hello there"
    assert rename(new_conversation(0.0, "x"), "").title == DEFAULT_TITLE


@pytest.mark.parametrize(
    ("step", "word"),
    [
        (lambda c: edit(c, 1, "x"), "Answers"),
        (lambda c: edit(c, 9, "x"), "message 10"),
        (lambda c: edit(c, -1, "x"), "message 0"),
        (lambda c: choose_version(c, 1, 1), "version 2"),
        (lambda c: add_version(with_user(c, "x"), Version("y")), "answer"),
        (lambda c: with_answer(clear(c), Version("y")), "message"),
    ],
)
def test_impossible_steps_are_refused_with_the_number_people_see(step, word) -> None:
    with pytest.raises(InputError, match=word):
        step(talk("a", "b"))


def test_an_id_that_could_break_a_page_is_refused() -> None:
    with pytest.raises(InputError, match="id"):
        new_conversation(0.0, '"><script>')


def test_pairs_of_surrogates_become_their_character_and_lone_ones_the_replacement() -> None:
    assert clean_text("a\ud83d\ude00b\ud83dc\ude00") == "a\U0001f600b\ufffdc\ufffd"


def test_line_ends_become_one_kind_and_control_characters_go() -> None:
    assert clean_text("a\r\nb\rc\n\td\x00\x1b[0m\x7f\x85e") == "a\nb\nc\n\td[0me"


@given(ANYTHING)
def test_cleaned_text_can_be_stored_and_is_clean(text: str) -> None:
    cleaned = clean_text(text)
    assert json.loads(json.dumps(cleaned, ensure_ascii=False).encode("utf-8")) == cleaned
    assert clean_text(cleaned) == cleaned
    assert not any(ord(c) < 32 and c not in "\n\t" for c in cleaned)


@given(st.text(st.characters(categories=["L", "M", "N", "P", "S", "Zs"]), max_size=60))
def test_ordinary_text_is_not_touched(text: str) -> None:
    assert clean_text(text) == text


@given(ANYTHING)
def test_a_title_is_one_short_line_with_something_in_it(text: str) -> None:
    title = title_from(text)
    assert 0 < len(title) <= 60
    assert title == " ".join(title.split())
    title.encode("utf-8")


@given(st.lists(ANYTHING, min_size=1, max_size=6))
def test_speakers_alternate_whatever_is_said(texts: list[str]) -> None:
    roles = [message.role for message in talk(*texts).messages]
    assert roles == ["user", "assistant"] * (len(texts) // 2) + ["user"] * (len(texts) % 2)
