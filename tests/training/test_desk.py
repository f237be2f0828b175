"""Runs in the background: a real process that is cancelled, goes on at another desk, and leaves a checkpoint."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from t5gemma_app.checkpoints.catalogue import Catalogue
from t5gemma_app.checkpoints.trained import TrainedShelf
from t5gemma_app.errors import BusyError, InputError, RunTakenError, UnknownCheckpointError, UnknownRunError
from t5gemma_app.training.checking import KnownSets, Upload
from t5gemma_app.training.child import SAID, command_words, failure_of, locked
from t5gemma_app.training.data.reading import DataOrder
from t5gemma_app.training.data.rows import Columns
from t5gemma_app.training.desk import TrainDesk
from t5gemma_app.training.jobs import TrainJob, TrainOrder, TrainState
from t5gemma_app.training.plan import Plan
from tests.training.rows import opinions, save_base, tagged, write_rows

PATIENCE = 600.0
QUICK = Plan(steps=300, batch_rows=4, rate=1e-3, evaluate_every=75)


class World:
    """A desk over a folder that lists one checkpoint to begin with."""

    def __init__(self, folder: Path, base: Path | None = None, **limits: int) -> None:
        self.folder = folder
        self.base = base
        self.shelf = TrainedShelf(folder / "training")
        self.catalogue = Catalogue((), trained=self.shelf)
        self.sets = KnownSets(folder / "sets")
        self.limits = limits
        self.desk = self.new_desk()

    def new_desk(self) -> TrainDesk:
        names = self.catalogue.names
        return TrainDesk(
            self.shelf.folder, self.place_of, lambda: ["base", *names()], sets=self.sets, most_rows=500, **self.limits
        )

    def place_of(self, name: str) -> str:
        if name != "base":
            raise UnknownCheckpointError(f"There is no checkpoint {name!r}.")
        return str(self.base or self.folder / "base")

    def rows(self, rows: list[dict[str, Any]] | None = None, name: str = "my rows.jsonl") -> Upload:
        return Upload(write_rows(self.folder / "upload.jsonl", opinions(40) if rows is None else rows), name)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path, most_open=2, most_kept=3)
    world.desk.close()  # nothing is started unless a test wants that
    yield world


def order(name: str = "mine", **changes: Any) -> TrainOrder:
    return replace(TrainOrder(name, "base", "classify", plan=QUICK, cpu=True), **changes)


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.05)


def test_a_run_is_cancelled_goes_on_at_another_desk_and_is_listed(tmp_path: Path) -> None:
    world = World(tmp_path, save_base(tmp_path / "base"))
    desk, job = world.desk, world.desk.add(order(), world.rows())

    def stands(state: TrainState, beyond: int = 0) -> Callable[[], bool]:
        def found() -> bool:
            now = desk.get("mine")
            assert not now.failure, now.failure
            return now.state is state and desk.progress(now).step > beyond

        return found

    until(stands(TrainState.RUNNING, 2))
    desk.cancel("mine")
    until(stands(TrainState.CANCELLED))
    seen = desk.progress(job)
    assert 2 < seen.step < 300 == seen.total and (job.run / "state.pt").is_file() and not job.output.exists()
    assert world.catalogue.names() == ()

    desk.close()
    desk = world.new_desk()
    desk.resume("mine")
    until(stands(TrainState.RUNNING, seen.step))
    with pytest.raises(InputError, match="being trained"):
        desk.remove("mine")
    with pytest.raises(RunTakenError), locked(job):
        pass
    until(stands(TrainState.DONE))
    assert "Going on after step" in (job.home / SAID).read_text()
    log = [json.loads(line) for line in (job.run / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in log if line["event"] == "step"] == list(range(1, 301))
    outcome, progress = desk.outcome(job), desk.progress(job)
    assert outcome is not None and outcome.steps == 300 and outcome.scores[0].name == progress.metric == "accuracy"
    assert [one.step for one in progress.judged] == [75, 150, 225, 300]
    (trained,) = world.catalogue.all()
    assert (trained.name, trained.head, trained.labels) == ("mine", "sequence", ("0", "1"))
    with pytest.raises(InputError, match="called mine already"):
        desk.add(order(), world.rows())
    desk.remove("mine")
    assert world.catalogue.names() == () and not job.home.exists()
    with pytest.raises(InputError, match="called mine already"):  # what it was may still be in memory
        desk.add(order(), world.rows())
    desk.close()


def test_a_run_that_can_not_begin_says_why_without_places(tmp_path: Path) -> None:
    world = World(tmp_path)
    (tmp_path / "base").mkdir()
    job = world.desk.add(order(), world.rows())
    until(lambda: world.desk.get("mine").state is TrainState.FAILED)
    assert "holds no config.json" in world.desk.get("mine").failure
    assert (job.home / SAID).is_file() and world.catalogue.names() == ()
    world.desk.close()


@pytest.mark.parametrize(
    ("rows", "changes", "words"),
    [
        ([{"words": "a", "label": "x"}], {}, r"^my rows.jsonl, line 1 has no column 'text'. It has words, label"),
        ([], {}, "^my rows.jsonl holds no rows."),
        ([{"text": "a", "label": "x"}] * 12, {}, "^All rows have the label 'x'."),
        ([{"text": "a" * 1_000_000, "label": "x"}], {}, "^my rows.jsonl, line 1 has 1,000,000 characters in 'text'."),
        ([{"text": "a", "label": None}], {}, "^my rows.jsonl, line 1 has 'None' in 'label'."),
        (opinions(501), {}, "^There are more than 500 rows"),
        ([{"tokens": ["a", "b"], "tags": ["X"]}], {"task": "tag"}, "line 1 has 2 tokens and 1 tags"),
        (opinions(9), {"name": "../../x"}, "^The name is '../../x'"),
        (opinions(9), {"name": "BASE"}, "called BASE already"),
        (opinions(9), {"plan": replace(QUICK, dropout=2.0)}, "^dropout is 2.0."),
        (opinions(9), {"columns": Columns(text="a\0b")}, "characters that no text has"),
        (opinions(9), {"licence": "x" * 501}, "has 501 characters"),
        (opinions(9), {"limit": 0}, "^The number of rows is 0."),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_kept(
    world: World, rows: list[dict[str, Any]], changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError, match=words) as found:
        world.desk.add(order(**changes), world.rows(rows))
    assert str(world.folder) not in str(found.value)
    assert world.desk.jobs() == [] and not world.shelf.folder.exists()


def test_an_unknown_label_of_the_evaluation_rows_is_named(world: World) -> None:
    judged = Upload(write_rows(world.folder / "dev.jsonl", [{"text": "a", "label": "odd"}]), "dev.jsonl")
    with pytest.raises(InputError, match=r"^dev.jsonl, line 1 has the label 'odd'. The labels are 0, 1."):
        world.desk.check(order(), world.rows(), judged)


def test_the_check_tells_what_the_rows_are_like(world: World) -> None:
    facts = world.desk.check(order(), world.rows(opinions(100)))
    assert (facts.rows, facts.evaluation_rows, facts.held_out, facts.label_count) == (90, 10, True, 2)
    assert sum(count for _, count in facts.labels) == 90 and facts.baseline is not None
    words = world.desk.check(order(task="tag"), world.rows(tagged(50)))
    assert dict(words.labels).keys() == {"DET", "NOUN", "ADP", "PRON"} and words.rows == 45


def test_sets_are_chosen_by_name_and_nothing_else(world: World) -> None:
    for name in ("sentiment", "more/deep"):
        (world.folder / "sets" / name).mkdir(parents=True)
        write_rows(world.folder / "sets" / name / "train.jsonl", opinions(20))
    write_rows(world.folder / "sets" / "sentiment" / "dev.jsonl", opinions(7, seed=1))
    assert world.sets.names() == ("more/deep", "sentiment")
    assert world.desk.check(order(rows="sentiment")).evaluation_rows == 7
    for wrong in ("../sets/sentiment", str(world.folder), "gone"):
        with pytest.raises(InputError, match="no set of rows"):
            world.desk.check(order(rows=wrong))
    with pytest.raises(InputError, match="no rows to train on"):
        world.desk.check(order())
    with pytest.raises(InputError, match="names no data set of the Hub"):
        world.desk.check(order(rows="hub:someone/rows@main#train"))


def test_no_more_runs_than_the_limits(world: World) -> None:
    for number in range(2):
        world.desk.add(order(f"run-{number}"), world.rows())
    with pytest.raises(BusyError, match="2 runs are waiting"):
        world.desk.add(order("third"), world.rows())
    assert [job.state for job in world.desk.jobs()] == [TrainState.QUEUED] * 2
    assert world.desk.cancel("run-0").state is TrainState.CANCELLED
    world.desk.add(order("third"), world.rows())
    world.desk.cancel("third")
    with pytest.raises(BusyError, match="3 runs are kept"):
        world.desk.add(order("fourth"), world.rows())
    world.desk.remove("run-0")
    assert world.desk.resume("third").state is TrainState.QUEUED
    for name in ("run-0", "../base", ""):
        with pytest.raises(UnknownRunError):
            world.desk.cancel(name)


def test_the_command_takes_values_as_values(world: World) -> None:
    data = DataOrder("classify", ("--rows.csv",), columns=Columns(text="--output", pair="-x"))
    job = world.desk.add(order(licence="--json"), world.rows(name="--rows.jsonl"))
    words = command_words(job, data, "/a place")
    assert words[:2] == ["train", "finetune"] and all(word.startswith("--") for word in words[2:])
    assert {"--train=--rows.csv", "--text-column=--output", "--pair-column=-x", "--licence=--json"} <= set(words)
    assert "--cpu" in words and "--steps=300" in words and not any(word.startswith("--evaluation") for word in words)


def test_why_a_process_ended(world: World) -> None:
    job: TrainJob = world.desk.add(order(), world.rows())
    assert "signal 9" in failure_of(job, -9)
    assert failure_of(job, 1).startswith("The run ended with code 1.")
    (job.home / SAID).write_text("step 3\nError: The loss is no number in step 4.\n")
    assert failure_of(job, 1) == "The loss is no number in step 4."
