import json

import pytest

from t5gemma_app.evaluation.records import RunState
from t5gemma_app.evaluation.results import FinishedRun
from t5gemma_app.evaluation.shipped import from_document, take_in, to_document
from tests.evaluation.makers import add_run, make_finished, make_result
from tests.evaluation.world import World


@pytest.fixture
def store(tmp_path):
    opened = World(tmp_path).store()
    yield opened
    opened.close()


def write(folder, *finished: FinishedRun) -> None:
    folder.mkdir(exist_ok=True)
    for number, one in enumerate(finished):
        (folder / f"{number}.json").write_text(json.dumps(to_document(one)))


def test_shipped_runs_are_taken_in_once_and_marked(store, tmp_path) -> None:
    one = make_finished("a", make_result([1.0, 0.0]))
    write(tmp_path / "ship", one, make_finished("b", make_result([1.0, 1.0])))
    assert take_in(store, tmp_path / "ship") == 2
    assert take_in(store, tmp_path / "ship") == 0
    assert take_in(store, tmp_path / "nowhere") == 0
    first = store.finished()[0]
    assert first.run.shipped
    assert first.benchmarks == one.benchmarks
    assert (first.run.spec, first.run.environment) == (one.run.spec, one.run.environment)


def test_a_document_is_what_it_says_or_is_left_out(store, tmp_path) -> None:
    one = make_finished("a", make_result([1.0, 0.0]))
    document = to_document(one)
    assert from_document(json.loads(json.dumps(document))).benchmarks == one.benchmarks
    document["spec"]["dtype"] = "int2"
    with pytest.raises(ValueError, match="spec"):
        from_document(document)
    write(tmp_path / "ship", one)
    (tmp_path / "ship" / "bad.json").write_text("{")
    (tmp_path / "ship" / "other.json").write_text(json.dumps(document))
    assert take_in(store, tmp_path / "ship") == 1


def test_what_is_computed_here_replaces_what_came_with_the_app_and_stays(store, tmp_path) -> None:
    one = make_finished("tiny", make_result([1.0, 0.0]))
    write(tmp_path / "ship", one)
    take_in(store, tmp_path / "ship")
    run = add_run(store, one.run.spec)
    assert (run.state, run.shipped) == (RunState.QUEUED, False)
    assert store.journal.results(run.id) == ()
    assert take_in(store, tmp_path / "ship") == 0
    assert store.runs.get(run.id).state is RunState.QUEUED
