"""What is said about a prompt before and beside its answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from t5gemma_app.tasks.conversation import Version, new_conversation, with_answer, with_user
from t5gemma_app.ui.access_words import checkpoint_choices
from t5gemma_app.ui.chat_handlers import ChatHandlers, packed, unpacked
from t5gemma_app.ui.prompt_handlers import METER_CHARACTERS, PromptHandlers
from t5gemma_app.ui.running import RunningAnswers
from tests.ui.fakes import DEMO, HEAD, OTHER, fake_services

HELD = packed(with_answer(with_user(new_conversation(1.0, "a"), "hi"), Version("there")))
LOCKED = "t5gemma-s-s-ul2-it"


@pytest.fixture
def handlers(tmp_path: Path) -> PromptHandlers:
    services = fake_services(tmp_path)
    services.access.refresh(services.catalogue.all())
    return PromptHandlers(services, ChatHandlers(services, RunningAnswers()))


def test_ready_checkpoints_come_first_and_others_say_why_not(handlers: PromptHandlers) -> None:
    choices = checkpoint_choices(handlers.services)
    assert [name for _, name in choices[:2]] == [DEMO.name, OTHER.name]
    assert (f"{LOCKED} (offline)", LOCKED) in choices
    assert HEAD.name not in [name for _, name in choices]


def test_choosing_one_out_of_reach_says_what_to_do(handlers: PromptHandlers) -> None:
    current, note, thread = handlers.picked("", LOCKED)
    assert "wb-access" in note and LOCKED in thread and unpacked(current).checkpoint == LOCKED
    assert handlers.picked(HELD, DEMO.name)[1] == ""


def test_the_meter_counts_the_whole_prompt(handlers: PromptHandlers) -> None:
    alone = handlers.meter("one two", None, "", DEMO.name, "")
    after = handlers.meter("one two", None, HELD, DEMO.name, "")
    edited = handlers.meter("one two", 0, HELD, DEMO.name, "")
    assert "of 512 tokens" in alone and alone != after and edited == alone
    assert "513" not in handlers.meter("word " * 600, None, "", DEMO.name, "")
    assert "encoder takes 512" in handlers.meter("word " * 600, None, "", DEMO.name, "")


def test_the_meter_is_silent_where_counting_is_dear(handlers: PromptHandlers) -> None:
    assert handlers.meter("  ", None, "", DEMO.name, "") == ""
    assert handlers.meter("hi", None, "", LOCKED, "") == ""
    assert handlers.meter("hi", None, "", "nothing", "") == ""
    assert handlers.meter("x" * (METER_CHARACTERS + 1), None, "", DEMO.name, "") == ""


def test_what_is_sent_is_shown_exactly_and_as_text(handlers: PromptHandlers) -> None:
    html = handlers.sent("<b>bold</b>", HELD, DEMO.name, "Be brief.")
    assert "&lt;start_of_turn&gt;user\nBe brief.\n\nhi" in html and "&lt;b&gt;bold" in html and "<b>" not in html
    assert "sent for the last answer" in handlers.sent("", HELD, DEMO.name, "")
    assert "Write a message" in handlers.sent("", "", DEMO.name, "")
    assert "classification head" in handlers.sent("hi", "", HEAD.name, "")
