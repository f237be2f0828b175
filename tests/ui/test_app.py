"""The served page as programs see it."""

from __future__ import annotations

import json
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from t5gemma_app.engine.fake import FakeEngine
from t5gemma_app.errors import PortTakenError, SettingsError
from t5gemma_app.services import Services
from t5gemma_app.ui.app import build, current_banner, launch
from tests.ui.fakes import DEMO, HEAD, fake_services


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Services:
    return fake_services(tmp_path_factory.mktemp("data"), FakeEngine(delay=0.01), port=free_port(), max_text=1000)


@pytest.fixture(scope="module")
def address(services: Services) -> Iterator[str]:
    blocks = build(services)
    yield launch(blocks, services, block=False)
    blocks.close()


@pytest.fixture(scope="module")
def client(address: str) -> Client:
    return Client(address, verbose=False)


def test_the_endpoints_are_named_and_their_arguments_have_defaults(client: Client) -> None:
    api: Any = client.view_api(return_format="dict", print_info=False)
    assert set(api["named_endpoints"]) == {
        "/chat",
        "/checkpoints",
        "/classify",
        "/embed",
        "/leaderboard",
        "/run_start",
        "/run_status",
        "/run_cancel",
        "/tag",
    }
    assert api["unnamed_endpoints"] == {}
    parameters = api["named_endpoints"]["/chat"]["parameters"]
    assert [parameter["parameter_name"] for parameter in parameters][:3] == ["message", "system", "checkpoint"]
    assert [parameter["parameter_has_default"] for parameter in parameters] == [False] + [True] * 10
    for name in ("/classify", "/tag", "/embed"):
        first, *others = api["named_endpoints"][name]["parameters"]
        assert first["parameter_name"] == "text" and not first["parameter_has_default"]
        assert all(parameter["parameter_has_default"] for parameter in others)


def test_chat_streams(client: Client) -> None:
    job = client.submit("one two three four five six seven eight nine ten", api_name="/chat")
    assert job.result(timeout=20) == "You said: one two three four five six seven eight nine ten"
    outputs = job.outputs()
    assert len(outputs) > 2 and all(later.startswith(earlier) for earlier, later in pairwise(outputs))


def test_answers_are_written_side_by_side(client: Client, services: Services) -> None:
    jobs = [client.submit(" ".join(["word"] * 60), api_name="/chat") for _ in range(3)]
    most = 0
    while not all(job.done() for job in jobs):
        most = max(most, services.engine.status().active)
        time.sleep(0.02)
    assert most > 1
    assert len({job.result() for job in jobs}) == 1


def test_chat_takes_parameters_by_name(client: Client) -> None:
    said = client.predict(message="a b c d e", max_new_tokens=3, checkpoint=DEMO.name, api_name="/chat")
    assert said == "You said: a"


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"message": ""}, "empty"),
        ({"message": "x" * 1001}, "1,001 characters"),
        ({"message": "hi", "checkpoint": "../../etc/passwd"}, "There is no checkpoint"),
        ({"message": "hi", "temperature": -1}, "temperature is -1"),
        ({"message": "hi", "checkpoint": "a-classifier"}, "classification head"),
    ],
)
def test_what_is_wrong_is_said(client: Client, sent: dict[str, Any], words: str) -> None:
    with pytest.raises(AppError, match=words):
        client.predict(**sent, api_name="/chat")


def test_classify_takes_labels_as_text_and_as_a_list(client: Client) -> None:
    named = client.predict("The ball is in the net", labels="sport, politics", none=True, api_name="/classify")
    listed = client.predict("The ball is in the net", labels=["sport", "politics"], none=True, api_name="/classify")
    assert named == listed and named["checkpoint"] == DEMO.name
    assert sum(named["scores"].values()) + named["none"] == pytest.approx(1)
    head = client.predict("good", api_name="/classify")
    assert head["checkpoint"] == HEAD.name and head["labels"][0] in HEAD.labels


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"text": ""}, "The text is empty"),
        ({"text": "a", "labels": "one"}, "one label"),
        ({"text": "a", "labels": "one, two", "checkpoint": HEAD.name}, "labels of its own"),
        ({"text": "a", "labels": "a, b", "wording": "{text}"}, "lacks {label}"),
        ({"text": "a", "labels": "a, b", "several": True, "wording": "topic"}, "answered by Yes or No"),
        ({"text": "a", "labels": ",".join(map(str, range(1000)))}, "1,000 labels"),
    ],
)
def test_what_can_not_be_classified_is_said(client: Client, sent: dict[str, Any], words: str) -> None:
    with pytest.raises(AppError, match=words):
        client.predict(**sent, api_name="/classify")


def test_checkpoints_are_listed(client: Client, services: Services) -> None:
    listed = client.predict(api_name="/checkpoints")
    assert [entry["name"] for entry in listed] == list(services.catalogue.names())
    demo = next(entry for entry in listed if entry["name"] == DEMO.name)
    assert set(demo) == {"name", "pair", "parameters", "access", "stage", "head", "labels"}
    head = next(entry for entry in listed if entry["name"] == HEAD.name)
    assert (demo["head"], head["head"], head["labels"]) == ("none", "sequence", list(HEAD.labels))
    assert demo["access"] == "ready" and demo["parameters"] > 0


def post(address: str, path: str, body: Any) -> tuple[int, str]:
    request = urllib.request.Request(
        f"{address}gradio_api/{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_private_steps_do_no_harm_when_called(address: str) -> None:
    """Whatever is sent to a hidden step, the answer carries no traceback and the server goes on."""
    with urllib.request.urlopen(f"{address}config", timeout=20) as reply:
        steps = json.load(reply)["dependencies"]
    junk = ["{", -1, None, {"a": "../../etc/passwd"}, "x" * 5000]
    answered = 0
    for step in steps:
        if not step["backend_fn"] or step["queue"] is not False:
            continue
        data = [junk[index % len(junk)] for index in range(len(step["inputs"]))]
        status, body = post(address, "run/predict", {"fn_index": step["id"], "data": data, "session_hash": "junk"})
        assert status in (200, 422, 500), (step["id"], body[:300])
        answered += status == 200
        assert "Traceback" not in body and "/etc" not in body.replace("../../etc", "")
    assert answered > 5
    with urllib.request.urlopen(address, timeout=20) as reply:
        assert reply.status == 200


def test_the_queue_can_not_be_bypassed_and_nothing_is_monitored(address: str) -> None:
    status, _ = post(address, "run/chat", {"data": ["hi"]})
    assert status == 404
    for path in ("monitoring/summary", "monitoring"):
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(f"{address}gradio_api/{path}", timeout=20)


def test_private_folders_are_not_served(address: str, services: Services) -> None:
    secret = services.data_folder.path / "secret.txt"
    secret.write_text("secret")
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(f"{address}gradio_api/file={secret}", timeout=20)


def test_a_taken_port_is_said(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        services = fake_services(tmp_path, port=other.getsockname()[1])
        with pytest.raises(PortTakenError, match="T5GEMMA_PORT="):
            launch(build(services), services, block=False)


def test_tools_are_offered_where_the_library_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    services = fake_services(tmp_path, mcp=True, port=free_port())
    monkeypatch.setattr("t5gemma_app.ui.app.find_spec", lambda name: None)
    with pytest.raises(SettingsError, match="gradio\\[mcp\\]"):
        launch(build(services), services, block=False)


def test_at_most_one_banner(tmp_path: Path) -> None:
    services = fake_services(tmp_path)
    assert current_banner(services) == ""  # nothing was checked yet
    services.access.refresh(services.catalogue.all())
    assert current_banner(services).count('class="wb-banner"') == 1
