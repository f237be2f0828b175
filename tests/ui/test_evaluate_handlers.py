"""The Evaluate tab's steps as plain functions over the fake engine."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from t5gemma_app.checkpoints.catalogue import Catalogue
from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.engine.fake import FakeEngine
from t5gemma_app.errors import BusyError, EngineError, InputError
from t5gemma_app.evaluation.records import RunState
from t5gemma_app.services import Services
from t5gemma_app.ui.app import current_banner
from t5gemma_app.ui.evaluate_board import RunBoard
from t5gemma_app.ui.evaluate_handlers import EvaluateHandlers, ordered_suites
from t5gemma_app.ui.run_desk import RunDesk, checked_wish
from tests.evaluation.world import write_rows
from tests.ui.evaluating import SMOKE_ROWS, evaluating_services, until
from tests.ui.fakes import DEMO, OTHER

SMOKE = ("smoke", [], None, "rank")


def handlers_of(services: Services) -> EvaluateHandlers:
    return EvaluateHandlers(services, RunDesk(services), RunBoard(services), ordered_suites(services))


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    services = evaluating_services(tmp_path, FakeEngine(delay=0.005))
    yield services
    services.close()


@pytest.fixture
def handlers(services: Services) -> EvaluateHandlers:
    return handlers_of(services)


def started(handlers: EvaluateHandlers, names: list[str], *order: Any) -> list[tuple[Any, ...]]:
    return list(handlers.start(names, *(order or SMOKE), None))


def states(handlers: EvaluateHandlers) -> list[RunState]:
    return [view.run.state for view in handlers.board.snapshot().views]


def pressed(act: str, run: str) -> gr.EventData:
    return gr.EventData(None, {"act": act, "run": run})


@pytest.mark.parametrize(
    ("names", "order", "sentence"),
    [
        (
            [DEMO.name],
            ("superglue-quick", [], 16, "generate"),
            f"Run superglue-quick on {DEMO.name} by generate, 16 rows",
        ),
        ([DEMO.name, OTHER.name], ("superglue-quick", [], 0, "rank"), "on 2 checkpoints by rank, 64 rows a task."),
        ([DEMO.name], ("superglue-quick", ["cb"], 500, "rank"), "Run cb of superglue-quick on"),
        ([DEMO.name], ("superglue", ["cb", "rte"], None, "rank"), "Run 2 tasks of superglue on"),
        ([DEMO.name], ("superglue", [], None, "rank"), "by rank, all its rows."),
        ([DEMO.name], ("smoke", [], 1, "rank"), "1 row a task."),
        ([], SMOKE, "on no checkpoint yet"),
    ],
)
def test_the_order_is_a_sentence(handlers: EvaluateHandlers, names: list[str], order: Any, sentence: str) -> None:
    html, button = handlers.sentence(names, *order)
    assert sentence in html.replace("<b>", "").replace("</b>", "")
    assert button["interactive"] is bool(names)


def test_the_cost_is_told_before_the_start_and_measured_afterwards(handlers: EvaluateHandlers) -> None:
    html, offer = handlers.cost([DEMO.name, OTHER.name], *SMOKE)
    assert f"{2 * SMOKE_ROWS} examples · time unknown until the first batch · memory up to" in html
    assert offer["visible"] is False
    started(handlers, [DEMO.name])
    until(lambda: states(handlers) == [RunState.DONE])
    assert "from earlier runs" in handlers.cost([DEMO.name], *SMOKE)[0]
    assert "for 1 of 2, the others are unknown" in handlers.cost([DEMO.name, OTHER.name], *SMOKE)[0]


def test_without_network_and_folder_the_tab_says_what_to_do(handlers: EvaluateHandlers) -> None:
    html, offer = handlers.cost([DEMO.name], "superglue-quick", ["cb"], None, "rank")
    assert "T5GEMMA_SUPERGLUE_DIR" in html and offer["visible"] is True
    assert handlers.opening_suite() == "smoke"


def test_the_owners_folder_has_the_rows(tmp_path: Path) -> None:
    write_rows(tmp_path / "rows")
    services = evaluating_services(tmp_path, superglue_dir=tmp_path / "rows")
    handlers = handlers_of(services)
    assert handlers.opening_suite() == "superglue-quick"
    assert "5 examples" in handlers.cost([DEMO.name], "superglue-quick", ["cb"], 5, "rank")[0]
    started(handlers, [DEMO.name], "superglue-quick", ["cb"], 5, "rank")
    until(lambda: states(handlers) == [RunState.DONE])
    services.close()


def test_a_sweep_is_queued_and_shown(handlers: EvaluateHandlers) -> None:
    chosen, _ = handlers.swept("all that can be used here", [OTHER.name])
    assert chosen["value"] == [OTHER.name, DEMO.name]
    assert [label for label, _ in handlers.sweeps()] == ["all that can be used here (2)"]
    said = started(handlers, chosen["value"])
    assert "(2 of 2)" in said[1][0] and said[1][1]["interactive"] is False
    notice, button, html, timer, _ = said[-1]
    assert (notice, button["interactive"], timer["active"]) == ("", True, True)
    assert html.index(OTHER.name) < html.index(DEMO.name)
    until(lambda: states(handlers) == [RunState.DONE, RunState.DONE])
    assert handlers.refresh(None).timer["active"] is False
    assert "measured like this already" in started(handlers, [DEMO.name])[-1][0]


def test_a_page_is_sent_nothing_that_it_has(handlers: EvaluateHandlers) -> None:
    first = handlers.refresh(None)
    assert "No runs yet" in first.runs and first.timer["active"] is False
    assert handlers.refresh(first.seen).runs == gr.skip()
    started(handlers, [DEMO.name])
    assert handlers.refresh(first.seen).runs != gr.skip()


def test_polling_at_rest_takes_no_time(handlers: EvaluateHandlers) -> None:
    started(handlers, [DEMO.name])
    until(lambda: states(handlers) == [RunState.DONE])
    seen = handlers.refresh(None).seen
    begun = time.perf_counter()
    for _ in range(100):
        handlers.refresh(seen)
    assert (time.perf_counter() - begun) / 100 < 0.005


def test_buttons_steer(services: Services, handlers: EvaluateHandlers) -> None:
    services.engine.delay = 0.05  # type: ignore[attr-defined]
    started(handlers, [DEMO.name])
    until(lambda: states(handlers) == [RunState.RUNNING])
    run = handlers.board.snapshot().views[0].run.id
    notice, html, *_ = handlers.steer(None, pressed("pause", run))
    # the batch may have ended before the page was drawn
    assert notice == "" and ("pausing after this batch" in html or "paused" in html)
    until(lambda: states(handlers) == [RunState.PAUSED])
    handlers.steer(None, pressed("resume", run))
    until(lambda: states(handlers) == [RunState.RUNNING])
    handlers.steer(None, pressed("cancel", run))
    until(lambda: states(handlers) == [RunState.CANCELLED])
    assert "can&#x27;t be paused" in handlers.steer(None, pressed("pause", run))[0]
    assert "can&#x27;t be &#x27;eat&#x27;" in handlers.steer(None, pressed("eat", run))[0]
    assert "No run begins" in handlers.steer(None, pressed("pause", "../etc"))[0]


def test_one_banner_says_what_goes_on(services: Services, handlers: EvaluateHandlers) -> None:
    services.access.refresh(services.catalogue.all())
    assert "The Hub can" in current_banner(services, handlers.board)
    services.engine.delay = 0.05  # type: ignore[attr-defined]
    started(handlers, [DEMO.name, OTHER.name])
    until(lambda: states(handlers)[0] is RunState.RUNNING)
    banner = current_banner(services, handlers.board)
    assert f"Evaluating {DEMO.name} on smoke" in banner and "1 more waiting" in banner
    assert banner.count('class="wb-banner') == 1 and "The Hub can" not in banner


def test_a_failure_says_what_happened_and_becomes_no_markup(tmp_path: Path) -> None:
    class Broken(FakeEngine):
        def score(self, *_: Any, **__: Any) -> Any:
            raise EngineError("The device <b>burned</b>.", remedy="Buy another.")

    services = evaluating_services(tmp_path, Broken())
    handlers = handlers_of(services)
    started(handlers, [DEMO.name])
    until(lambda: states(handlers) == [RunState.FAILED])
    html = handlers.refresh(None).runs
    assert "<strong>The device &lt;b&gt;burned&lt;/b&gt;.</strong><p>Buy another.</p>" in html and "Try again" in html
    assert "<b>burned" not in html
    services.close()


def test_what_one_checkpoint_lacks_does_not_stop_the_others(handlers: EvaluateHandlers) -> None:
    said = started(handlers, ["t5gemma-2b-2b-ul2", DEMO.name])[-1]
    assert "t5gemma-2b-2b-ul2 can&#x27;t be evaluated" in said[0]
    assert len(states(handlers)) == 1


@pytest.fixture
def headed(tmp_path: Path) -> Iterator[Services]:
    """Services in which the demo has a head for CB."""
    services = evaluating_services(tmp_path)
    place = tmp_path / "checkpoints" / OTHER.name
    head = Checkpoint(
        f"{DEMO.name}-cb", "local", str(place), head="sequence", labels=("neutral", "contradiction", "entailment"),
        base=DEMO.name, task="superglue:cb",
    )  # fmt: skip
    services = replace(services, catalogue=Catalogue((*services.catalogue.all(), head)))
    yield services
    services.close()


def test_head_is_offered_where_every_checkpoint_has_one_for_every_task(headed: Services) -> None:
    handlers = handlers_of(headed)

    def offered(names: list[str], tasks: list[str], method: str = "rank") -> tuple[list[str], str, str]:
        update, about, choices = handlers.methods(names, "smoke", tasks, method, None)
        assert update["choices"] == choices
        again, *same = handlers.methods(names, "smoke", tasks, method, choices)
        assert again == gr.skip() and same == [about, choices]
        return choices, update.get("value", method), about

    assert offered([DEMO.name], ["cb"], "head") == (["rank", "generate", "head"], "head", "")
    choices, value, about = offered([DEMO.name], [], "head")
    assert (choices, value) == (["rank", "generate"], "rank")
    assert f"Not by head: {DEMO.name} has no head for boolq, copa" in about
    assert f"{OTHER.name} has no head for cb" in offered([DEMO.name, OTHER.name], ["cb"])[2]
    assert offered([f"{DEMO.name}-cb"], ["cb"]) == (["head"], "head", "")
    assert "not for boolq" in offered([f"{DEMO.name}-cb"], ["boolq"])[2]
    assert offered([], ["cb"])[0] == ["rank", "generate"]
    assert f"{DEMO.name}-cb" in [name for _, name in handlers.checkpoints()]


def test_a_run_by_head_is_started_from_the_page(headed: Services) -> None:
    handlers = handlers_of(headed)
    assert "by <b>head</b>" in handlers.sentence([DEMO.name], "smoke", ["cb"], None, "head")[0]
    assert started(handlers, [DEMO.name], "smoke", ["cb"], None, "head")[-1][0] == ""
    until(lambda: states(handlers) == [RunState.DONE])
    (spec,) = handlers.board.snapshot().views[0].run.spec.benchmarks
    assert spec.head is not None and spec.head.name == f"{DEMO.name}-cb"


def test_nothing_starts_without_a_checkpoint_or_with_junk(handlers: EvaluateHandlers) -> None:
    assert "No checkpoint is chosen" in started(handlers, [])[-1][0]
    assert "There is no suite" in started(handlers, [DEMO.name], "../x", [], None, "rank")[-1][0]
    assert "The method is" in started(handlers, [DEMO.name], "smoke", [], None, "guess")[-1][0]
    assert "has no benchmark" in started(handlers, [DEMO.name], "smoke", ["nli"], None, "rank")[-1][0]
    assert states(handlers) == []


@pytest.mark.parametrize("limit", [-1, 1.5, "many", float("nan"), float("inf"), 10**9])
def test_a_number_of_rows_is_checked(limit: Any) -> None:
    with pytest.raises(InputError, match="The number of rows is"):
        checked_wish("smoke", [], limit, "rank")


def test_at_most_so_many_runs_wait(tmp_path: Path) -> None:
    services = evaluating_services(tmp_path, FakeEngine(delay=0.05), max_runs=1)
    desk = RunDesk(services)
    wish = checked_wish("smoke", "", 0, "rank")
    desk.start(DEMO.name, wish)
    with pytest.raises(BusyError, match="1 evaluation"):
        desk.start(OTHER.name, wish)
    said = started(handlers_of(services), [OTHER.name, DEMO.name])
    assert "0 of 2 were queued" in said[-1][0] and said[-1][0].count("wb-problem") == 1
    services.close()


@pytest.mark.parametrize(
    ("wishes", "allowed"),
    [
        ({"space": "me/space"}, False),
        ({"visitor_runs": "off"}, False),
        ({"space": "me/space", "visitor_runs": "on"}, True),
        ({}, True),
    ],
)
def test_whether_visitors_may_run_is_the_owners_to_say(tmp_path: Path, wishes: Any, allowed: bool) -> None:
    services = evaluating_services(tmp_path, **wishes)
    handlers = handlers_of(services)
    started(handlers, [DEMO.name])
    assert len(states(handlers)) == int(allowed)
    assert handlers.sentence([DEMO.name], *SMOKE)[1]["interactive"] is allowed
    assert ("T5GEMMA_VISITOR_RUNS=on" in handlers.closed_html()) is not allowed
    if not allowed:
        run = services.evaluator().start(checked_wish("smoke", "", 0, "rank").order(DEMO.name))
        for act in ("pause", "resume", "cancel"):
            assert "Visitors can&#x27;t" in handlers.steer(None, pressed(act, run.id))[0]
        assert 'data-act="pause"' not in handlers.refresh(None).runs
    services.close()
