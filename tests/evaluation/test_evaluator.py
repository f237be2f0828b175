import subprocess
import sys
import threading
import time
from dataclasses import replace

import pytest

from t5gemma_app.engine.fake import FakeEngine
from t5gemma_app.errors import EngineError, InputError, StoreError, UnknownCheckpointError, UnknownRunError
from t5gemma_app.evaluation.evaluator import Evaluator
from t5gemma_app.evaluation.leaderboard import Filter
from t5gemma_app.evaluation.records import RunOrder, RunState
from tests.evaluation.test_runner import outcome, undisturbed
from tests.evaluation.world import ROWS, World

TOTAL = 3 * ROWS


class Stepping(FakeEngine):
    """Scores a batch only when told to, so that a test sees every state."""

    def __init__(self) -> None:
        super().__init__()
        self.free = threading.Event()
        self.entered = threading.Semaphore(0)
        self.names: list[str] = []

    def score(self, checkpoint, requests, *, budget=None):
        self.entered.release()
        self.free.wait(20)
        self.names += [checkpoint.name] * len(requests)
        return super().score(checkpoint, requests, budget=budget)


def evaluator(world: World) -> Evaluator:
    return Evaluator(world.engine, world.planner, world.store)


@pytest.fixture
def world(tmp_path) -> World:
    return World(tmp_path, Stepping())


@pytest.fixture
def running(world):
    opened = evaluator(world)
    yield opened
    world.engine.free.set()
    opened.close()


def until(true, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_runs_are_worked_off_one_after_the_other(world, running) -> None:
    first = running.start(world.order("tiny"))
    second = running.start(world.order("other"))
    world.engine.entered.acquire()
    assert [run.state for run in running.runs()] == [RunState.RUNNING, RunState.QUEUED]
    assert running.progress(first.id).total == TOTAL
    assert running.progress(second.id).done == 0
    world.engine.free.set()
    until(lambda: all(run.state is RunState.DONE for run in running.runs()))
    assert world.engine.names == ["tiny"] * TOTAL + ["other"] * TOTAL
    assert running.progress(first.id).done == TOTAL
    assert {one.run.id for one in running.store.finished()} == {first.id, second.id}


def test_a_run_is_paused_resumed_and_cancelled(world, running) -> None:
    run = running.start(world.order())
    world.engine.entered.acquire()
    running.pause(run.id)
    world.engine.free.set()
    until(lambda: running.store.runs.get(run.id).state is RunState.PAUSED)
    done = running.progress(run.id).done
    assert 0 < done < TOTAL
    time.sleep(0.05)
    assert running.progress(run.id).done == done
    world.engine.free.clear()
    running.resume(run.id)
    until(lambda: running.progress(run.id).state is RunState.RUNNING)
    running.cancel(run.id)
    world.engine.free.set()
    until(lambda: running.store.runs.get(run.id).state is RunState.CANCELLED)
    with pytest.raises(InputError, match="cancelled and can't be paused"):
        running.pause(run.id)


def test_the_same_order_again_resumes_instead_of_repeating(world, running) -> None:
    run = running.start(world.order())
    world.engine.entered.acquire()
    running.cancel(run.id)
    world.engine.free.set()
    until(lambda: running.store.runs.get(run.id).state is RunState.CANCELLED)
    assert running.start(world.order()).id == run.id
    until(lambda: running.store.runs.get(run.id).state is RunState.DONE)
    assert running.start(world.order()).state is RunState.DONE
    assert len(world.engine.names) == TOTAL


def test_closing_leaves_the_run_for_the_next_start(tmp_path) -> None:
    expected = undisturbed(tmp_path)
    world = World(tmp_path, Stepping())
    first = evaluator(world)
    run = first.start(world.order())
    world.engine.entered.acquire()
    closing = threading.Thread(target=first.close)
    closing.start()
    time.sleep(0.05)
    world.engine.free.set()
    closing.join()
    with pytest.raises(StoreError, match="closed"):
        first.runs()
    second = evaluator(world)
    assert second.store.runs.get(run.id).state is RunState.QUEUED
    assert 0 < second.progress(run.id).done < TOTAL
    second.begin()
    until(lambda: second.store.runs.get(run.id).state is RunState.DONE)
    assert (run.id, outcome(second.store, run.id)) == expected
    assert len(world.engine.names) == TOTAL
    second.close()


def test_a_run_of_a_killed_process_is_taken_up_at_the_start(tmp_path) -> None:
    expected = undisturbed(tmp_path)
    world = World(tmp_path)
    store = world.store()
    with subprocess.Popen([sys.executable, "-m", "tests.evaluation.world", str(tmp_path), "0.05"]) as process:
        until(lambda: any(store.journal.answered(run.id) for run in store.runs.all()))
        process.kill()
    (run,) = store.runs.all()
    assert run.state is RunState.RUNNING
    store.close()
    taking_up = evaluator(world)
    taking_up.begin()
    until(lambda: taking_up.store.runs.get(run.id).state is RunState.DONE)
    assert (run.id, outcome(taking_up.store, run.id)) == expected
    taking_up.close()


def test_a_failing_run_says_why_and_the_next_one_begins(tmp_path) -> None:
    class Breaking(FakeEngine):
        def score(self, checkpoint, requests, *, budget=None):
            if checkpoint.name == "tiny":
                raise EngineError("The computation failed.")
            if len(requests) > 10**6:
                raise AssertionError
            return super().score(checkpoint, requests, budget=budget)

    world = World(tmp_path, Breaking())
    opened = evaluator(world)
    first, second = opened.start(world.order("tiny")), opened.start(world.order("other"))
    until(lambda: opened.store.runs.get(second.id).state is RunState.DONE)
    failed = opened.store.runs.get(first.id)
    assert (failed.state, failed.failure) == (RunState.FAILED, "The computation failed.")
    opened.close()


def test_finished_runs_are_ranked_and_compared(tmp_path) -> None:
    world = World(tmp_path)
    opened = evaluator(world)
    first, second = opened.start(world.order("tiny")), opened.start(world.order("other"))
    cut = opened.start(world.order("tiny", limit=4))
    until(lambda: len(opened.finished()) == 3)
    rows = {row.run_id: row for row in opened.leaderboard(Filter(published=False))}
    assert set(rows) == {first.id, second.id, cut.id}
    assert rows[cut.id].rank is None
    found = opened.compare(first.id, second.id)
    assert [task.n for task in found.tasks] == [ROWS] * 3
    assert found.overall.value == pytest.approx(rows[first.id].score.value - rows[second.id].score.value)
    assert [task.n for task in opened.compare(cut.id, second.id).tasks] == [4, 4, 4]
    opened.store.runs.remove(second.id)
    assert len(opened.finished()) == 2
    with pytest.raises(UnknownRunError):
        opened.compare(first.id, second.id)
    opened.close()


def test_a_run_that_is_not_done_is_not_compared(world, running) -> None:
    run = running.start(world.order())
    with pytest.raises(InputError, match="finished"):
        running.compare(run.id, run.id)


def test_a_run_whose_weights_changed_is_not_continued(world, running) -> None:
    run = running.start(world.order())
    world.engine.entered.acquire()
    running.pause(run.id)
    world.engine.free.set()
    until(lambda: running.store.runs.get(run.id).state is RunState.PAUSED)
    (world.folder / "tiny" / "model.safetensors").write_text("other weights")
    running.resume(run.id)
    until(lambda: running.store.runs.get(run.id).state is RunState.FAILED)
    failure = running.store.runs.get(run.id).failure
    assert "revision changed" in failure
    assert "Start a new run" in failure
    assert running.start(world.order()).id != run.id


@pytest.mark.parametrize(
    ("order", "error", "says"),
    [
        (RunOrder("thre", "tiny"), InputError, "three"),
        (RunOrder("three", "tiy"), UnknownCheckpointError, "tiny"),
        (RunOrder("three", "tiny", "/nowhere"), InputError, "/nowhere"),
        (RunOrder("three", "tiny", formatter="nice@1"), InputError, "nice@1"),
    ],
)
def test_a_wrong_order_is_refused_before_anything_is_queued(world, running, order, error, says) -> None:
    with pytest.raises(error, match=says):
        running.start(order)
    assert running.runs() == []


def test_strangers_name_suites_and_checkpoints_but_no_files(world, running) -> None:
    path = str(world.suites / "three.yaml")
    with pytest.raises(InputError, match="no suite"):
        running.start(replace(world.order(), suite=path))
    with pytest.raises(UnknownCheckpointError):
        running.start(replace(world.order(), checkpoint=str(world.folder)))
    assert world.planner.draft(replace(world.order(), suite=path)).spec.suite == "three"


def test_nothing_is_opened_before_it_is_needed(tmp_path) -> None:
    world = World(tmp_path)
    opened = evaluator(world)
    assert not world.file.exists()
    opened.close()
    assert not world.file.exists()


def test_the_pulse_stands_still_only_while_nothing_changes(world, running) -> None:
    resting = running.pulse()
    assert running.pulse() == resting
    run = running.start(world.order())
    queued = running.pulse()
    assert queued != resting
    world.engine.free.set()
    until(lambda: running.progress(run.id).state is RunState.DONE)
    assert running.pulse() != queued


def test_what_a_run_will_cost_is_known_after_the_first_one(world, running) -> None:
    world.engine.free.set()
    order = world.order()
    before = running.cost(order, ["tiny", "other"])
    assert (before.examples, before.seconds, before.unmeasured) == (2 * TOTAL, None, ("tiny", "other"))
    run = running.start(order)
    until(lambda: running.progress(run.id).state is RunState.DONE)
    after = running.cost(order, ["tiny", "other"])
    assert after.seconds is not None and after.seconds > 0
    assert after.unmeasured == ("other",)
