"""`/run_start`, `/run_status` and `/run_cancel` as programs see them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from t5gemma_app.engine.fake import FakeEngine
from t5gemma_app.services import Services
from t5gemma_app.ui.evaluate_api import RunEndpoints, build_run_endpoints
from t5gemma_app.ui.run_desk import RunDesk
from tests.ui.evaluating import SMOKE_ROWS, evaluating_services, until
from tests.ui.fakes import DEMO, OTHER

NAMES = ("/run_start", "/run_status", "/run_cancel")


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    services = evaluating_services(tmp_path_factory.mktemp("data"), FakeEngine(delay=0.01))
    yield services
    services.close()


@pytest.fixture(scope="module")
def client(services: Services) -> Iterator[Client]:
    with gr.Blocks(analytics_enabled=False) as blocks:
        build_run_endpoints(RunDesk(services))
    blocks.queue(api_open=False)
    _, address, _ = blocks.launch(prevent_thread_lock=True, quiet=True, ssr_mode=False)
    yield Client(address, verbose=False)
    blocks.close()


def test_every_argument_but_the_first_has_a_default(client: Client) -> None:
    api: Any = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    assert set(api) == set(NAMES)
    taken = {name: [p["parameter_name"] for p in api[name]["parameters"]] for name in NAMES}
    assert taken == {
        "/run_start": ["checkpoint", "suite", "limit", "tasks", "method"],
        "/run_status": ["run_id"],
        "/run_cancel": ["run_id"],
    }
    for name in NAMES:
        defaults = [p["parameter_has_default"] for p in api[name]["parameters"]]
        assert defaults == [False] + [True] * (len(defaults) - 1)


def test_a_run_is_started_watched_and_scored(client: Client) -> None:
    run = client.predict(DEMO.name, api_name="/run_start")
    assert client.predict(DEMO.name, "smoke", api_name="/run_start") == run
    until(lambda: client.predict(run, api_name="/run_status")["state"] == "done")
    status = client.predict(run[:12], api_name="/run_status")
    assert (status["run_id"], status["done"], status["total"]) == (run, SMOKE_ROWS, SMOKE_ROWS)
    assert 0 <= status["score"] <= 1 and status["partial"] is True
    assert [one["name"] for one in status["benchmarks"]][:2] == ["boolq", "cb"]
    assert status["benchmarks"][0]["metrics"][0]["low"] <= status["benchmarks"][0]["metrics"][0]["value"]


def test_a_run_is_cancelled(client: Client, services: Services) -> None:
    services.engine.delay = 0.1  # type: ignore[attr-defined]
    run = client.predict(OTHER.name, "smoke", 0, "boolq, cb", api_name="/run_start")
    until(lambda: client.predict(run, api_name="/run_status")["state"] == "running")
    assert client.predict(run, api_name="/run_cancel")["run_id"] == run
    until(lambda: client.predict(run, api_name="/run_status")["state"] == "cancelled")
    status = client.predict(run, api_name="/run_status")
    assert [one["name"] for one in status["benchmarks"]] == ["boolq", "cb"]
    assert status["score"] is None and status["done"] <= 24


@pytest.mark.parametrize(
    ("endpoint", "sent", "words"),
    [
        ("/run_start", ("nothing",), "There is no checkpoint"),
        ("/run_start", (DEMO.name, "../../etc/passwd"), "There is no suite"),
        ("/run_start", (DEMO.name, "smoke", -1), "The number of rows is -1"),
        ("/run_start", (DEMO.name, "smoke", 0, "nli"), "has no benchmark"),
        ("/run_status", ("nothing",), "No run begins with"),
        ("/run_cancel", ("",), "runs? begins? with"),
    ],
)
def test_what_is_wrong_is_said(client: Client, endpoint: str, sent: tuple[Any, ...], words: str) -> None:
    with pytest.raises(AppError, match=words):
        client.predict(*sent, api_name=endpoint)


def test_visitors_start_nothing_where_the_owner_forbids_it(tmp_path: Path) -> None:
    endpoints = RunEndpoints(RunDesk(evaluating_services(tmp_path, visitor_runs="off")))
    with pytest.raises(gr.Error, match="T5GEMMA_VISITOR_RUNS=on"):
        endpoints.run_start(DEMO.name)
