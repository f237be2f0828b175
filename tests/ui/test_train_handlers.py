"""The steps of the Train tab: what a file shows, what its check says, and who may do anything at all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from t5gemma_app.services import Services
from t5gemma_app.training.jobs import TrainState
from t5gemma_app.ui.train_form import CONTROLS, FILE, HUB, KNOWN
from t5gemma_app.ui.train_handlers import TrainHandlers
from tests.training.rows import opinions, write_rows
from tests.ui.fakes import DEMO, HEAD, fake_services

PUBLIC = {"host": "0.0.0.0"}


@dataclass
class Pressed:
    """What Gradio hands over when a button of a run is pressed."""

    _data: Any


def handlers_over(folder: Path, **wishes: object) -> TrainHandlers:
    services: Services = fake_services(folder / "data", **wishes)
    services.training().close()  # nothing is started here
    return TrainHandlers(services)


@pytest.fixture
def handlers(tmp_path: Path) -> Iterator[TrainHandlers]:
    yield handlers_over(tmp_path)


def values(folder: Path, rows: list[dict[str, Any]] | None = None, **others: Any) -> list[Any]:
    file = write_rows(folder / "rows.jsonl", opinions(50) if rows is None else rows)
    given = {"checkpoint": DEMO.name, "teach": "Labels", "name": "mine", "source": FILE, "train": str(file)}
    return [(given | others).get(name) for name in CONTROLS]


def test_a_file_shows_its_columns_and_rows(handlers: TrainHandlers, tmp_path: Path) -> None:
    looked = handlers.looked(*values(tmp_path))
    assert looked.first["choices"] == ["text", "label"] and looked.first["value"] == "text"
    assert looked.second["value"] == "label" and looked.pair["visible"] and "wb-picked" in looked.preview
    other = handlers.marked(*values(tmp_path, first="label", second="text"))
    assert other.index(">label<") < other.index(">text<")
    assert handlers.looked(*values(tmp_path, train=None)).preview == ""


def test_the_check_says_what_the_rows_are_like_or_what_the_command_line_would(
    handlers: TrainHandlers, tmp_path: Path
) -> None:
    html, start = handlers.checked(*values(tmp_path))
    assert "45 rows" in html and "6 steps" in html and start["interactive"]
    html, start = handlers.checked(*values(tmp_path, second="stars"))
    assert "rows.jsonl, line 1 has no column &#x27;stars&#x27;." in html and not start["interactive"]
    assert str(tmp_path) not in html
    assert handlers.checked(*values(tmp_path, train=None))[0] == ""
    assert "The rate is" in handlers.checked(*values(tmp_path, rate="x"))[0]


def test_a_run_is_queued_named_and_steered(handlers: TrainHandlers, tmp_path: Path) -> None:
    assert handlers.suggested("Labels") == "my-classifier"
    notice, name, runs, timer, seen = handlers.start(None, *values(tmp_path, name="my-classifier"))
    assert notice == "" and name == "my-classifier-2" and "waiting for its turn" in runs and timer.active
    assert handlers.refresh(seen).runs != runs  # nothing is sent twice
    assert "called my-classifier already" in handlers.start(None, *values(tmp_path, name="my-classifier"))[0]
    assert "no name" in handlers.start(None, *values(tmp_path, name=""))[0]
    pressed: Any = Pressed({"act": "cancel", "run": "my-classifier"})
    assert handlers.steer(seen, pressed)[0] == ""
    assert handlers.desk.get("my-classifier").state is TrainState.CANCELLED
    for act, run in (("explode", "my-classifier"), ("remove", "../data"), ("resume", "")):
        pressed = Pressed({"act": act, "run": run})
        assert "wb-problem" in handlers.steer(seen, pressed)[0]
    pressed = Pressed({"act": "remove", "run": "my-classifier"})
    assert "Nothing was trained yet" in handlers.steer(seen, pressed)[1]


def test_strangers_may_nothing_unless_the_owner_says_so(tmp_path: Path) -> None:
    (tmp_path / "sets" / "mine").mkdir(parents=True)
    write_rows(tmp_path / "sets" / "mine" / "train.jsonl", opinions(20))
    closed = handlers_over(tmp_path, train_data=tmp_path / "sets", **PUBLIC)
    assert "T5GEMMA_TRAIN=1" in closed.closed_html() and closed.known() == []
    for chosen in (values(tmp_path), values(tmp_path, source=KNOWN, known="mine")):
        assert "Visitors can" in closed.checked(*chosen)[0] and closed.looked(*chosen).preview == ""
        assert "Visitors can" in closed.start(None, *chosen)[0]
    pressed: Any = Pressed({"act": "remove", "run": "mine"})
    assert "Visitors can" in closed.steer(None, pressed)[0] and closed.desk.jobs() == []

    allowed = handlers_over(tmp_path, train_data=tmp_path / "sets", train=True, **PUBLIC)
    assert allowed.closed_html() == "" and allowed.known() == [("mine", "mine")]
    assert "18 rows" in allowed.checked(*values(tmp_path, source=KNOWN, known="mine"))[0]
    hub = values(tmp_path, source=HUB, hub=f"a/b@{'0' * 40}#train")
    assert "tables of the Hub" in allowed.checked(*hub)[0] and "tables of the Hub" in allowed.start(None, *hub)[0]


def test_what_can_learn_what(handlers: TrainHandlers) -> None:
    labels, answers = ([name for _, name in handlers.bases(teach)] for teach in ("Labels", "Answers"))
    assert HEAD.name in labels and HEAD.name not in answers and DEMO.name in answers
    assert not any(name.startswith("t5gemma-2-270m") for name in labels)
    picker, name = handlers.taught("Answers", HEAD.name, "my-classifier-2")
    assert picker["value"] in answers and name == "my-chat"
    assert handlers.taught("Answers", DEMO.name, "opinions")[1] != "my-chat"


def test_the_sentence_follows_the_controls(handlers: TrainHandlers, tmp_path: Path) -> None:
    html = handlers.sentence(*values(tmp_path))
    assert f"Teach <b>{DEMO.name}</b> to <b>label texts</b> by the rows of <b>rows.jsonl</b>" in html
    assert "wb-problem" in handlers.sentence(*values(tmp_path, teach="x"))
