from __future__ import annotations

import json
import os
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from t5gemma_app.tasks.files.jobs import FileState
from t5gemma_app.ui.classify_handlers import ClassifyHandlers, Options
from t5gemma_app.ui.file_handlers import NO_PAIR, FileHandlers
from tests.ui.fakes import DEMO, HEAD, fake_services

OPTIONS = Options(HEAD.name, [], "topic", False, False, False, False, False, 0.5, False)
VISITOR = SimpleNamespace(client=SimpleNamespace(host="127.0.0.1"), session_hash="s")


@pytest.fixture
def handlers(tmp_path):
    services = fake_services(tmp_path / "data", max_rows=200)
    handlers = FileHandlers(services, ClassifyHandlers(services).file_order)
    yield handlers
    handlers.services.close()


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "reviews.csv"
    path.write_text("id,review,<b>note</b>\n" + "".join(f"{n},text {n},<i>\n" for n in range(60)) + "60,,x\n")
    return str(path)


def started(handlers, source, **wishes):
    ids, notice, upload = handlers.start(VISITOR, [], source, "review", NO_PAIR, *OPTIONS._replace(**wishes))
    assert notice == "" and upload is None
    return ids


def finish(handlers, ids):
    deadline = time.monotonic() + 60
    while handlers.services.files().get(ids[0]).state.open:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def act(handlers, ids, name, job=None):
    return handlers.steered(ids, SimpleNamespace(_data={"act": name, "job": job or ids[0]}))


def test_a_file_is_shown_before_anything_starts(handlers, source):
    looked = handlers.looked(source)
    assert looked.preview.count("<tr>") == 11 and "61 rows · 3 columns" in looked.preview
    assert "<b>note" not in looked.preview and "<i>" not in looked.preview
    assert looked.column["value"] == "review" and looked.second["value"] == NO_PAIR
    assert looked.start["interactive"] and looked.notice == ""
    assert handlers.marked(source, "id", "review").count("wb-picked") == 22
    assert not handlers.looked(None).start["interactive"]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", b"", "is empty"),
        ("a.csv", b"PK\x03\x04", "Excel"),
        ("a.csv", b"text,text\na,b\n", "two columns called"),
        ("a.csv", b"text\n" + b"x\n" * 201, "more than 200 rows"),
        ("a.<b>", b"text\nx\n", "ends in"),
    ],
)
def test_a_file_that_can_not_be_read_is_said(handlers, tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    looked = handlers.looked(str(tmp_path / name))
    assert words in looked.notice and "<b>" not in looked.notice and not looked.start["interactive"]


def test_a_file_is_labelled_and_comes_back(handlers, source):
    ids = started(handlers, source)
    finish(handlers, ids)
    html, timer, kept = handlers.shown(ids, "")
    assert 'data-state="done"' in html and "61 of 61 rows" in html and "1 without a label" in html
    assert timer.active is False and handlers.shown(ids, kept)[0] != html
    for kind in ("csv", "jsonl", "parquet"):
        _, notice, download = act(handlers, ids, f"get-{kind}")
        assert notice == "" and download["value"].endswith(f"reviews-labelled.{kind}")
    written = Path(act(handlers, ids, "get-jsonl")[2]["value"]).read_text(encoding="utf-8")
    rows = [json.loads(line) for line in written.splitlines()]
    assert len(rows) == 61 and rows[5]["label"] in HEAD.labels and rows[60]["error"] == "The text is empty."
    ids, _, _ = act(handlers, ids, "remove")
    assert ids == [] and "No file is being read" in handlers.shown(ids, "")[0]


def test_labels_of_ones_own_are_kept_with_the_file(handlers, source):
    ids = started(handlers, source, checkpoint=DEMO.name, labels=["red, blue"])
    finish(handlers, ids)
    html = handlers.shown(ids, "")[0]
    assert f"review by {DEMO.name} into red, blue" in html


@pytest.mark.parametrize(
    ("column", "wishes", "words"),
    [
        ("nothing", {}, "no column"),
        (None, {}, "0 columns"),
        ("review", {"checkpoint": DEMO.name}, "no labels"),
        ("review", {"checkpoint": "x"}, "There is no checkpoint"),
    ],
)
def test_what_can_not_be_started_is_said(handlers, source, column, wishes, words):
    _, notice, _ = handlers.start(VISITOR, [], source, column, NO_PAIR, *OPTIONS._replace(**wishes))
    assert words in notice


def test_only_whoever_knows_a_file_may_steer_it(handlers, source):
    ids = started(handlers, source)
    for sent in ("get-csv", "remove", "cancel"):
        assert "not here any more" in handlers.steered([], SimpleNamespace(_data={"act": sent, "job": ids[0]}))[1]
    assert "can&#x27;t be" in act(handlers, ids, "eat")[1]
    assert "no format" in act(handlers, ids, "get-exe")[1]
    finish(handlers, ids)
    assert handlers.services.files().get(ids[0]).state is FileState.DONE


@pytest.mark.parametrize("ids", [None, "{", {"a": 1}, [1, None], ["../../etc/passwd"], "x" * 5000])
def test_whatever_a_browser_keeps_does_no_harm(handlers, ids):
    html, timer, _ = handlers.shown(ids, "")
    assert "No file is being read" in html and timer.active is False


def test_files_to_download_do_not_pile_up(handlers, source, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temp"))
    (tmp_path / "temp").mkdir()
    ids = started(handlers, source)
    finish(handlers, ids)
    first, second = (Path(act(handlers, ids, "get-csv")[2]["value"]) for _ in range(2))
    assert first.is_file() and second.is_file()  # one that Gradio still copies stays
    os.utime(first.parent, (0, 0))
    act(handlers, ids, "get-csv")
    assert not first.exists() and second.is_file()


def test_visitors_of_a_public_server_share_the_queue(tmp_path, source):
    services = fake_services(tmp_path / "public", host="0.0.0.0")
    handlers = FileHandlers(services, ClassifyHandlers(services).file_order)
    handlers.services.engine.delay = 0.05
    ids = []
    for _ in range(2):
        ids, notice, _ = handlers.start(VISITOR, ids, source, "review", NO_PAIR, *OPTIONS)
        assert notice == ""
    assert "of yours are waiting" in handlers.start(VISITOR, ids, source, "review", NO_PAIR, *OPTIONS)[1]
    other = SimpleNamespace(client=SimpleNamespace(host="8.8.8.8"), session_hash="t")
    assert handlers.start(other, [], source, "review", NO_PAIR, *OPTIONS)[1] == ""
    handlers.services.engine.delay = 0.0
    handlers.services.close()
