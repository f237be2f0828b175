"""Evaluation by classification heads: which head answers, what a run keeps of it, and that nothing disturbs a run."""

from __future__ import annotations

import math
import os
import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t5gemma_app.benchmarks.catalogue import BENCHMARKS
from t5gemma_app.checkpoints.catalogue import Catalogue
from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.engine.fake import FakeEngine
from t5gemma_app.engine.types import HeadInput
from t5gemma_app.errors import InputError, RunFailedError
from t5gemma_app.evaluation.answering import log_softmax
from t5gemma_app.evaluation.heads import NO_YES, Wanted, find_heads
from t5gemma_app.evaluation.leaderboard import Filter, leaderboard
from t5gemma_app.evaluation.planner import Planner
from t5gemma_app.evaluation.records import RunOrder, RunState
from t5gemma_app.settings import Settings
from tests.evaluation.world import ROWS, World, write_checkpoint

LABELS = {benchmark.name: benchmark.labels or NO_YES for benchmark in BENCHMARKS}
OWN = """
name: mine
version: 1
about: My rows.
benchmarks:
  - {name: reviews, file: rows.jsonl, text: text, label: stars, labels: {0: bad, 1: good}, formatter: head@1}
"""


def head(task: str, base: str = "tiny", **changes) -> Checkpoint:
    values = {
        "name": f"{base}-{task}",
        "source": "local",
        "location": f"{base}-{task}",
        "head": "sequence",
        "labels": LABELS.get(task, ())[::-1],
        "base": base,
        "task": f"superglue:{task}",
        "longest": 64,
    }
    return Checkpoint(**{**values, **changes})


class HeadWorld(World):
    """A world in which every task of the smoke suite has a head of `tiny`."""

    def __init__(self, folder: Path, engine: FakeEngine | None = None, lacks: tuple[str, ...] = ()) -> None:
        super().__init__(folder, engine)
        heads = []
        for task in LABELS:
            place = folder / f"tiny-{task}"
            if not place.exists():
                write_checkpoint(place)
            if task not in lacks:
                heads.append(head(task, location=str(place)))
        base = Checkpoint("tiny", "local", str(folder / "tiny"), encoder_size="l", decoder_size="s")
        other = Checkpoint("other", "local", str(folder / "other"))
        self.catalogue = Catalogue((base, other, *heads))
        self.planner = Planner(self.catalogue, self.engine, Settings(), self.suites)

    def order(self, checkpoint: str = "tiny", **options) -> RunOrder:
        return super().order(checkpoint, **{"formatter": "head@1", **options})


@pytest.fixture
def world(tmp_path) -> HeadWorld:
    return HeadWorld(tmp_path)


@pytest.fixture
def store(world):
    opened = world.store()
    yield opened
    opened.close()


def outcome(store, run_id):
    run = store.runs.get(run_id)
    assert run.state is RunState.DONE
    samples = {b.name: store.journal.samples(run_id, b.name) for b in run.spec.benchmarks}
    return run.id, samples, tuple(replace(result, seconds=0.0) for result in store.journal.results(run_id))


def undisturbed(folder):
    world = HeadWorld(folder / "undisturbed")
    store = world.store()
    found = outcome(store, world.runner(store).run(world.plan(store)).id)
    store.close()
    return found


def need(task: str) -> Wanted:
    return Wanted(task, f"superglue:{task}", LABELS[task])


def test_each_task_has_the_head_that_its_card_names() -> None:
    listed = [
        head("rte", "other"),
        head("cb"),
        head("rte"),
        Checkpoint("tiny", "local", "x"),
        head("wic", head="token"),
    ]
    base = Checkpoint("tiny", "local", "somewhere")
    assert find_heads(base, [need("rte"), need("cb")], listed) == [head("rte"), head("cb")]
    assert find_heads(head("rte"), [need("rte")], []) == [head("rte")]
    by_place = replace(base, name="called otherwise", location="tiny")
    assert find_heads(by_place, [need("cb")], listed) == [head("cb")]
    again = head("rte", name="tiny-rte-again")
    assert find_heads(base, [need("rte")], [again, *listed]) == [head("rte")]


@pytest.mark.parametrize(
    ("checkpoint", "needs", "listed", "says"),
    [
        (Checkpoint("tiny", "local", "x"), ["rte"], [], "tiny has no head for rte. No listed.*--task superglue:rte"),
        (Checkpoint("tiny", "local", "x"), ["cb", "wsc"], [head("cb")], "no head for wsc. It has heads for cb"),
        (
            Checkpoint("tiny", "local", "x"),
            ["cb"],
            [head("cb", name="a"), head("cb", name="b")],
            "2 heads for cb: a, b.*tiny-cb",
        ),
        (head("rte"), ["rte", "cb"], [], "is a head for superglue:rte, not for cb"),
        (head("rte", random_head=True), ["rte"], [], "no trained weights"),
        (head("rte", problem="several"), ["rte"], [], "does not choose one label"),
        (head("rte", labels=("yes", "no")), ["rte"], [], "has the labels yes, no.*entailment, not_entailment"),
        (head("rte", head="token"), ["rte"], [], "no sequence head"),
    ],
)  # fmt: skip
def test_what_can_not_be_asked_is_refused_by_name(checkpoint, needs, listed, says) -> None:
    with pytest.raises(InputError) as caught:
        find_heads(checkpoint, [need(task) for task in needs], listed)
    assert re.search(says, str(caught.value))


def test_a_run_keeps_which_head_answered_which_task(world, store) -> None:
    run = world.runner(store).run(world.plan(store))
    assert (run.spec.method, run.spec.checkpoint, run.spec.partial) == ("head", "tiny", False)
    heads = [benchmark.head for benchmark in run.spec.benchmarks]
    assert [one.name for one in heads] == ["tiny-boolq", "tiny-cb", "tiny-multirc"]
    assert len({one.revision for one in heads}) == 3 and all(one.revision.startswith("sha256:") for one in heads)
    assert {one.longest for one in heads} == {64}
    assert (run.environment.encoder_size, run.environment.decoder_size) == ("l", "s")
    (finished,) = store.finished()
    assert [[metric.name for metric in b.metrics] for b in finished.benchmarks] == [
        ["accuracy"], ["accuracy", "f1"], ["f1a", "em", "accuracy"],
    ]  # fmt: skip
    assert [b.n for b in finished.benchmarks] == [ROWS] * 3
    for sample in store.journal.samples(run.id, "cb"):
        assert tuple(choice.text for choice in sample.choices) == LABELS["cb"]
        assert math.fsum(math.exp(choice.logprob) for choice in sample.choices) == pytest.approx(1)
        best = max(sample.choices, key=lambda choice: choice.logprob)
        assert sample.prediction == LABELS["cb"].index(best.text)


def test_labels_are_matched_by_name_in_whatever_order_a_head_has_them(world, store) -> None:
    plan = world.plan(store)
    run = world.runner(store).run(plan)
    part = plan.parts[1]
    example = part.examples[0]
    asked = world.engine.classify(part.checkpoint, [HeadInput(example.context, example.pair or None)])[0].logits
    first = next(sample for sample in store.journal.samples(run.id, "cb") if sample.id == example.id)
    named = dict(zip(part.checkpoint.labels, log_softmax(asked), strict=True))
    assert {choice.text: choice.logprob for choice in first.choices} == named


def test_one_row_of_the_leaderboard_covers_all_tasks(tmp_path) -> None:
    world = HeadWorld(tmp_path)
    planner = Planner(world.catalogue, world.engine, Settings())
    store = world.store()
    world.runner(store).run(planner.draft(RunOrder("smoke", "tiny", formatter="head@1")).stored(store.runs))
    (row,) = leaderboard(store.finished(), Filter(published=False))
    assert (row.checkpoint, row.method, set(row.tasks), row.unscored) == ("tiny", "head", set(LABELS), 0)
    assert row.score.value is not None and row.rank == 1 and row.splits == {}
    store.close()


def test_tasks_are_left_out_only_when_the_others_are_named_and_the_mean_is_empty_then(tmp_path) -> None:
    world = HeadWorld(tmp_path, lacks=("boolq",))
    store = world.store()
    with pytest.raises(InputError, match="tiny has no head for boolq"):
        world.plan(store)
    run = world.runner(store).run(world.plan(store, tasks=("cb", "multirc")))
    assert run.spec.partial
    (row,) = leaderboard(store.finished(), Filter(published=False))
    assert (row.score.value, row.rank, row.why_unranked) == (None, None, "partial: some of the suite's tasks")
    assert set(row.tasks) == {"cb", "multirc"} and all(task.value is not None for task in row.tasks.values())
    store.close()


def test_a_plan_is_made_again_unless_a_head_has_changed(world, store) -> None:
    run = world.plan(store).run
    again = world.planner.again(store.runs.get(run.id))
    assert again.run == store.runs.get(run.id)
    assert [part.checkpoint.name for part in again.parts] == ["tiny-boolq", "tiny-cb", "tiny-multirc"]
    (world.folder / "tiny-cb" / "model.safetensors").write_text("trained once more")
    with pytest.raises(RunFailedError, match="The heads have changed"):
        world.planner.again(store.runs.get(run.id))
    assert world.plan(store).run.id != run.id


def test_own_data_are_measured_with_the_head_itself(world, store, tmp_path) -> None:
    (tmp_path / "mine.yaml").write_text(OWN)
    rows = '{"text": "a stone", "stars": 1}\n{"text": "a cloud", "stars": 0}\n'
    (tmp_path / "rows.jsonl").write_text(rows)
    order = RunOrder(str(tmp_path / "mine.yaml"), "tiny-cb")

    def planner(**changes) -> Planner:
        one = replace(world.catalogue.find("tiny-cb"), **{"task": "classify", "base": "nothing", **changes})
        return Planner(Catalogue((one, world.catalogue.find("tiny"))), world.engine, Settings(), world.suites)

    plan = planner(labels=("good", "bad")).draft(order).stored(store.runs)
    run = world.runner(store).run(plan)
    samples = store.journal.samples(run.id, "reviews")
    assert [[choice.text for choice in sample.choices] for sample in samples] == [["bad", "good"]] * 2
    assert [sample.gold for sample in samples] == [1, 0]
    with pytest.raises(InputError, match=r"labels good, fine\. reviews has bad, good\. Write the head's labels"):
        planner(labels=("good", "fine")).draft(order)
    with pytest.raises(InputError, match=r"tiny is no head for reviews\..*bad, good"):
        planner().draft(replace(order, checkpoint="tiny"))


def test_what_is_too_long_or_no_number_is_unscored_and_says_why(tmp_path) -> None:
    class Picky(FakeEngine):
        def classify(self, checkpoint, inputs, **options):
            found = super().classify(checkpoint, inputs, **options)
            assert all(one.longest == 64 for one in inputs)
            return [
                replace(output, logits=()) if len(one.text) > 150 else
                replace(output, logits=(math.nan, 0.0, 1.0)) if len(one.text) < 30 else output
                for one, output in zip(inputs, found, strict=True)
            ]  # fmt: skip

    world = HeadWorld(tmp_path, Picky())
    store = world.store()
    run = world.runner(store).run(world.plan(store, tasks=("cb",)))
    notes = {sample.note for sample in store.journal.samples(run.id, "cb")}
    assert any("reads at most" in note for note in notes) and "Choice 0 has no log-probability." in notes
    (finished,) = store.finished()
    assert 0 < finished.benchmarks[0].unscored < finished.benchmarks[0].n == ROWS
    store.close()


@given(st.lists(st.floats(-80, 80, width=32), min_size=1, max_size=8))
def test_log_shares_are_shares(logits) -> None:
    found = log_softmax(tuple(logits))
    assert math.fsum(map(math.exp, found)) == pytest.approx(1)
    assert [found[i] - found[0] for i in range(len(found))] == pytest.approx([x - logits[0] for x in logits], abs=1e-9)
    assert all(map(math.isnan, log_softmax((*logits, math.inf))))


PROCESS = """
import sys
from pathlib import Path
from t5gemma_app.engine.fake import FakeEngine
from tests.evaluation.test_heads import HeadWorld
world = HeadWorld(Path(sys.argv[1]), FakeEngine(delay=float(sys.argv[2])))
store = world.store()
plan = world.plan(store)
print("begins", flush=True)
world.runner(store).run(plan, int(sys.argv[3]), int(sys.argv[4]))
"""


def process(world: HeadWorld, *words: str) -> subprocess.Popen[str]:
    program = [sys.executable, "-c", PROCESS, str(world.folder), *words]
    return subprocess.Popen(program, stdout=subprocess.PIPE, text=True)


def test_a_killed_run_and_one_of_two_processes_end_as_one_that_nothing_disturbed(tmp_path) -> None:
    expected = undisturbed(tmp_path)
    world = HeadWorld(tmp_path / "killed")
    store = world.store()
    plan = world.plan(store)
    with process(world, "0.02", "0", "1") as running:
        while not store.journal.answered(plan.run.id):
            assert running.poll() is None
        os.kill(running.pid, signal.SIGKILL)
    assert 0 < len(store.journal.answered(plan.run.id)) < plan.total
    assert outcome(store, world.runner(store).run(world.plan(store)).id) == expected
    store.close()
    shared = HeadWorld(tmp_path / "shared")
    pair = [process(shared, "0.001", shard, "2") for shard in ("0", "1")]
    assert [one.communicate(timeout=120)[0] for one in pair] == ["begins\n"] * 2
    assert [one.returncode for one in pair] == [0, 0]
    store = shared.store()
    assert outcome(store, store.runs.all()[0].id) == expected
    store.close()
