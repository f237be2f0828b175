import os
import random
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace

import pytest

from t5gemma_app.engine.fake import FakeEngine
from t5gemma_app.engine.types import ChoiceScore
from t5gemma_app.errors import (
    EngineError,
    InputError,
    OutOfMemoryError,
    RunFailedError,
    RunTakenError,
    StoppedError,
    StoreFullError,
)
from t5gemma_app.evaluation import runner as runner_file
from t5gemma_app.evaluation.records import RunState
from tests.evaluation.world import ROWS, World

TOTAL = 3 * ROWS


@pytest.fixture
def world(tmp_path) -> World:
    return World(tmp_path)


@pytest.fixture
def store(world):
    opened = world.store()
    yield opened
    opened.close()


def outcome(store, run_id):
    """Return everything of a run that must not depend on how often it was interrupted."""
    run = store.runs.get(run_id)
    assert run.state is RunState.DONE
    samples = {b.name: store.journal.samples(run_id, b.name) for b in run.spec.benchmarks}
    results = tuple(replace(result, seconds=0.0) for result in store.journal.results(run_id))
    return samples, results


def undisturbed(folder):
    world = World(folder / "undisturbed")
    store = world.store()
    run = world.runner(store).run(world.plan(store))
    found = run.id, outcome(store, run.id)
    store.close()
    return found


class Counting(FakeEngine):
    """Keeps the contexts it scored, and can be told to act before a call."""

    def __init__(self, before=lambda call: None, **options) -> None:
        super().__init__(**options)
        self.contexts: list[str] = []
        self.calls = 0
        self.before = before

    def score(self, checkpoint, requests, *, budget=None):
        self.calls += 1
        self.before(self.calls)
        self.contexts += [request.context for request in requests]
        return super().score(checkpoint, requests, budget=budget)


def test_a_run_answers_everything_once_and_sums_up(tmp_path) -> None:
    world = World(tmp_path, Counting())
    store = world.store()
    run = world.runner(store).run(world.plan(store))
    assert run.state is RunState.DONE
    assert len(world.engine.contexts) == TOTAL
    assert {name: counts.done for name, counts in store.journal.counts(run.id).items()} == dict.fromkeys(
        ("boolq", "cb", "multirc"), ROWS
    )
    (finished,) = store.finished()
    assert [b.n for b in finished.benchmarks] == [ROWS] * 3
    assert [[m.name for m in b.metrics] for b in finished.benchmarks] == [
        ["accuracy"], ["accuracy", "f1"], ["f1a", "em", "accuracy"],
    ]  # fmt: skip
    assert finished.score == pytest.approx(sum(b.score for b in finished.benchmarks) / 3)
    assert all(m.low <= m.value <= m.high for b in finished.benchmarks for m in b.metrics)
    assert run.environment.device == "cpu"
    assert run.environment.peak_bytes > 0
    assert [b.clusters for b in finished.benchmarks][2] == ROWS // 6
    store.close()


def test_longest_examples_come_first_and_the_result_knows_no_batches(tmp_path) -> None:
    expected = undisturbed(tmp_path)
    for number, tokens in enumerate((1, 17, 400, 100_000)):
        world = World(tmp_path / str(number), Counting())
        store = world.store()
        run = world.runner(store, first_tokens=tokens).run(world.plan(store))
        assert (run.id, outcome(store, run.id)) == expected
        lengths = [len(context) for context in world.engine.contexts[:ROWS]]
        assert max(lengths[-4:]) < min(lengths[:4])
        store.close()


def test_a_finished_run_is_not_computed_again(tmp_path) -> None:
    world = World(tmp_path, Counting())
    store = world.store()
    first = world.runner(store).run(world.plan(store))
    calls = world.engine.calls
    assert world.runner(store).run(world.plan(store)) == first
    assert world.engine.calls == calls
    store.close()


@pytest.mark.parametrize("wish", [RunState.PAUSED, RunState.CANCELLED])
def test_a_wish_is_obeyed_between_batches_and_resuming_repeats_nothing(tmp_path, wish) -> None:
    expected = undisturbed(tmp_path)
    world = World(tmp_path, Counting())
    store = world.store()
    plan = world.plan(store)
    world.engine.before = lambda call: store.runs.ask(plan.run.id, wish) if call == 3 else None
    run = world.runner(store).run(plan)
    assert run.state is wish
    assert 0 < len(store.journal.answered(run.id)) < TOTAL
    assert world.engine.calls == 3
    assert store.finished() == []
    run = world.runner(store).run(world.plan(store))
    assert (run.id, outcome(store, run.id)) == expected
    assert len(world.engine.contexts) == TOTAL
    store.close()


@pytest.mark.parametrize(
    ("error", "state", "failure"),
    [
        (EngineError("The computation failed: hf_abcdefgh12345678."), RunState.FAILED, "The computation failed: hf_…."),
        (StoppedError("bye"), RunState.QUEUED, ""),
        (KeyboardInterrupt(), RunState.PAUSED, ""),
        (ZeroDivisionError("x"), RunState.FAILED, "An error in the app: ZeroDivisionError. The log has the details."),
    ],
)
def test_however_a_run_ends_its_state_says_so_and_it_can_go_on(tmp_path, error, state, failure) -> None:
    expected = undisturbed(tmp_path)

    def break_down(call: int) -> None:
        if call == 4:
            raise error

    world = World(tmp_path, Counting(break_down))
    store = world.store()
    plan = world.plan(store)
    with pytest.raises(type(error)):
        world.runner(store).run(plan)
    broken = store.runs.get(plan.run.id)
    assert (broken.state, broken.failure) == (state, failure)
    assert store.journal.answered(broken.id)
    assert not store.leases.taken(broken.id)
    run = world.runner(store).run(world.plan(store))
    assert run.failure == ""
    assert (run.id, outcome(store, run.id)) == expected
    store.close()


def test_too_little_memory_halves_a_batch_and_fails_only_when_one_is_too_many(tmp_path) -> None:
    class Small(Counting):
        most = 2

        def score(self, checkpoint, requests, *, budget=None):
            if len(requests) > self.most:
                raise OutOfMemoryError("There was not enough memory.")
            return super().score(checkpoint, requests, budget=budget)

    expected = undisturbed(tmp_path)
    world = World(tmp_path, Small())
    store = world.store()
    run = world.runner(store, first_tokens=1000).run(world.plan(store))
    assert (run.id, outcome(store, run.id)) == expected
    world.engine.most = 0
    with pytest.raises(OutOfMemoryError):
        world.runner(store).run(world.plan(store, "other"))
    store.close()


def test_an_example_that_is_refused_or_has_no_number_is_unscored_and_says_why(tmp_path) -> None:
    class Picky(FakeEngine):
        refused = ""

        def score(self, checkpoint, requests, *, budget=None):
            if any(request.context == self.refused for request in requests):
                raise InputError("The prompt has 9,999 tokens.")
            scores = super().score(checkpoint, requests, budget=budget)
            return [
                tuple(ChoiceScore(float("nan"), score.tokens) for score in one) if "lamp lamp" in r.context else one
                for one, r in zip(scores, requests, strict=True)
            ]

    world = World(tmp_path, Picky())
    store = world.store()
    plan = world.plan(store)
    refused = next(e for e in plan.parts[0].examples if "lamp lamp" not in e.context)
    world.engine.refused = refused.context
    without = sum("lamp lamp" in e.context for e in plan.parts[0].examples)
    run = world.runner(store).run(plan)
    samples = {sample.id: sample for sample in store.journal.samples(run.id, "boolq")}
    assert samples[refused.id].note == "The prompt has 9,999 tokens."
    assert samples[refused.id].outcome == "unscored"
    (finished,) = store.finished()
    assert 0 < finished.benchmarks[0].unscored == without + 1 < ROWS
    assert finished.benchmarks[0].n == ROWS
    store.close()


def test_progress_counts_up_and_estimates_the_time_left(world, store) -> None:
    seen = []
    now = [0.0]

    class Timed(FakeEngine):
        def score(self, checkpoint, requests, *, budget=None):
            now[0] += sum(len(request.context) for request in requests) / 100
            return super().score(checkpoint, requests, budget=budget)

    timed = World(world.folder, Timed())
    run = timed.runner(store, report=seen.append, clock=lambda: now[0], first_tokens=100).run(timed.plan(store))
    assert [p.stage for p in seen[:2]] == ["reading the tokenizer", "reading the weights 50%"]
    running = [p for p in seen if p.examples_per_second]
    assert [p.done for p in running] == sorted({p.done for p in running})
    assert running[-1].done == TOTAL == run.total
    left = [p.eta_seconds for p in running]
    assert left == sorted(left, reverse=True)
    assert left[-1] == 0
    assert left[0] == pytest.approx(now[0] * (1 - running[0].done / TOTAL), rel=0.5)
    half = running[len(running) // 2].benchmarks[0]
    assert half.metric.low <= half.metric.value <= half.metric.high
    assert seen[-1].state is RunState.DONE


def test_a_full_disk_keeps_what_was_stored_and_the_run_goes_on_when_there_is_room(tmp_path) -> None:
    expected = undisturbed(tmp_path)
    world = World(tmp_path)
    store = world.store()
    plan = world.plan(store)
    with store._database.read() as connection:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count={pages + 6}")
    with pytest.raises(StoreFullError, match="Make room, then resume"):
        world.runner(store).run(plan)
    stored = store.journal.answered(plan.run.id)
    assert 0 < len(stored) < TOTAL
    store.close()
    store = world.store()
    run = world.runner(store).run(world.plan(store))
    assert stored < store.journal.answered(run.id)
    assert (run.id, outcome(store, run.id)) == expected
    store.close()


def test_two_runners_never_compute_the_same_run(tmp_path) -> None:
    world = World(tmp_path, Counting(delay=0.002))
    store, other = world.store(), world.store()
    plan = world.plan(store)
    taken = []

    def second() -> None:
        while store.runs.get(plan.run.id).state is not RunState.RUNNING:
            time.sleep(0.001)
        with pytest.raises(RunTakenError):
            world.runner(other).run(plan)
        taken.append(store.runs.get(plan.run.id).state)

    thread = threading.Thread(target=second)
    thread.start()
    world.runner(store).run(plan)
    thread.join()
    assert taken == [RunState.RUNNING]
    assert len(world.engine.contexts) == TOTAL
    store.close()
    other.close()


def test_a_runner_that_was_taken_over_stops_and_leaves_the_state_to_the_other(tmp_path) -> None:
    world = World(tmp_path, Counting())
    store, other = world.store(), world.store()
    plan = world.plan(store)

    def take_over(call: int) -> None:
        if call == 3:
            with other._database.write() as connection:
                connection.execute("UPDATE leases SET owner = 'somebody else'")

    world.engine.before = take_over
    with pytest.raises(RunTakenError, match="took this run over"):
        world.runner(store).run(plan)
    assert world.engine.calls == 3
    assert store.runs.get(plan.run.id).state is RunState.RUNNING
    assert len(store.journal.answered(plan.run.id)) == len(world.engine.contexts[:-1])
    store.close()
    other.close()


def test_generated_answers_are_read_and_stored(tmp_path) -> None:
    world = World(tmp_path, FakeEngine(reply=lambda prompt, _: " True" if "river" in prompt else "never heard of"))
    store = world.store()
    run = world.runner(store).run(world.plan(store, formatter="t5@1"))
    samples = store.journal.samples(run.id, "boolq")
    assert {sample.outcome for sample in samples} == {"right", "wrong", "unscored"}
    unscored = next(sample for sample in samples if sample.outcome == "unscored")
    assert unscored.choices[0].text == "never heard of"
    store.close()


def killed_at_random_moments(tmp_path, times: int) -> None:
    expected = undisturbed(tmp_path)
    world = World(tmp_path / "killed")
    store = world.store()
    plan = world.plan(store)
    chance = random.Random(times)
    counts = [0]
    with subprocess.Popen(
        [sys.executable, "-m", "tests.evaluation.world"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as forks:
        for number in range(times):
            print(world.folder, 0.002 * times, file=forks.stdin, flush=True)
            pid = int(forks.stdout.readline())
            wait_until(lambda: store.leases.taken(plan.run.id))
            if number % 2 == 0:
                wait_until(lambda: len(store.journal.answered(plan.run.id)) > counts[-1])
            time.sleep(chance.uniform(0.0, 0.1))
            os.kill(pid, signal.SIGKILL)
            assert forks.stdout.readline() == "ended\n"
            counts.append(len(store.journal.answered(plan.run.id)))
            assert store.runs.next_waiting().state.open
        forks.stdin.close()
    assert counts == sorted(counts)
    assert 0 < counts[-1] < TOTAL  # so each of the kills met a run that was not at its end
    run = world.runner(store).run(world.plan(store))
    assert (run.id, outcome(store, run.id)) == expected
    store.close()


def wait_until(true) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def test_a_run_killed_five_times_ends_as_if_nothing_had_happened(tmp_path) -> None:
    killed_at_random_moments(tmp_path, 5)


@pytest.mark.slow
def test_a_run_killed_twenty_times_ends_as_if_nothing_had_happened(tmp_path) -> None:
    killed_at_random_moments(tmp_path, 20)


def test_two_processes_share_a_run_and_get_what_one_gets(tmp_path) -> None:
    expected = undisturbed(tmp_path)
    world = World(tmp_path / "shared")
    program = [sys.executable, "-m", "tests.evaluation.world", str(world.folder)]
    processes = [subprocess.Popen([*program, delay, shard, "2"]) for delay, shard in (("0.001", "0"), ("0.003", "1"))]
    assert [process.wait(60) for process in processes] == [0, 0]
    store = world.store()
    run = store.runs.all()[0]
    assert (run.id, outcome(store, run.id)) == expected
    assert run.environment.processes == 2
    store.close()


def test_a_first_process_that_waits_in_vain_says_so(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(runner_file, "PATIENCE_SECONDS", 0.3)
    world = World(tmp_path)
    store = world.store()
    plan = world.plan(store)
    with pytest.raises(RunFailedError, match="36 of 72 samples are missing"):
        world.runner(store).run(plan, 0, 2)
    assert store.runs.get(plan.run.id).state is RunState.FAILED
    world.runner(store).run(plan, 1, 2)
    assert world.runner(store).run(plan, 0, 2).state is RunState.DONE
    store.close()
