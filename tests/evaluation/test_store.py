import json
import math
import os
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from t5gemma_app.errors import InputError, RunTakenError, StoreError, UnknownRunError
from t5gemma_app.evaluation import leases
from t5gemma_app.evaluation.journal import Entry
from t5gemma_app.evaluation.records import Environment, RunOrder, RunState
from t5gemma_app.evaluation.store import Store
from tests.evaluation.makers import MOUNTED, add_run, entries, make_result, make_sample, make_spec, results_file


@pytest.fixture
def store(tmp_path):
    opened = Store(results_file(tmp_path))
    yield opened
    opened.close()


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_samples_come_back_equal_and_in_the_order_of_the_rows(store) -> None:
    run = add_run(store)
    wanted = entries(range(9))
    with store.leases.held(run.id) as lease:
        store.journal.append(lease, wanted[5:])
        store.journal.append(lease, wanted[:5])
    assert store.journal.samples(run.id, "boolq") == tuple(entry.sample for entry in wanted)
    assert [line["id"] for line in store.journal.records(run.id, ["boolq", "cb"])] == [str(i) for i in range(9)]
    assert store.journal.answered(run.id) == {("boolq", str(i)) for i in range(9)}
    assert store.journal.counts(run.id) == {"boolq": (9, 6, 0, 4.5)}


def test_an_unscored_sample_and_its_reason_survive(store) -> None:
    run = add_run(store)
    sample = replace(make_sample(1, None), note="too long")
    sample = replace(sample, choices=(replace(sample.choices[0], logprob=math.nan),))
    with store.leases.held(run.id) as lease:
        store.journal.append(lease, [Entry(0, 0.0, sample)])
    (back,) = store.journal.samples(run.id, "boolq")
    assert back.note == "too long"
    assert math.isnan(back.choices[0].logprob)
    assert store.journal.counts(run.id)["boolq"].unscored == 1


def test_a_batch_is_stored_whole_or_not_at_all(store) -> None:
    run = add_run(store)
    with store.leases.held(run.id) as lease:
        store.journal.append(lease, entries([1, 2]))
        with pytest.raises(StoreError):
            store.journal.append(lease, entries([3, 2]))
    assert store.journal.answered(run.id) == {("boolq", "1"), ("boolq", "2")}


def test_the_same_spec_is_the_same_run(store) -> None:
    run = add_run(store)
    store.runs.end(run.id, RunState.DONE)
    again = store.runs.add(run.spec, RunOrder("quick", "tiny", batch_tokens=5), run.totals)
    assert again.id == run.id
    assert again.state is RunState.DONE
    assert again.order.batch_tokens == 5
    assert [one.id for one in store.runs.all()] == [run.id]


def test_runs_are_found_by_a_unique_beginning(store) -> None:
    first, second = add_run(store), add_run(store, make_spec("cb"))
    for run in (first, second):
        assert store.runs.get(run.id) == run
        assert store.runs.get(run.id[3:15]).id == run.id
    for wrong in ("", "r1-", "%", "r1-%", "zzz", " "):
        with pytest.raises(UnknownRunError):
            store.runs.get(wrong)


def test_a_run_keeps_everything_that_is_said_of_it(store, tmp_path) -> None:
    run = add_run(store, make_spec("boolq", "cb", limit=4), boolq=4, cb=3)
    environment = Environment(packages={"torch": "2"}, reasons=("because",), parameters={"total": 7})
    store.runs.describe(run.id, environment)
    store.runs.begin(run.id)
    store.runs.end(run.id, RunState.FAILED, "no memory")
    store.journal.save_results(run.id, [make_result([1.0, 0.0]), make_result([1.0], "cb")])
    store.close()
    other = Store(results_file(tmp_path))
    back = other.runs.get(run.id)
    assert (back.environment, back.failure, back.total, back.state) == (environment, "no memory", 7, RunState.FAILED)
    assert back.started <= back.finished
    assert other.journal.results(run.id) == (make_result([1.0, 0.0]), make_result([1.0], "cb"))
    assert other.finished() == []
    other.runs.end(run.id, RunState.DONE)
    assert other.finished()[0].score == 0.75
    other.close()


def test_a_run_that_nobody_computes_changes_state_at_once(store) -> None:
    run = add_run(store)
    assert store.runs.ask(run.id, RunState.PAUSED).state is RunState.PAUSED
    assert store.runs.next_waiting() is None
    assert store.runs.ask(run.id, RunState.QUEUED).state is RunState.QUEUED
    assert store.runs.ask(run.id, RunState.CANCELLED).finished is not None
    assert store.runs.ask(run.id, RunState.QUEUED).finished is None


def test_a_run_that_is_computed_is_asked_to_stop(store) -> None:
    run = add_run(store)
    with store.leases.held(run.id):
        store.runs.begin(run.id)
        assert store.runs.wish(run.id) is None
        assert store.runs.ask(run.id, RunState.PAUSED).state is RunState.RUNNING
        assert store.runs.wish(run.id) is RunState.PAUSED
        store.runs.ask(run.id, RunState.QUEUED)
        assert store.runs.wish(run.id) is None
        store.runs.ask(run.id, RunState.CANCELLED)
        store.runs.end(run.id, RunState.CANCELLED)
        assert store.runs.wish(run.id) is RunState.CANCELLED  # so that the other processes stop too


def test_a_run_that_was_just_paused_can_be_resumed_before_its_lease_is_back(store) -> None:
    run = add_run(store)
    with store.leases.held(run.id):
        store.runs.begin(run.id)
        store.runs.end(run.id, RunState.PAUSED)
        assert store.runs.ask(run.id, RunState.QUEUED).state is RunState.QUEUED
    assert store.runs.next_waiting().id == run.id


@pytest.mark.parametrize("wish", [RunState.PAUSED, RunState.CANCELLED, RunState.QUEUED])
def test_a_finished_run_can_not_be_steered(store, wish) -> None:
    run = add_run(store)
    store.runs.end(run.id, RunState.DONE)
    with pytest.raises(InputError, match="done"):
        store.runs.ask(run.id, wish)


def test_the_queue_gives_what_was_left_first_and_then_the_oldest(store) -> None:
    first, second, third = (add_run(store, make_spec(seed=seed)) for seed in range(3))
    store.runs.begin(third.id)  # and its process died
    assert store.runs.next_waiting().id == third.id
    with store.leases.held(third.id):
        assert store.runs.next_waiting().id == first.id
    store.runs.end(third.id, RunState.DONE)
    store.runs.ask(first.id, RunState.PAUSED)
    store.runs.ask(first.id, RunState.QUEUED)
    assert store.runs.next_waiting().id == second.id


def test_removing_a_run_removes_its_samples_and_not_a_running_one(store) -> None:
    run = add_run(store)
    with store.leases.held(run.id) as lease:
        store.journal.append(lease, entries([1]))
        with pytest.raises(InputError, match="being computed"):
            store.runs.remove(run.id)
    store.runs.remove(run.id)
    assert store.runs.all() == []
    add_run(store)
    assert store.journal.answered(run.id) == set()


def test_a_lease_keeps_others_out_until_it_is_given_back(store, tmp_path) -> None:
    run = add_run(store)
    other = Store(results_file(tmp_path))
    with store.leases.held(run.id):
        assert other.leases.taken(run.id)
        with pytest.raises(RunTakenError, match=f"Process {os.getpid()}"), other.leases.held(run.id):
            pass
    with other.leases.held(run.id):
        pass
    assert not store.leases.taken(run.id)
    other.close()


def test_shards_have_leases_of_their_own(store) -> None:
    run = add_run(store)
    with store.leases.held(run.id, 0, 2) as first, store.leases.held(run.id, 1, 2) as second:
        assert store.leases.others(first)
        store.journal.append(first, entries([0, 2]))
        store.journal.append(second, entries([1, 3]))
        for shard, shards in ((0, 2), (0, 1), (2, 3)):
            with pytest.raises(RunTakenError), store.leases.held(run.id, shard, shards):
                pass
    assert len(store.journal.answered(run.id)) == 4


def test_a_silent_owner_is_taken_over_and_can_store_nothing_more(tmp_path) -> None:
    clock = Clock()
    store, other = (Store(results_file(tmp_path), clock=clock) for _ in range(2))
    run = add_run(store)
    with store.leases.held(run.id) as lease:
        clock.now += leases.STALE_SECONDS + 1
        with other.leases.held(run.id) as newer:
            with pytest.raises(RunTakenError, match="took this run over"):
                store.journal.append(lease, entries([1]))
            assert lease.lost.is_set()
            other.journal.append(newer, entries([1]))
    assert len(store.journal.answered(run.id)) == 1
    store.close()
    other.close()


def test_a_lease_is_kept_fresh(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(leases, "BEAT_SECONDS", 0.01)
    clock = Clock()
    store = Store(results_file(tmp_path), clock=clock)
    run = add_run(store)
    with store.leases.held(run.id):
        clock.now += leases.STALE_SECONDS + 1
        deadline = time.monotonic() + 5
        while not store.leases.taken(run.id) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert store.leases.taken(run.id)
    store.close()


def test_a_dead_process_is_taken_over_at_once(tmp_path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from tests.evaluation.makers import *; "
        "store = Store(Path(sys.argv[1])); run = add_run(store); "
        "store.leases.held(run.id).__enter__(); store.runs.begin(run.id); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(results_file(tmp_path))], check=False, timeout=60)
    store = Store(results_file(tmp_path))
    run = store.runs.next_waiting()
    assert run.state is RunState.RUNNING
    with store.leases.held(run.id):
        pass
    store.close()


def test_on_mounted_storage_an_old_lease_is_nobodys(tmp_path) -> None:
    mounts = MOUNTED.format(tmp_path)
    store = Store(results_file(tmp_path), mounts=mounts)
    run = add_run(store)
    held = store.leases.held(run.id)
    held.__enter__()
    assert store.leases.taken(run.id)
    store.close()
    with sqlite3.connect(results_file(tmp_path)) as raw:
        assert raw.execute("SELECT count(*) FROM leases").fetchone() == (1,)
        raw.execute("UPDATE leases SET host = 'another container'")
    raw.close()
    store = Store(results_file(tmp_path), mounts=mounts)
    with store.leases.held(run.id):
        pass
    store.close()


RACE = """
import sys, time
from pathlib import Path
from tests.evaluation.makers import *
from t5gemma_app.errors import RunTakenError
store = Store(Path(sys.argv[1]))
run = add_run(store, totals=40)
time.sleep(max(0, float(sys.argv[2]) - time.time()))
stored = 0
for attempt in range(200):
    missing = sorted(set(range(40)) - {int(i) for _, i in store.journal.answered(run.id)})
    if not missing:
        break
    try:
        with store.leases.held(run.id) as lease:
            done = {int(i) for _, i in store.journal.answered(run.id)}
            todo = sorted(set(range(40)) - done)[:4]
            store.journal.append(lease, entries(todo))
            stored += len(todo)
    except RunTakenError:
        time.sleep(0.002)
print(stored)
"""


def test_processes_that_race_for_a_run_never_store_a_sample_twice(tmp_path) -> None:
    start = str(time.time() + 2)
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACE, str(results_file(tmp_path)), start],
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    stored = [int(racer.communicate(timeout=60)[0]) for racer in racers]
    assert sum(stored) == 40
    store = Store(results_file(tmp_path))
    (run,) = store.runs.all()
    assert len(store.journal.samples(run.id, "boolq")) == 40
    store.close()


def test_what_is_stored_is_plain_json(store, tmp_path) -> None:
    run = add_run(store)
    with store.leases.held(run.id) as lease:
        store.journal.append(lease, entries([4]))
    with sqlite3.connect(results_file(tmp_path)) as raw:
        (record,) = raw.execute("SELECT record FROM samples").fetchone()
        (spec,) = raw.execute("SELECT spec FROM runs").fetchone()
    raw.close()
    assert json.loads(record)["choices"][1]["text"] == " yé\ud800s"
    assert json.loads(spec)["checkpoint"] == "tiny"
