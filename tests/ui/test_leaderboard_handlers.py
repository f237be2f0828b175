"""The steps of the Leaderboard tab on a store of made-up runs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from t5gemma_app.errors import WorkbenchError
from t5gemma_app.evaluation.contexts import Contexts
from t5gemma_app.evaluation.evaluator import Evaluator
from t5gemma_app.evaluation.leaderboard import Filter
from t5gemma_app.evaluation.records import Run
from t5gemma_app.services import Services
from t5gemma_app.ui.leaderboard_handlers import EXPORTS, BoardEndpoint, BoardHandlers
from t5gemma_app.ui.leaderboard_view import OPTIONAL, View, checked, from_query, to_query
from tests.ui.board import FORMULA, HOSTILE, NOTE, RUNS, fill
from tests.ui.fakes import fake_services

MEASURED = Filter(published=False)


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    services = fake_services(tmp_path_factory.mktemp("board"))
    yield services
    services.close()


@pytest.fixture(scope="module")
def runs(services: Services) -> dict[str, Run]:
    made = fill(services.evaluator().store, services.data_folder.path, rows=60)
    return {run.spec.checkpoint: run for run in made}


@pytest.fixture
def handlers(services: Services, runs: dict[str, Run]) -> BoardHandlers:
    return BoardHandlers(services.evaluator(), Contexts(services.planner()))


def ident(run: Run) -> str:
    return run.id[:15]


def chosen(runs: dict[str, Run], a: str = "t5gemma-b-b-ul2", b: str = "t5gemma-l-l-ul2", **more: object) -> View:
    return checked({"a": ident(runs[a]), "b": ident(runs[b]) if b else "", **more})


def test_everything_is_drawn_at_first_and_only_what_changed_after(handlers: BoardHandlers) -> None:
    first = View()
    assert all(html is not None for html in handlers.shown(first))
    sorted_view = handlers.acted(first, "sort:score")
    assert [html is not None for html in handlers.shown(sorted_view, first)] == [False, False, True, False, False]
    other_axis = handlers.acted(first, "axis:speed")
    assert [html is not None for html in handlers.shown(other_axis, first)] == [True, False, False, False, False]


def test_hostile_names_stay_text_in_every_part(handlers: BoardHandlers, runs: dict[str, Run]) -> None:
    view = chosen(runs, HOSTILE, "t5gemma-l-l-ul2", columns=list(OPTIONAL))
    for html in handlers.shown(view):
        assert html and "<img" not in html and "<b>bold" not in html
    table = handlers.shown(view).table or ""
    assert "&lt;img src=x" in table
    assert "&lt;b&gt;bold&lt;/b&gt;" in (handlers.shown(view).samples or "")


def test_the_table_ranks_with_ties_and_keeps_groups_apart(handlers: BoardHandlers) -> None:
    table = handlers.shown(View()).table or ""
    names = [made.name for made in RUNS if made.name not in (HOSTILE, FORMULA)]
    places = {name: table.index(f"<span>{name}</span>") for name in names}
    assert places["t5gemma-l-l-ul2"] < places["t5gemma-s-s-ul2"] < places["t5gemma-2b-2b-ul2"]
    assert "partial: at most 20 rows" in table and "a benchmark has no score" in table
    assert places["t5gemma-2b-2b-ul2"] < table.index("Table 2(b)")
    assert "no test tells these apart" in table
    up = handlers.shown(View(sort="score")).table or ""
    assert up.index("<span>t5gemma-s-s-ul2</span>") < up.index("<span>t5gemma-l-l-ul2</span>")
    assert up.index("<span>t5gemma-l-l-ul2</span>") < up.index("<span>t5gemma-2b-2b-ul2</span>")


@pytest.mark.parametrize(
    ("values", "count"),
    [
        ({}, 9),
        ({"search": " L-L "}, 1),
        ({"encoder": "b"}, 4),
        ({"encoder": "b", "decoder": "s"}, 1),
        ({"parameters": "up to 500M"}, 3),
        ({"objective": "prefixlm"}, 1),
        ({"method": "rank"}, 9),
        ({"method": "generate"}, 0),
        ({"dtype": "bfloat16"}, 1),
        ({"partial": False}, 8),
        ({"suite": "made-up"}, 9),
        ({"suite": "made-up@1"}, 9),
        ({"suite": "other"}, 0),
    ],
)
def test_filters_hide_rows_and_change_no_rank(handlers: BoardHandlers, values: dict[str, object], count: int) -> None:
    ranks = {row.run_id: row.rank for row in handlers.rows(MEASURED)}
    rows = handlers.rows(checked({"published": False, **values}).filter())
    assert len(rows) == count
    assert all(row.rank == ranks[row.run_id] for row in rows)
    table = handlers.shown(checked({"published": False, **values})).table or ""
    assert table.count('role="checkbox"') == count


def test_columns_are_those_that_were_chosen(handlers: BoardHandlers) -> None:
    table = handlers.shown(View(columns=("memory", "dtype"))).table or ""
    assert "sort:memory" in table and "sort:dtype" in table
    assert "sort:encoder" not in table and "sort:task:boolq" not in table
    every = handlers.shown(View(columns=tuple(OPTIONAL))).table or ""
    assert "sort:task:boolq" in every and "2.5 GB" in every and "1.2B" in every


def test_rows_say_of_which_split_they_are_and_how_they_are_computed_again(
    handlers: BoardHandlers, runs: dict[str, Run]
) -> None:
    table = handlers.shown(View()).table or ""
    assert table.count(f"</button><small>{NOTE}</small></th>") == 1
    assert f"cb ({NOTE})" in handlers.export(View(), "md").content
    assert f"cb: {NOTE}" in handlers.export(View(), "csv").content
    command = "python -m t5gemma_app evaluate --checkpoint t5gemma-b-b-ul2 --suite made-up.yaml --data-dir rows"
    alone = handlers.shown(chosen(runs, b="")).compare or ""
    assert command in alone and "Select a second row" in alone
    assert command in (handlers.shown(chosen(runs)).compare or "")


def test_clicks_change_the_view(handlers: BoardHandlers) -> None:
    view = handlers.acted(View(), "sort:score")
    assert (view.sort, view.down) == ("score", True)
    assert not handlers.acted(view, "sort:score").down
    assert not handlers.acted(view, "sort:encoder").down
    view = handlers.acted(handlers.acted(View(page=3), "pick:r1-a"), "pick:r1-b")
    assert (view.a, view.b, view.page) == ("r1-a", "r1-b", 1)
    assert handlers.acted(view, "pick:r1-c").b == "r1-c"
    assert (handlers.acted(view, "pick:r1-a").a, handlers.acted(view, "pick:r1-a").b) == ("r1-b", "")
    assert (handlers.acted(view, "swap").a, handlers.acted(view, "swap").b) == ("r1-b", "r1-a")
    assert handlers.acted(view, "clear").a == ""
    shown = handlers.acted(view, "show:first:boolq")
    assert (shown.task, shown.show) == ("boolq", "first")
    for junk in ("", "x", "page:-3", "axis:no", "sort:" + "x" * 500, "show:nothing:nowhere", "pick:"):
        assert from_query(to_query(handlers.acted(view, junk))) == handlers.acted(view, junk)
        assert handlers.shown(handlers.acted(view, junk))


def test_two_runs_are_compared(handlers: BoardHandlers, runs: dict[str, Run]) -> None:
    html = handlers.shown(chosen(runs)).compare or ""
    assert "B is better over all" in html
    for task in ("boolq", "cb", "rte", "multirc"):
        assert f"show:first:{task}" in html
    assert "exact McNemar test" in html
    assert "Select two rows" in (handlers.shown(View()).compare or "")
    assert "Select a second row" in (handlers.shown(chosen(runs, b="")).compare or "")
    partial = handlers.shown(chosen(runs, b="t5gemma-2b-2b-ul2")).compare or ""
    assert "At least one run is partial" in partial and "only the tasks are compared" in partial


def test_samples_can_be_browsed(handlers: BoardHandlers, runs: dict[str, Run]) -> None:
    html = handlers.shown(chosen(runs, task="rte")).samples or ""
    assert "60 samples" in html and "1 of 6" in html
    assert "What was read" in html and "log-probability B" in html and "right answer" in html
    last = handlers.shown(chosen(runs, task="rte", page=99)).samples or ""
    assert "6 of 6" in last
    only = handlers.shown(chosen(runs, task="rte", show="second")).samples or ""
    compared = handlers.shown(chosen(runs)).compare or ""
    count = compared.split('data-board="show:second:rte">')[1].split("<")[0]
    assert f"{count} samples: only B is right" in only
    unscored = handlers.shown(chosen(runs, "t5gemma-s-s-ul2", "", task="boolq", show="unscored")).samples or ""
    assert "1 sample: unscored" in unscored and "has no log-probability" in unscored
    assert "log-probability B" not in unscored


def test_the_browser_offers_what_fits_the_chosen_runs(handlers: BoardHandlers, runs: dict[str, Run]) -> None:
    assert handlers.sample_choices(View()).tasks == ()
    one = handlers.sample_choices(chosen(runs, b="", task="no such task", show="first"))
    assert (one.task, one.show) == ("boolq", "all") and "differ" not in one.shows
    two = handlers.sample_choices(chosen(runs, task="cb", show="first"))
    assert (two.task, two.show) == ("cb", "first")


def test_answers_are_shown_when_their_rows_are_gone(
    handlers: BoardHandlers, services: Services, runs: dict[str, Run]
) -> None:
    file = services.data_folder.path / "rows" / "CB" / "val.jsonl"
    rows = file.read_text()
    try:
        file.write_text(rows.replace("stone", "pebble"))
        html = handlers.shown(chosen(runs, task="cb")).samples or ""
        assert "have changed since this run" in html and "log-probability" in html
        file.unlink()
        html = handlers.shown(chosen(runs, task="cb")).samples or ""
        assert "be shown" in html and "log-probability" in html
    finally:
        file.write_text(rows)


def test_exports_hold_the_rows_that_are_shown(handlers: BoardHandlers, runs: dict[str, Run]) -> None:
    view = View(encoder="b", published=False, sort="score")
    files = {kind: handlers.export(view, kind) for kind in EXPORTS if kind != "eval_results"}
    assert [file.name for file in files.values()] == [
        "made-up-1.csv",
        "made-up-1.json",
        "made-up-1.md",
        "made-up-1.tex",
    ]
    table = list(csv.DictReader(io.StringIO(files["csv"].content)))
    assert [row["checkpoint"] for row in table] == [
        "t5gemma-b-b-ul2",
        "t5gemma-b-b-ul2-it-again",
        "t5gemma-b-b-ul2-it",
        f"'{FORMULA}",
    ]
    assert table[0]["method"] == "rank"
    assert [row["checkpoint"] for row in json.loads(files["json"].content)][3] == FORMULA
    assert r"\toprule" in files["tex"].content and files["md"].content.startswith("| rank")
    hub = handlers.export(chosen(runs), "eval_results")
    assert {entry["dataset"]["task_id"] for entry in yaml.safe_load(hub.content)} == {"boolq", "cb", "rte", "multirc"}
    with pytest.raises(WorkbenchError, match="partial"):
        handlers.export(chosen(runs, "t5gemma-2b-2b-ul2", ""), "eval_results")


def test_a_filter_that_changes_the_suite_forgets_the_chosen_runs(handlers: BoardHandlers, runs: dict[str, Run]) -> None:
    view = chosen(runs)
    searched = handlers.filtered(view, {"suite": "made-up@1", "search": "x"})
    assert (searched.a, searched.suite, searched.search) == (view.a, "", "x")
    assert handlers.filtered(view, {"suite": "other@1"}).a == ""


def test_options_are_what_occurs(handlers: BoardHandlers) -> None:
    options = handlers.options()
    assert options["encoder"] == ["s", "b", "l", "xl", "2b", "9b"]
    assert options["dtype"] == ["bfloat16", "float32"]
    assert options["method"] == ["rank"]


def test_an_empty_store_says_what_to_do(tmp_path: Path) -> None:
    services = fake_services(tmp_path)
    handlers = BoardHandlers(services.evaluator(), Contexts(services.planner()))
    shown = handlers.shown(View())
    assert "Open Evaluate" in (shown.charts or "") and "smoke" in (shown.charts or "")
    assert "Table 2(b)" in (shown.table or "")
    with pytest.raises(WorkbenchError, match="no run"):
        handlers.export(View(), "eval_results")
    services.close()


def test_a_store_that_can_not_be_read_is_said(tmp_path: Path) -> None:
    services = fake_services(tmp_path)
    (tmp_path / "results.sqlite").write_bytes(b"this is no database" * 100)
    handlers = BoardHandlers(
        Evaluator(services.engine, services.planner(), services.open_store), Contexts(services.planner())
    )
    shown = handlers.shown(View())
    assert "is not a file of results" in (shown.table or "") and "wb-problem" in (shown.table or "")
    assert shown.charts == shown.tasks == ""
    assert handlers.suites() == () and handlers.sample_choices(View(a="r1-0")).tasks == ()


def test_the_endpoint_lists_rows(handlers: BoardHandlers) -> None:
    ask = BoardEndpoint(handlers).leaderboard
    rows = ask()
    assert rows[0]["checkpoint"] == "t5gemma-l-l-ul2"
    assert len(rows) == 9 and rows[0]["rank"] == 1 and rows[0]["score"]["low"] < rows[0]["score"]["value"]
    assert json.loads(json.dumps(rows)) == [json.loads(json.dumps(row)) for row in rows]
    assert len(ask(partial=False)) == 8 and len(ask(search="L-L")) == 1 and ask(suite="other") == []
    assert any(row["published"] for row in ask(published=True))
