from pathlib import Path

import pytest

from t5gemma_app.errors import InputError
from t5gemma_app.evaluation.contexts import KEPT, Contexts
from tests.evaluation.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_every_sample_finds_what_was_read(world: World) -> None:
    store = world.store()
    plan = world.plan(store)
    contexts = Contexts(world.planner)
    for part in plan.parts:
        assert contexts.of(plan.run, part.spec.name) == {example.id: example for example in part.examples}
    store.close()


def test_a_limit_and_another_formatter_are_kept_to(world: World) -> None:
    store = world.store()
    plan = world.plan(store, limit=5, formatter="t5@1")
    found = Contexts(world.planner).of(plan.run, "boolq")
    assert len(found) == 5
    assert {example.formatter for example in found.values()} == {"boolq:t5@1"}
    store.close()


def test_changed_rows_are_refused_and_read_again_when_they_are_back(world: World) -> None:
    store = world.store()
    run = world.plan(store).run
    contexts = Contexts(world.planner)
    file = world.data / "CB" / "val.jsonl"
    rows = file.read_text()
    file.write_text(rows.replace("stone", "pebble"))
    with pytest.raises(InputError, match="have changed since this run"):
        contexts.of(run, "cb")
    file.unlink()
    with pytest.raises(InputError):
        contexts.of(run, "cb")
    file.write_text(rows)
    assert contexts.of(run, "cb")
    file.unlink()
    assert contexts.of(run, "cb")  # kept
    store.close()


def test_what_a_run_does_not_have_is_refused(world: World) -> None:
    store = world.store()
    run = world.plan(store).run
    with pytest.raises(InputError, match="no benchmark 'rte'"):
        Contexts(world.planner).of(run, "rte")
    store.close()


def test_only_the_last_few_are_kept(world: World) -> None:
    store = world.store()
    runs = [world.plan(store, limit=limit).run for limit in range(1, KEPT + 2)]
    contexts = Contexts(world.planner)
    first = contexts.of(runs[0], "boolq")
    assert contexts.of(runs[0], "boolq") is first
    for run in runs[1:]:
        contexts.of(run, "boolq")
    assert contexts.of(runs[0], "boolq") is not first
    assert contexts.of(runs[0], "boolq") == first
    store.close()
