from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import pytest

from t5gemma_app.engine.fake import FakeEngine
from t5gemma_app.errors import InputError
from t5gemma_app.tasks.spans import Span
from t5gemma_app.tasks.tagging import Tagged, WordTag
from t5gemma_app.ui.file_handlers import NO_PAIR, FileHandlers
from t5gemma_app.ui.tag_carried import pack, unpack
from t5gemma_app.ui.tag_handlers import EVERY, FIRST, TagHandlers, start_html
from tests.ui.fakes import DEMO, HEAD, OTHER, TAGGER, fake_services
from tests.ui.naming import NamingEngine

TEXT = "Ada met Mia in London."


def handlers(folder, engine=None, further=(TAGGER,)):
    return TagHandlers(fake_services(folder, engine or NamingEngine(), further))


def tag(
    handlers, text=TEXT, name=TAGGER.name, labels="", places=EVERY, aggregation="first", scheme="auto", random=False
):
    request = gr.Request(session_hash="s")
    return list(handlers.tag(request, text, name, labels, places, aggregation, scheme, random))


def test_a_head_tags_a_text_and_says_what_it_does_meanwhile(tmp_path):
    steps = tag(handlers(tmp_path))
    assert "Loading a-tagger" in steps[0].result and "Reading the text" in steps[-2].result
    assert steps[0].stop["visible"] and not steps[0].start["visible"]
    last = steps[-1]
    assert last.result.count("<mark") == 3 and last.start["visible"]
    assert [span.label for span in unpack(last.carried).spans] == ["person", "person", "place"]


def test_labels_are_asked_for_where_there_is_no_head(tmp_path):
    engine = FakeEngine(lambda prompt, _: "Ada\nZed" if "every person" in prompt else "London")
    steps = tag(handlers(tmp_path, engine), name=DEMO.name, labels="person, place")
    assert any("Looking for place, 2 of 2" in step.result for step in steps)
    assert steps[-1].result.count("<mark") == 2
    assert "1 answer is not in the text and left out: person “Zed”" in steps[-1].result


def test_the_first_place_alone_can_be_marked(tmp_path):
    chosen = handlers(tmp_path, FakeEngine(lambda prompt, _: "a"))
    marks = [tag(chosen, "a b a", DEMO.name, "letter", places)[-1].result.count("<mark") for places in (EVERY, FIRST)]
    assert marks == [2, 1]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"text": " "}, "The text is empty"),
        ({"text": "x" * 100_001}, "has 100,001 characters"),
        ({"name": "nothing"}, "There is no checkpoint"),
        ({"name": HEAD.name}, "has no token head"),
        ({"name": DEMO.name}, "There are no labels"),
        ({"name": "t5gemma-2b-2b-ul2", "labels": "x"}, "can&#x27;t be used yet"),
        ({"scheme": "IOB9"}, "There is no scheme"),
        ({"aggregation": "sum"}, "no aggregation"),
    ],
)
def test_what_is_wrong_is_said_in_the_place_of_the_result(tmp_path, values, words):
    last = tag(handlers(tmp_path), **values)[-1]
    assert words in last.result and "wb-problem" in last.result
    assert last.carried == "" and last.start["visible"]


def test_a_random_head_is_used_only_when_asked_for(tmp_path):
    chosen = handlers(tmp_path, further=(replace(TAGGER, random_head=True),))
    assert "no trained weights" in tag(chosen)[-1].result
    assert "these labels mean nothing" in tag(chosen, random=True)[-1].result


def test_the_tab_opens_with_a_head_where_there_is_one(tmp_path):
    assert handlers(tmp_path).opening() == TAGGER
    assert handlers(tmp_path).choices()[0] == (TAGGER.name, TAGGER.name)
    assert handlers(tmp_path, further=()).opening().name == DEMO.name
    assert handlers(tmp_path).refreshed("gone")["value"] == TAGGER.name
    assert "value" not in handlers(tmp_path).refreshed(OTHER.name)


def test_controls_suit_the_checkpoint(tmp_path):
    access, asking, reading, start = handlers(tmp_path).picked(TAGGER.name)
    assert (access, asking["visible"], reading["visible"]) == ("", False, True)
    assert "person, place, date" in start
    _, asking, reading, start = handlers(tmp_path).picked(DEMO.name)
    assert (asking["visible"], reading["visible"]) == (True, False)
    assert "asked for each label" in start
    assert "No checkpoint yet" in start_html(None)


def test_exports_keep_the_threshold(tmp_path):
    chosen = handlers(tmp_path)
    carried = tag(chosen, "Ada saw Oslo")[-1].carried
    content = json.loads(chosen.export(carried, 0, "json")[0])
    assert content["name"] == "tags.json" and len(json.loads(content["content"])["spans"]) == 2
    sure = json.loads(chosen.export(carried, 0.9, "conll")[0])
    assert sure["content"] == "Ada\tB-person\nsaw\tO\nOslo\tO\n"
    assert "Nothing was tagged yet" in chosen.export("", 0, "json")[1]


def test_what_the_browser_keeps_comes_back():
    words = (WordTag(0, 3, "B-x", 0.0), WordTag(4, 7, "O", 0.0))
    one = Tagged("Ada saw", (Span(0, 3, "x", 0.5),), words, (), ("x",), "BIO", "", outside="O")
    assert unpack(pack(one)) == one


@pytest.mark.parametrize(
    "raw",
    [
        "{",
        "[]",
        '{"text":"ab","scheme":"BIO","outside":"O","spans":[[0,9,"x",1.0]],"words":[]}',
        '{"text":"ab","scheme":"BIO","outside":"O","spans":[[1,2,"x",1.0],[0,1,"x",1.0]],"words":[]}',
        '{"text":"ab","scheme":"BIO","outside":"O","spans":[],"words":[[-1,1,"x"]]}',
        '{"text":"ab","scheme":"ABC","outside":"O","spans":[],"words":[]}',
        '{"text":"ab","scheme":"BIO","outside":"O","spans":[],"words":[],"more":1}',
    ],
)
def test_what_is_damaged_is_refused(raw):
    with pytest.raises(InputError, match="damaged"):
        unpack(raw)


@pytest.fixture
def files(tmp_path):
    services = fake_services(tmp_path / "data", NamingEngine(), (TAGGER,))
    yield FileHandlers(services, TagHandlers(services).file_order, pairs=False)
    services.close()


@pytest.mark.parametrize(
    ("content", "column", "added"),
    [
        ('{"text": "Mia in Oslo"}\n', "text", None),
        ('{"tokens": ["Mia", "in", "Oslo"]}\n', "tokens", ["B-person", "O", "B-place"]),
    ],
)
def test_a_file_is_tagged_and_comes_back(files, tmp_path, content, column, added):
    source = tmp_path / "in.jsonl"
    source.write_text(content)
    request = SimpleNamespace(client=SimpleNamespace(host="127.0.0.1"), session_hash="s")
    values = (TAGGER.name, "", EVERY, "first", "auto", False, 0.0)
    ids, notice, _ = files.start(request, [], str(source), column, NO_PAIR, *values)
    assert notice == ""
    deadline = time.monotonic() + 60
    while files.services.files().get(ids[0]).state.open and time.monotonic() < deadline:
        time.sleep(0.02)
    html = files.shown(ids, "")[0]
    assert 'data-state="done"' in html and html.count("100.0 %") == 2  # of the rows, which can have several
    event = SimpleNamespace(_data={"act": "get-jsonl", "job": ids[0]})
    row = json.loads(Path(files.steered(ids, event)[2]["value"]).read_text(encoding="utf-8"))
    assert [span["label"] for span in row["spans"]] == ["person", "place"]
    assert row.get("tags") == added


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ((DEMO.name, " ", EVERY, "first", "auto", False, 0.0), "no labels"),
        ((TAGGER.name, "", EVERY, "sum", "auto", False, 0.0), "no aggregation"),
        (("nothing", "", EVERY, "first", "auto", False, 0.0), "There is no checkpoint"),
        (("t5gemma-2b-2b-ul2", "x", EVERY, "first", "auto", False, 0.0), "can&#x27;t be used yet"),
    ],
)
def test_a_file_that_can_not_be_tagged_is_said(files, tmp_path, values, words):
    source = tmp_path / "in.csv"
    source.write_text("text\nMia\n")
    assert words in files.start(SimpleNamespace(), [], str(source), "text", NO_PAIR, *values)[1]
