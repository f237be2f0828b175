"""Opening, naming, importing and exporting conversations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from t5gemma_app.tasks.archive import to_json
from t5gemma_app.tasks.conversation import Version, new_conversation, with_answer, with_checkpoint, with_user
from t5gemma_app.ui.chat_handlers import SCREEN, ChatHandlers, packed, unpacked
from t5gemma_app.ui.running import RunningAnswers
from t5gemma_app.ui.shelf_handlers import ShelfHandlers
from tests.ui.fakes import DEMO, OTHER, fake_services

REQUEST = gr.Request(session_hash="page")
HELD = with_answer(with_user(new_conversation(1.0, "a"), "hi"), Version("there"))


@pytest.fixture
def handlers(tmp_path: Path) -> ShelfHandlers:
    return ShelfHandlers(ChatHandlers(fake_services(tmp_path), RunningAnswers()))


def opened(handlers: ShelfHandlers, raw: str, chosen: str | None) -> dict[str, Any]:
    return dict(zip((*SCREEN, "title", "checkpoint", "system"), handlers.opened(REQUEST, raw, chosen), strict=True))


def test_a_new_page_opens_with_the_default(handlers: ShelfHandlers) -> None:
    page = opened(handlers, "", None)
    assert page["checkpoint"] == DEMO.name and "wb-start" in page["thread"] and page["title"] == ""
    assert unpacked(page["current"]).checkpoint == DEMO.name


def test_a_conversation_brings_its_own_checkpoint(handlers: ShelfHandlers) -> None:
    assert opened(handlers, packed(with_checkpoint(HELD, OTHER.name)), DEMO.name)["checkpoint"] == OTHER.name
    assert opened(handlers, packed(with_checkpoint(HELD, "gone")), OTHER.name)["checkpoint"] == OTHER.name


def test_a_damaged_one_is_told_and_replaced(handlers: ShelfHandlers) -> None:
    page = opened(handlers, '{"id": "../../x"}', None)
    assert "wb-problem" in page["live"] and unpacked(page["current"]).messages == ()


def test_renaming(handlers: ShelfHandlers) -> None:
    raw, title = handlers.renamed(packed(HELD), "  Fruit \n basket ")
    assert unpacked(raw).title == title == "Fruit"
    assert unpacked(handlers.renamed(packed(HELD), "")[0]).title == "hi"


def test_export_and_import_keep_everything_but_the_id(handlers: ShelfHandlers) -> None:
    written = handlers.as_json(packed(HELD))
    (raw,) = json.loads(handlers.imported(written.encode()))
    back = unpacked(raw)
    assert back.messages == HELD.messages and back.id != HELD.id
    assert "> hi" in handlers.as_markdown(packed(HELD))


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe", b"[]", b'{"format": "other"}', b"[" * 100_000])
def test_a_foreign_file_changes_nothing(handlers: ShelfHandlers, content: bytes | None) -> None:
    with pytest.warns(UserWarning):  # outside a request gradio turns the notice into a warning
        assert handlers.imported(content) == ""


def test_several_conversations_come_in_together(handlers: ShelfHandlers) -> None:
    found = json.loads(handlers.imported(to_json([HELD, HELD]).encode()))
    assert len({unpacked(raw).id for raw in found}) == 2
