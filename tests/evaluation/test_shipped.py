import json
from dataclasses import replace

import pytest

from t5gemma_app.evaluation.environment import command_line
from t5gemma_app.evaluation.export import task_titles, to_csv, to_eval_results, to_latex, to_markdown
from t5gemma_app.evaluation.leaderboard import Filter, leaderboard
from t5gemma_app.evaluation.records import RunOrder, RunState
from t5gemma_app.evaluation.results import FinishedRun
from t5gemma_app.evaluation.shipped import from_document, take_in, to_document
from t5gemma_app.services import SHIPPED_RUNS
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
    environment = replace(one.run.environment, command=command_line(one.run.order))
    assert (first.run.spec, first.run.environment) == (one.run.spec, environment)


def test_the_leaderboard_opens_with_several_combinations(store) -> None:
    assert take_in(store, SHIPPED_RUNS) == len(list(SHIPPED_RUNS.glob("*.json")))
    rows = leaderboard(store.finished(), Filter(suite="superglue-heads", published=False))
    assert len({(row.encoder_size, row.decoder_size) for row in rows}) >= 3
    assert all(row.command.startswith("python -m t5gemma_app evaluate ") for row in rows)


def test_shipped_rows_say_their_command_and_what_their_rows_are(store, tmp_path) -> None:
    one = make_finished("a", make_result([1.0, 0.0]), make_result([1.0, 0.0], "cb"))
    order = RunOrder("quick", "a", str(tmp_path), splits=(("boolq", "cut split, 2 rows of 3,270"),))
    write(tmp_path / "ship", replace(one, run=replace(one.run, order=order)))
    assert str(tmp_path) not in (tmp_path / "ship" / "0.json").read_text()
    take_in(store, tmp_path / "ship")
    rows = leaderboard(store.finished(), Filter(published=False))
    assert rows[0].shipped and rows[0].splits == {"boolq": "cut split, 2 rows of 3,270"}
    assert rows[0].command.startswith("python -m t5gemma_app evaluate --checkpoint a --suite quick --data-dir ")
    assert "boolq (cut split, 2 rows of 3,270) | cb |" in to_markdown(rows)
    assert "boolq (cut split, 2 rows of 3,270) & cb &" in to_latex(rows)
    assert "boolq: cut split, 2 rows of 3,270" in to_csv(rows) and rows[0].command in to_csv(rows)
    assert "cut split" in to_eval_results(store.finished()[0])
    whole = make_finished("b", make_result([1.0, 1.0]), make_result([1.0, 0.0], "cb"))
    mixed = leaderboard([*store.finished(), whole], Filter(published=False))
    assert task_titles(mixed)["boolq"] == "boolq (some rows: cut split, 2 rows of 3,270)"


def test_a_run_of_some_tasks_is_shipped_as_such(store, tmp_path) -> None:
    one = make_finished("a", make_result([1.0, 0.0]), partial=True)
    write(tmp_path / "ship", replace(one, run=replace(one.run, order=RunOrder("quick", "a", tasks=("boolq",)))))
    take_in(store, tmp_path / "ship")
    (row,) = leaderboard(store.finished(), Filter(published=False))
    assert (row.score.value, row.rank, row.tasks["boolq"].value) == (None, None, 0.5)


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
