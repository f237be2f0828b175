from __future__ import annotations

import json

import gradio as gr
import pytest

from t5gemma_app.engine.fake import FakeEngine
from t5gemma_app.ui.similar_handlers import MOST_LINES, MOST_ROWS, SimilarHandlers
from tests.ui.fakes import DEMO, HEAD, TAGGER, fake_services

REQUEST = gr.Request(session_hash="s")
FIRST = "late ferry\n\n late boat \nbread"


@pytest.fixture
def handlers(tmp_path):
    return SimilarHandlers(fake_services(tmp_path, FakeEngine(), (TAGGER,)))


def written(folder, rows, name="rows.csv"):
    path = folder / name
    path.write_text("\n".join(["id,text", *(f'{at},"{row}"' for at, row in enumerate(rows))]) + "\n", encoding="utf-8")
    return str(path)


def test_two_lists_become_a_map(handlers):
    steps = list(handlers.compare(REQUEST, FIRST, "a ferry\nrye bread", DEMO.name, "mean"))
    assert "Loading" in steps[0][0] and "Reading the texts" in steps[-2][0]
    kept = json.loads(steps[-1][1])
    assert kept["rows"] == ["late ferry", "late boat", "bread"] and kept["columns"] == ["a ferry", "rye bread"]
    assert kept["table"][0][0] > kept["table"][0][1] < kept["table"][2][1]
    file = json.loads(handlers.saved(steps[-1][1])[0])
    assert file["name"] == "similarity.svg" and "late boat" in file["content"]


def test_one_list_is_compared_with_itself_by_any_encoder(handlers):
    for name in (DEMO.name, HEAD.name, TAGGER.name):
        kept = json.loads(list(handlers.compare(REQUEST, FIRST, " ", name, "last"))[-1][1])
        assert kept["columns"] == kept["rows"]
        assert [kept["table"][at][at] for at in range(3)] == pytest.approx([1, 1, 1])
    assert {name for _, name in handlers.choices()} >= {DEMO.name, HEAD.name, TAGGER.name}


def test_the_nearest_rows_of_a_file_are_found(handlers, tmp_path):
    path = written(tmp_path, ["bread and butter", "", "The ferry was late", "a late ferry"])
    update, notice = handlers.looked(path)
    assert (update["choices"], update["value"], notice) == (["id", "text"], "text", "")
    last = list(handlers.nearest(REQUEST, "late ferry", path, "text", DEMO.name, "mean"))[-1]
    assert last.index("<td>4</td>") < last.index("<td>3</td>") < last.index("<td>1</td>")
    assert "<td>2</td>" not in last and "The nearest of 4 rows" in last


def test_a_long_file_is_read_as_far_as_somebody_waits(handlers, tmp_path):
    path = written(tmp_path, ["x"] * (MOST_ROWS + 5))
    last = list(handlers.nearest(REQUEST, "x", path, "text", DEMO.name, "mean"))[-1]
    assert f"first {MOST_ROWS:,} rows; the file has {MOST_ROWS + 5:,}" in last


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda h, _: list(h.compare(REQUEST, "", "", DEMO.name, "mean"))[-1][0], "The first list is empty"),
        (lambda h, _: list(h.compare(REQUEST, "a\n" * (MOST_LINES + 1), "", DEMO.name, "mean"))[-1][0], "has 41 texts"),
        (lambda h, _: list(h.compare(REQUEST, "a", "", "nothing", "mean"))[-1][0], "There is no checkpoint"),
        (lambda h, _: list(h.compare(REQUEST, "a", "", DEMO.name, "max"))[-1][0], "no pooling"),
        (lambda h, _: list(h.compare(REQUEST, "a", "", "t5gemma-2b-2b-ul2", "mean"))[-1][0], "can&#x27;t be used yet"),
        (lambda h, _: list(h.nearest(REQUEST, " ", "x", "text", DEMO.name, "mean"))[-1], "The question is empty"),
        (lambda h, _: list(h.nearest(REQUEST, "a", None, "text", DEMO.name, "mean"))[-1], "There is no file"),
        (lambda h, f: list(h.nearest(REQUEST, "a", written(f, ["b"]), "body", DEMO.name, "mean"))[-1], "has no column"),
        (lambda h, f: h.looked(written(f, [], "rows.csv"))[1], "has a header and no rows"),
        (lambda h, _: h.saved("")[1], "Nothing was compared yet"),
        (lambda h, _: h.saved("[1]")[1], "damaged"),
        (lambda h, _: h.saved('{"rows":["a"],"columns":["b"],"table":[[1,2]]}')[1], "damaged"),
    ],
)
def test_what_is_wrong_is_said(handlers, tmp_path, call, words):
    assert words in call(handlers, tmp_path)
