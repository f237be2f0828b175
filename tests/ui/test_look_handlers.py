from __future__ import annotations

import json
from array import array

import gradio as gr
import pytest

from t5gemma_app.engine.fake import FakeEngine
from t5gemma_app.engine.types import CrossAttention
from t5gemma_app.errors import InputError
from t5gemma_app.ui.look_handlers import PIECES, START, WORDS, LookHandlers
from t5gemma_app.ui.look_shelf import LookShelf
from tests.ui.fakes import DEMO, HEAD, OTHER, fake_services


def look(handlers, prompt="Where is it?", answer="", name=DEMO.name, by_word=WORDS):
    return list(handlers.look(gr.Request(session_hash="s"), prompt, answer, name, by_word))


@pytest.fixture
def handlers(tmp_path):
    return LookHandlers(fake_services(tmp_path, FakeEngine()))


def test_a_prompt_is_answered_and_looked_into(handlers):
    steps = look(handlers)
    assert "Loading t5gemma-demo-chat" in steps[0].result and "Answering" in steps[-3].result
    assert "Looking" in steps[-2].result and not steps[-2].start["visible"]
    last = steps[-1]
    assert 'class="wb-look"' in last.result and "written with sdpa" in last.result
    assert (last.layer["maximum"], last.head["maximum"]) == (2, 2)
    assert last.key.endswith(f" {DEMO.name}") and last.start["visible"]


def test_a_given_answer_is_looked_into_without_writing_one(handlers):
    last = look(handlers, answer="It is here")[-1]
    assert 'class="wb-look"' in last.result
    assert handlers.services.engine.requests == []  # type: ignore[attr-defined]


def test_another_layer_and_view_is_shown_of_what_was_seen(handlers):
    key = look(handlers)[-1].key
    whole, layer = handlers.shown(key, 0, 0, WORDS), handlers.shown(key, 2, 2, WORDS)
    assert whole != layer and 'class="wb-look"' in layer
    assert handlers.shown(key, 0, 0, PIECES).count("wb-look-source-word") >= whole.count("wb-look-source-word")
    assert "There is no layer 9" in handlers.shown(key, 9, 0, WORDS)
    assert "The layer is 1.5" in handlers.shown(key, 1.5, 0, WORDS)
    assert "not kept any more" in handlers.shown("forged name", 0, 0, WORDS)


def test_the_heat_map_is_saved_under_its_layer_and_head(handlers):
    key = look(handlers)[-1].key
    file = json.loads(handlers.saved(key, 0, 2, WORDS)[0])
    assert file["name"] == "attention-layers-head2.svg" and file["content"].startswith("<?xml")
    assert "all layers, head 2" in file["content"]
    assert "Nothing was looked into yet" in handlers.saved("", 0, 0, WORDS)[1]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"prompt": " "}, "message is empty"),
        ({"name": "nothing"}, "There is no checkpoint"),
        ({"name": HEAD.name}, "writes no text"),
        ({"name": "t5gemma-2b-2b-ul2-it"}, "can&#x27;t be used yet"),
        ({"answer": "word " * 200}, "The answer has"),
    ],
)
def test_what_is_wrong_is_said(handlers, values, words):
    last = look(handlers, **values)[-1]
    assert words in last.result and last.key == "" and last.start["visible"]


def test_leaving_early_stops_the_answer(handlers):
    steps = handlers.look(gr.Request(session_hash="s"), "a b c d", "", DEMO.name, WORDS)
    while "Answering" not in next(steps).result:
        pass
    steps.close()
    assert handlers.services.engine.status().active == 0


def test_the_list_and_the_hint_follow_the_checkpoint(handlers):
    assert handlers.refreshed("gone")["value"] == DEMO.name
    assert "value" not in handlers.refreshed(OTHER.name)
    assert handlers.picked(DEMO.name)[1]["placeholder"].startswith("What is")
    assert "needs" in handlers.picked("t5gemma-2b-2b-ul2")[0] or "wb-access" in handlers.picked("t5gemma-2b-2b-ul2")[0]
    assert handlers.stopped().result == START


def test_the_shelf_forgets_the_oldest_that_nobody_looked_at():
    seen = CrossAttention((), (), 1, 1, array("f", [0.0] * 10))
    shelf = LookShelf(most_bytes=85)
    first, second = shelf.add(seen), shelf.add(seen)
    shelf.get(first)
    third = shelf.add(seen)
    assert shelf.get(first) is shelf.get(third) is seen
    with pytest.raises(InputError, match="not kept any more"):
        shelf.get(second)
    big = CrossAttention((), (), 1, 1, array("f", [0.0] * 100))
    assert shelf.get(shelf.add(big)) is big  # the newest stays, however large
