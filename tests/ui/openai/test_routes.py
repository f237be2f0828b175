"""The served endpoint as OpenAI's own client sees it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise

import httpx
import openai
import pytest

from t5gemma_app.engine.fake import FakeEngine
from t5gemma_app.engine.local import LocalEngine
from t5gemma_app.errors import SettingsError
from t5gemma_app.services import Services, build_services
from t5gemma_app.settings import Secret, Settings
from t5gemma_app.ui.app import build, launch
from tests.tiny import save_tiny
from tests.ui.fakes import DEMO, OTHER, fake_services
from tests.ui.test_app import free_port

KEY = "a key of 22 characters"
HELLO = [{"role": "user", "content": "hello there"}]


def served(services: Services) -> Iterator[str]:
    blocks = build(services)
    yield launch(blocks, services, block=False)
    blocks.close()
    services.close()


@pytest.fixture(scope="module")
def fake(tmp_path_factory: pytest.TempPathFactory) -> Services:
    wishes = {"port": free_port(), "openai": True, "api_key": Secret(KEY), "max_text": 1000, "max_new_tokens": 200}
    engine = FakeEngine(delay=0.01, max_answers=1, max_waiting=1)
    return fake_services(tmp_path_factory.mktemp("data"), engine, **wishes)


@pytest.fixture(scope="module")
def address(fake: Services) -> Iterator[str]:
    yield from served(fake)


@pytest.fixture
def client(address: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{address}v1", api_key=KEY, max_retries=0) as client:
        yield client


def idle(services: Services) -> bool:
    status = services.engine.status()
    return (status.active, status.waiting) == (0, 0)


def soon(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_models_are_those_that_can_write_now(client: openai.OpenAI) -> None:
    listed = client.models.list().data
    assert [model.id for model in listed] == [DEMO.name, OTHER.name]
    assert client.models.retrieve(DEMO.name) == listed[0]
    with pytest.raises(openai.NotFoundError, match="classification head"):
        client.models.retrieve("a-classifier")
    with pytest.raises(openai.NotFoundError, match="Did you mean"):
        client.models.retrieve("t5gemma-demo-chad")


def test_a_whole_answer_and_a_stream_are_the_same(client: openai.OpenAI) -> None:
    asked = {"model": DEMO.name, "messages": HELLO, "temperature": 0}
    whole = client.chat.completions.create(**asked)  # type: ignore[call-overload]
    assert whole.choices[0].message.content == "You said: hello there"
    assert whole.choices[0].finish_reason == "stop" and whole.usage.completion_tokens == 5
    chunks = list(client.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True}))  # type: ignore[call-overload]
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == "You said: hello there"
    assert chunks[-1].usage == whole.usage and chunks[-2].choices[0].finish_reason == "stop"
    assert len(chunks) > 3 and len({chunk.id for chunk in chunks}) == 1


def test_text_is_continued(client: openai.OpenAI) -> None:
    asked = {"model": OTHER.name, "prompt": "one two three", "temperature": 0, "max_tokens": 4}
    whole = client.completions.create(**asked)  # type: ignore[call-overload]
    assert (whole.choices[0].text, whole.choices[0].finish_reason) == ("You said: one two", "length")
    streamed = client.completions.create(**asked, stream=True)  # type: ignore[call-overload]
    assert "".join(chunk.choices[0].text for chunk in streamed) == whole.choices[0].text


def test_samples_differ_unless_a_seed_is_sent(client: openai.OpenAI) -> None:
    words = [{"role": "user", "content": " ".join("abcdefghij")}]

    def said(**more: object) -> str:
        return client.chat.completions.create(model=DEMO.name, messages=words, **more).choices[0].message.content  # type: ignore[call-overload]

    assert said() != said()
    assert said(seed=5) == said(seed=5)
    assert said(extra_body={"top_k": 5, "min_p": 0.1, "repetition_penalty": 1.1}, seed=5)


def test_a_wrong_key_is_refused(address: str, client: openai.OpenAI) -> None:
    with pytest.raises(openai.AuthenticationError) as caught:
        client.with_options(api_key="wrong").models.list()
    assert caught.value.status_code == 401 and caught.value.code == "invalid_api_key"
    assert KEY not in str(caught.value)
    for header in ({}, {"Authorization": KEY}, {"Authorization": f"Basic {KEY}"}, {"Authorization": "Bearer é"}):
        assert httpx.get(f"{address}v1/models", headers={k: v.encode() for k, v in header.items()}).status_code == 401


def test_what_is_wrong_is_said_in_their_shape(client: openai.OpenAI, address: str) -> None:
    create = client.chat.completions.create
    with pytest.raises(openai.NotFoundError) as unknown:
        create(model="gpt-4", messages=HELLO)  # type: ignore[arg-type]
    assert unknown.value.code == "model_not_found" and unknown.value.param == "model"
    with pytest.raises(openai.BadRequestError) as two:
        create(model=DEMO.name, messages=HELLO, n=2)  # type: ignore[arg-type]
    assert two.value.param == "n"
    with pytest.raises(openai.BadRequestError) as long:
        create(model=DEMO.name, messages=[{"role": "user", "content": "x" * 1001}])
    assert long.value.code == "context_length_exceeded"
    history = [{"role": "user", "content": "x " * 400}, {"role": "assistant", "content": "x " * 400}, *HELLO]
    with pytest.raises(openai.BadRequestError, match="conversation of 3 messages is too long"):
        create(model=DEMO.name, messages=history)  # type: ignore[arg-type]
    with pytest.raises(openai.BadRequestError, match="knows no turns"):
        create(model=OTHER.name, messages=[*HELLO, {"role": "assistant", "content": "x"}, *HELLO])  # type: ignore[arg-type,list-item]
    with pytest.raises(openai.BadRequestError, match="empty"):
        create(model=DEMO.name, messages=[{"role": "user", "content": " "}])
    with pytest.raises(openai.NotFoundError, match="no such address"):
        client.post("/audio/speech", cast_to=object)
    with pytest.raises(openai.APIStatusError) as large:
        create(model=DEMO.name, messages=[{"role": "user", "content": "x" * 1_100_000}])
    assert large.value.status_code == 413
    key = {"Authorization": f"Bearer {KEY}"}
    plain = httpx.post(f"{address}v1/chat/completions", headers=key, content=b"{}")
    assert plain.status_code == 400 and "Content-Type" in plain.json()["error"]["message"]
    broken = httpx.post(f"{address}v1/completions", headers=key | {"Content-Type": "application/json"}, content=b"{")
    assert broken.status_code == 400 and "not JSON" in broken.json()["error"]["message"]


def test_too_many_are_asked_to_come_back(client: openai.OpenAI, fake: Services) -> None:
    words = [{"role": "user", "content": " ".join(["word"] * 190)}]
    streams = [client.chat.completions.create(model=DEMO.name, messages=words, stream=True) for _ in range(2)]  # type: ignore[call-overload]
    soon(lambda: (fake.engine.status().active, fake.engine.status().waiting) == (1, 1))
    for stream in (False, True):
        with pytest.raises(openai.RateLimitError) as caught:
            client.chat.completions.create(model=DEMO.name, messages=HELLO, stream=stream)  # type: ignore[call-overload]
        assert caught.value.code == "busy" and "1 request is waiting" in str(caught.value)
        assert int(caught.value.response.headers["retry-after"]) >= 1
    for stream in streams:
        stream.close()
    soon(lambda: idle(fake))


@pytest.mark.parametrize("stream", [True, False])
def test_a_program_that_leaves_is_not_answered_any_further(
    address: str, fake: Services, stream: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fake.engine, "delay", 0.1)
    body = {"model": DEMO.name, "messages": [{"role": "user", "content": "word " * 190}], "stream": stream}
    headers = {"Authorization": f"Bearer {KEY}"}
    begun = time.monotonic()
    with httpx.Client(base_url=address, headers=headers, timeout=None if stream else 0.3) as program:
        if stream:
            with program.stream("POST", "v1/chat/completions", json=body) as reply:
                lines = reply.iter_lines()  # kept: a dropped iterator closes the connection
                next(line for line in lines if "said" in line)
                assert fake.engine.status().active == 1
        else:
            with pytest.raises(httpx.ReadTimeout):
                program.post("v1/chat/completions", json=body)
    soon(lambda: idle(fake))
    assert time.monotonic() - begun < 15  # the answer takes twenty seconds
    assert not [thread for thread in threading.enumerate() if thread.name == "answer of a program"]


def test_the_page_is_served_beside_it(address: str) -> None:
    assert "gradio" in httpx.get(address).text.lower()
    assert httpx.get(f"{address}gradio_api/info").status_code == 200


def test_others_need_a_key_and_this_machine_does_not(tmp_path) -> None:  # type: ignore[no-untyped-def]
    services = fake_services(tmp_path, host="0.0.0.0", port=free_port(), openai=True)
    with pytest.raises(SettingsError, match="T5GEMMA_API_KEY"):
        launch(build(services), services, block=False)
    services = fake_services(tmp_path, port=free_port(), openai=True)
    for address in served(services):
        assert httpx.get(f"{address}v1/models").status_code == 200
    services = fake_services(tmp_path, port=free_port())
    for address in served(services):
        assert httpx.get(f"{address}v1/models").status_code == 404


def test_the_key_shows_itself_nowhere() -> None:
    settings = Settings.from_environ({"T5GEMMA_API_KEY": KEY, "T5GEMMA_OPENAI": "1"})
    assert settings.api_key == Secret(KEY) and settings.openai
    assert KEY not in repr(settings) and KEY not in str(settings.table())


def test_a_real_checkpoint_answers_the_same_streamed_and_whole(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = save_tiny(tmp_path_factory.mktemp("checkpoints") / "tiny-chat", strength=3.0)
    data = tmp_path_factory.mktemp("data")
    settings = Settings(offline=True, openai=True, port=free_port(), checkpoints=(str(folder),), data_dir=data)
    services = build_services(settings, LocalEngine(settings))
    for address in served(services):
        with openai.OpenAI(base_url=f"{address}v1", api_key="none", max_retries=0) as client:
            assert "tiny-chat" in [model.id for model in client.models.list()]
            asked = {"model": "tiny-chat", "messages": HELLO, "temperature": 0, "max_tokens": 60}
            whole = client.chat.completions.create(**asked)  # type: ignore[call-overload]
            texts = [
                chunk.choices[0].delta.content or ""
                for chunk in client.chat.completions.create(**asked, stream=True)  # type: ignore[call-overload]
            ]
            assert "".join(texts) == whole.choices[0].message.content
            assert 0 < whole.usage.completion_tokens <= 60
            seeded = [
                client.completions.create(model="tiny-chat", prompt="hello", temperature=2, seed=3, max_tokens=20)
                for _ in range(2)
            ]
            assert seeded[0].choices[0].text == seeded[1].choices[0].text
            assert all(earlier != "" for earlier, _ in pairwise(texts[1:-1]))
