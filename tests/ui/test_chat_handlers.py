"""The steps of a conversation, as plain functions."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from hypothesis import given
from hypothesis import strategies as st

from t5gemma_app.engine.fake import FakeEngine
from t5gemma_app.errors import BusyError, ConversationError
from t5gemma_app.tasks.archive import from_data, to_data
from t5gemma_app.tasks.conversation import Conversation, Version, new_conversation, with_answer, with_user
from t5gemma_app.ui.chat_handlers import IDLE, SCREEN, ChatHandlers, packed, screen, unpacked
from t5gemma_app.ui.running import LEAVING_SECONDS, RunningAnswers
from t5gemma_app.ui.sampling_form import SamplingValues
from tests.ui.fakes import DEMO, fake_services

REQUEST = gr.Request(session_hash="page")
GREEDY = tuple(SamplingValues())
SAMPLED = tuple(SamplingValues(temperature=1.0))
SKIPPED = {"__type__": "update"}


def handlers(folder: Path, engine: FakeEngine | None = None, **wishes: Any) -> ChatHandlers:
    return ChatHandlers(fake_services(folder, engine, **wishes), RunningAnswers())


def played(steps: Any) -> dict[str, Any]:
    """Return the page after all steps: the last value of every part that was changed."""
    page: dict[str, Any] = {}
    for step in steps:
        page |= {part: value for part, value in zip(SCREEN, step, strict=True) if value != SKIPPED}
    return page


def asked(chat: ChatHandlers, message: str, raw: str = "", editing: int | None = None, values: Any = GREEDY) -> Any:
    return chat.send(REQUEST, message, editing, raw, DEMO.name, "", *values)


def held(page: dict[str, Any]) -> Conversation:
    return from_data(json.loads(page["current"]))


def data_event(**sent: Any) -> gr.EventData:
    return gr.EventData(None, sent)


def test_sending_adds_message_and_answer(tmp_path: Path) -> None:
    page = played(asked(handlers(tmp_path), "hello there"))
    conversation = held(page)
    assert [message.text for message in conversation.messages] == ["hello there", "You said: hello there"]
    assert conversation.title == "hello there" and conversation.checkpoint == DEMO.name
    version = conversation.messages[1].versions[0]
    assert "tokens in" in version.note and version.parameters and version.parameters["checkpoint"] == DEMO.name
    assert page["message"] == "" and page["live"] == ""
    assert page["send"]["visible"] is True and page["stop"]["visible"] is False


def test_the_message_is_stored_before_the_answer_begins(tmp_path: Path) -> None:
    steps = asked(handlers(tmp_path), "hello")
    first = dict(zip(SCREEN, next(steps), strict=True))
    steps.close()
    assert [m.text for m in from_data(json.loads(first["current"])).messages] == ["hello"]
    assert first["stop"]["visible"] is True


def test_leaving_in_the_middle_cancels_the_computation(tmp_path: Path) -> None:
    engine = FakeEngine(delay=0.001)
    chat = handlers(tmp_path, engine)
    steps = asked(chat, " ".join(["word"] * 200))
    for _ in range(4):
        next(steps)
    assert engine.status().active == 1
    steps.close()
    assert engine.status().active == 0
    assert not chat.running.stop("page")


def test_stop_ends_the_stream_with_what_there_is(tmp_path: Path) -> None:
    chat = handlers(tmp_path, FakeEngine(delay=0.001))
    steps = asked(chat, " ".join(["word"] * 200))
    while "word" not in (live := played([next(steps)]).get("live", "")):
        pass
    assert "wb-streaming" in live
    chat.stop(REQUEST)
    answer = held(played(steps)).messages[1]
    assert 0 < answer.text.count("word") < 200
    assert answer.versions[0].note.endswith("stopped")


def test_nothing_of_an_answer_that_was_left_reaches_what_the_page_shows_next(tmp_path: Path) -> None:
    engine = FakeEngine(delay=0.01)
    chat = handlers(tmp_path, engine)
    steps = asked(chat, " ".join(["word"] * 200))
    while "wb-streaming" not in played([next(steps)]).get("live", ""):
        pass
    leaving = threading.Thread(target=chat.running.leave, args=("page",))
    leaving.start()
    while "page" in chat.running:
        time.sleep(0.001)
    assert played(steps) == {}
    leaving.join(LEAVING_SECONDS / 2)
    assert not leaving.is_alive() and engine.status().active == 0
    assert held(played(asked(chat, "and now"))).messages[1].text == "You said: and now"


def test_a_second_click_is_not_a_second_message(tmp_path: Path) -> None:
    chat = handlers(tmp_path, FakeEngine(delay=0.001))
    steps = asked(chat, "once")
    next(steps)
    assert played(asked(chat, "once")) == {}
    assert held(played(steps)).messages[1].text == "You said: once"


def test_one_page_can_not_stop_another(tmp_path: Path) -> None:
    chat = handlers(tmp_path)
    steps = asked(chat, "a b c")
    next(steps), next(steps)
    chat.stop(gr.Request(session_hash="another page"))
    assert held(played(steps)).messages[1].text == "You said: a b c"


def test_regenerating_adds_a_version_and_greedy_adds_none_twice(tmp_path: Path) -> None:
    chat = handlers(tmp_path)
    raw = packed(held(played(asked(chat, "one two three four five six"))))
    again = held(played(chat.regenerate(REQUEST, raw, DEMO.name, "", *GREEDY)))
    assert len(again.messages[1].versions) == 1
    other = held(played(chat.regenerate(REQUEST, raw, DEMO.name, "", *SAMPLED)))
    assert len(other.messages[1].versions) == 2 and other.messages[1].chosen == 1
    assert other.messages[1].versions[0].text == "You said: one two three four five six"


def test_editing_drops_what_followed(tmp_path: Path) -> None:
    chat = handlers(tmp_path)
    raw = packed(held(played(asked(chat, "second", packed(held(played(asked(chat, "first"))))))))
    box = dict(zip(SCREEN, chat.edit(raw, data_event(index=0)), strict=True))
    assert (box["message"], box["editing"]) == ("first", 0)
    texts = [message.text for message in held(played(asked(chat, "other", raw, editing=0))).messages]
    assert texts == ["other", "You said: other"]


@pytest.mark.parametrize(
    ("message", "values", "words"),
    [
        ("x" * 101, GREEDY, "101 characters"),
        ("hello", tuple(SamplingValues(temperature=9)), "temperature is 9"),
        ("hello", tuple(SamplingValues(top_p="much")), "top_p is 'much'"),  # type: ignore[arg-type]
        ("hello", tuple(SamplingValues(seed="0x7")), "seed is"),
    ],
)
def test_a_refused_message_stays_in_the_box(tmp_path: Path, message: str, values: Any, words: str) -> None:
    page = played(asked(handlers(tmp_path, max_text=100), message, values=values))
    assert page["message"] == message and words in page["live"].replace("&#x27;", "'")
    assert "current" not in page


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("junk", [None, 7, True, ["x"], {"a": "{"}])
def test_values_of_another_kind_are_read_as_text_or_refused_in_words(tmp_path: Path, place: int, junk: Any) -> None:
    given: list[Any] = ["hello", "", DEMO.name, ""]
    given[place] = junk
    message, raw, checkpoint, system = given
    page = played(handlers(tmp_path).send(REQUEST, message, None, raw, checkpoint, system, *GREEDY))
    assert "broke inside the app" not in page.get("live", "")
    assert ("wb-problem" in page.get("live", "")) == (place in (1, 2) and (place, junk) != (1, None))


def test_a_failing_engine_gives_the_message_back(tmp_path: Path) -> None:
    failure = BusyError("32 requests are waiting.", remedy="Try again in a moment.")
    steps = list(asked(handlers(tmp_path, FakeEngine(failure=failure)), "hello"))
    page = played(steps)
    assert page["message"] == "hello" and "32 requests are waiting." in page["live"]
    assert all(played([step]).get("stop", IDLE["stop"]) == IDLE["stop"] for step in steps)  # refused before it began
    assert held(page).messages == ()
    assert page["send"]["visible"] is True


def test_a_fault_of_our_own_leaves_the_page_at_rest(tmp_path: Path) -> None:
    def broken(prompt: str, parameters: object) -> str:
        raise RuntimeError("secret detail")

    page = played(asked(handlers(tmp_path, FakeEngine(broken)), "hello"))
    assert page["message"] == "hello" and "Something broke" in page["live"] and "secret" not in str(page)
    assert page["send"]["visible"] is True and page["stop"]["visible"] is False


def test_an_unknown_checkpoint_and_a_damaged_conversation_are_told(tmp_path: Path) -> None:
    chat = handlers(tmp_path)
    assert "no checkpoint" in played(chat.send(REQUEST, "hi", None, "", "../etc", "", *GREEDY))["live"]
    assert "damaged" in played(asked(chat, "hi", raw="{"))["live"]
    for handler in (chat.version, chat.edit):
        assert "damaged" in dict(zip(SCREEN, handler("{", data_event(index=0, version=0)), strict=True))["live"]


def test_events_without_numbers_are_refused(tmp_path: Path) -> None:
    raw = packed(with_user(new_conversation(0.0, "a"), "hi"))
    for sent in ({}, {"index": "0"}, {"index": True}, {"index": 99}, {"index": -1}):
        assert "wb-problem" in dict(zip(SCREEN, handlers(tmp_path).edit(raw, data_event(**sent)), strict=True))["live"]


def test_undo_and_clear(tmp_path: Path) -> None:
    chat = handlers(tmp_path)
    raw = packed(with_answer(with_user(new_conversation(0.0, "a"), "hi"), Version("there")))
    page = dict(zip(SCREEN, chat.undo(REQUEST, raw, DEMO.name), strict=True))
    assert page["message"] == "hi" and held(page).messages == ()
    page = dict(zip(SCREEN, chat.clear(REQUEST, raw, DEMO.name, ""), strict=True))
    assert len(held(page).messages) == 2
    page = dict(zip(SCREEN, chat.clear(REQUEST, raw, DEMO.name, "sure"), strict=True))
    assert held(page).messages == () and held(page).id == "a" and "wb-start" in page["thread"]


@given(st.text(), st.text())
def test_what_the_browser_keeps_comes_back(message: str, answer: str) -> None:
    conversation = with_answer(with_user(new_conversation(1.5, "a"), message), Version(answer))
    assert to_data(unpacked(packed(conversation))) == to_data(conversation)


@given(st.text())
def test_any_other_text_is_refused_and_not_a_crash(raw: str) -> None:
    if raw:
        with pytest.raises(ConversationError):
            unpacked(raw)


def test_a_part_that_does_not_exist_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        screen(chatbot="")
