"""`/leaderboard` as programs see it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from gradio_client import Client

from t5gemma_app.evaluation.store import FILE, Store
from t5gemma_app.ui.app import build, launch
from tests.ui.board import RUNS, fill
from tests.ui.fakes import fake_services
from tests.ui.test_app import free_port


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    folder = tmp_path_factory.mktemp("data")
    store = Store(folder / FILE)
    fill(store, folder, rows=30, made=RUNS[:3])
    store.close()
    services = fake_services(folder, port=free_port())
    blocks = build(services)
    yield Client(launch(blocks, services, block=False), verbose=False)
    blocks.close()
    services.close()


def test_every_argument_has_a_default(client: Client) -> None:
    api: Any = client.view_api(return_format="dict", print_info=False)
    parameters = api["named_endpoints"]["/leaderboard"]["parameters"]
    assert [one["parameter_name"] for one in parameters] == ["suite", "search", "partial", "published"]
    assert all(one["parameter_has_default"] for one in parameters)


def test_rows_are_ranked_and_filtered(client: Client) -> None:
    rows = client.predict(api_name="/leaderboard")
    assert [row["rank"] for row in rows] == sorted(row["rank"] for row in rows)
    assert {row["checkpoint"] for row in rows} == {made.name for made in RUNS[:3]}
    first = rows[0]
    assert first["suite"] == "made-up@1" and first["encoder_size"] == "b" and first["parameters"] == 591_000_000
    assert first["score"]["low"] <= first["score"]["value"] <= first["score"]["high"]
    assert set(first["tasks"]) == {"boolq", "cb", "rte", "multirc"}
    assert [row["checkpoint"] for row in client.predict(search="s-s", api_name="/leaderboard")] == [RUNS[0].name]
    printed = [row for row in client.predict(published=True, api_name="/leaderboard") if row["published"]]
    assert printed and all(row["rank"] is None and "Table 2(b)" in row["published"] for row in printed)
    assert client.predict(suite="unknown", api_name="/leaderboard") == []
