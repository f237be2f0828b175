"""What programs send and get, as values."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from t5gemma_app.engine.types import (
    Finished,
    GenerationResult,
    GenerationStatistics,
    SamplingParameters,
    TextDelta,
    Waiting,
)
from t5gemma_app.errors import (
    AccessError,
    BusyError,
    EngineError,
    InputError,
    StoppedError,
    TooBigError,
    TooLongError,
    UnknownCheckpointError,
    WorkbenchError,
)
from t5gemma_app.tasks.turns import Turn
from t5gemma_app.ui.frames import Frames, frame_seconds
from t5gemma_app.ui.openai.chunks import ChunkStream
from t5gemma_app.ui.openai.failures import failure_of, schema_failure
from t5gemma_app.ui.openai.schemas import ChatRequest, CompletionRequest
from t5gemma_app.ui.openai.translation import Asked, Reply, chat_asked, completion_asked, whole_answer

USER = {"role": "user", "content": "hi"}


def chat(**fields: Any) -> Asked:
    body = ChatRequest.model_validate_json(json.dumps({"model": "demo", "messages": [USER], **fields}))
    return chat_asked(body, most=100, drawn=7)


def completion(**fields: Any) -> Asked:
    body = CompletionRequest.model_validate_json(json.dumps({"model": "demo", "prompt": "Once", **fields}))
    return completion_asked(body, most=100, drawn=7)


def test_what_is_left_out_is_what_their_clients_expect() -> None:
    asked = chat()
    assert asked.parameters == SamplingParameters(temperature=1.0, max_new_tokens=100, seed=7)
    assert (asked.turns, asked.system, asked.raw, asked.stream, asked.usage) == (
        (Turn("user", "hi"),), "", None, False, False,
    )  # fmt: skip
    assert completion().raw is True and completion().turns == (Turn("user", "Once"),)
    assert completion(prompt=["Once"]) == completion()


def test_everything_that_can_be_asked_arrives() -> None:
    sent = {
        "temperature": 0, "top_p": 0.5, "top_k": 3, "min_p": 0.1, "repetition_penalty": 1.2,
        "seed": -1, "stop": "\n", "stream": True, "stream_options": {"include_usage": True}, "user": "ignored",
    }  # fmt: skip
    expected = SamplingParameters(0.0, 3, 0.5, 0.1, 1.2, 5, 2**63 - 1, ("\n",))
    for asked in (chat(max_tokens=5, **sent), chat(max_completion_tokens=5, **sent), completion(max_tokens=5, **sent)):
        assert asked.parameters == expected == asked.parameters.checked()
        assert asked.stream and asked.usage
    assert chat(max_tokens=5000).parameters.max_new_tokens == 100
    assert chat(max_tokens=5, max_completion_tokens=6).parameters.max_new_tokens == 6
    assert chat(stop=["a", "b"]).parameters.stop == ("a", "b")


def test_a_conversation_is_told_apart_by_its_speakers() -> None:
    messages = [
        {"role": "developer", "content": "Be brief."},
        {"role": "system", "content": [{"type": "text", "text": "Be "}, {"type": "text", "text": "kind."}]},
        USER,
        {"role": "assistant", "content": "hello", "name": "x"},
        {"role": "user", "content": [{"type": "text", "text": "and now?"}]},
    ]
    asked = chat(messages=messages)
    assert asked.system == "Be brief.\n\nBe kind."
    assert asked.turns == (Turn("user", "hi"), Turn("assistant", "hello"), Turn("user", "and now?"))


@pytest.mark.parametrize(
    ("fields", "param", "words"),
    [
        ({"messages": []}, "messages", "at least 1"),
        ({"messages": [USER, {"role": "assistant", "content": "x"}]}, "messages", "last message"),
        ({"messages": [USER, {"role": "system", "content": "x"}, USER]}, "messages", "before all others"),
        ({"messages": [{"role": "system", "content": "x"}]}, "messages", "last message"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages.0.role", "'system', 'developer'"),
        ({"messages": "hi"}, "messages", "array"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]},
            "messages.0.content.0.type",
            "'text'",
        ),
        ({"n": 2}, "n", "one answer a request"),
        ({"temperature": "hot"}, "temperature", "number"),
        ({"temperature": -1}, "temperature", "greater than or equal to 0"),
        ({"temperature": float("nan")}, "temperature", ""),
        ({"max_tokens": 0}, "max_tokens", "greater"),
        ({"top_p": 0}, "top_p", "greater than 0"),
        ({"stop": [""]}, "stop", "16 stop strings"),
        ({"stop": ["x"] * 17}, "stop", "16 stop strings"),
        ({"presence_penalty": 0.5}, "presence_penalty", "repetition_penalty"),
        ({"logit_bias": {"5": 1}}, "logit_bias", "no biases"),
        ({"logprobs": True}, "logprobs", "text alone"),
        ({"tools": [{"type": "function"}]}, "tools", "text alone"),
        ({"response_format": {"type": "json_object"}}, "response_format", '"text"'),
    ],
)
def test_what_can_not_be_honoured_is_refused_by_name(fields: dict[str, Any], param: str, words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        chat(**fields)
    failure = schema_failure(caught.value)
    assert failure.status == 400 and failure.param == param and words in failure.message
    assert failure.body()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"prompt": [1, 2]}, "prompt"),
        ({"prompt": ["a", "b"]}, "prompt"),
        ({"echo": True}, "echo"),
        ({"best_of": 3}, "best_of"),
    ],
)
def test_continuations_are_plain(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(ValidationError) as caught:
        completion(**fields)
    assert schema_failure(caught.value).param == param


@given(st.binary(max_size=60) | st.text(max_size=40).map(str.encode) | st.just(b'{"model": 1}'))
def test_any_body_is_a_request_or_a_failure_in_words(raw: bytes) -> None:
    for schema in (ChatRequest, CompletionRequest):
        with pytest.raises(ValidationError) as caught:
            schema.model_validate_json(raw)
        assert schema_failure(caught.value).message.endswith(".")


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (UnknownCheckpointError("x"), 404, "model_not_found"),
        (AccessError("x"), 403, "model_not_available"),
        (TooBigError("x"), 503, "model_too_big"),
        (TooLongError("x"), 400, "context_length_exceeded"),
        (InputError("x"), 400, None),
        (BusyError("x"), 429, "busy"),
        (StoppedError("x"), 503, "shutting_down"),
        (EngineError("x"), 500, None),
    ],
)
def test_errors_have_a_status(error: WorkbenchError, status: int, code: str | None) -> None:
    failure = failure_of(error)
    assert (failure.status, failure.code, failure.headers) == (status, code, {})


def test_a_busy_server_says_when_to_come_back() -> None:
    assert failure_of(BusyError("x", retry_seconds=4.2)).headers == {"Retry-After": "5"}


def result(text: str, reason: Any = "stop") -> GenerationResult:
    return GenerationResult(text, (1, 2), reason, GenerationStatistics(5, 2, 0.1, 9.0, "cpu", "float32", "sdpa", 0))


def told(asked: Asked, reply: Reply, parts: list[str], reason: Any = "stop") -> list[dict[str, Any]]:
    stream = ChunkStream(asked, reply, Frames(lambda: 0))
    events = [Waiting(3), *map(TextDelta, parts), Finished(result("".join(parts), reason))]
    lines = stream.begin() + b"".join(map(stream.take, events))
    sent = [line.removeprefix(b"data: ") for line in lines.split(b"\n\n") if line.startswith(b"data: ")]
    return [json.loads(line) for line in sent]


@given(st.lists(st.text(min_size=1, max_size=4), max_size=6))
def test_a_stream_is_the_whole_answer(parts: list[str]) -> None:
    for kind, asked in (("chat", chat(stream_options={"include_usage": True})), ("completion", completion())):
        reply = Reply(kind, "id", "demo", 1)  # type: ignore[arg-type]
        chunks = told(asked, reply, parts)
        whole = whole_answer(reply, result("".join(parts)))
        choices = [chunk["choices"][0] for chunk in chunks if chunk["choices"]]
        if kind == "chat":
            assert "".join(c["delta"].get("content", "") for c in choices) == whole["choices"][0]["message"]["content"]
            assert choices[0]["delta"]["role"] == "assistant"
            assert chunks[-1]["usage"] == whole["usage"] == {
                "prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7,
            }  # fmt: skip
            assert all(chunk["usage"] is None for chunk in chunks[:-1])
        else:
            assert "".join(c["text"] for c in choices) == whole["choices"][0]["text"]
            assert "usage" not in chunks[0]
        assert [c["finish_reason"] for c in choices] == [None] * (len(choices) - 1) + ["stop"]
        assert {chunk["id"] for chunk in chunks} == {whole["id"]}


def test_a_cut_answer_says_so() -> None:
    reply = Reply("chat", "id", "demo", 1)
    assert whole_answer(reply, result("x", "length"))["choices"][0]["finish_reason"] == "length"
    assert told(chat(), reply, ["x"], "length")[-1]["choices"][0]["finish_reason"] == "length"


def test_updates_are_rarer_the_more_are_streamed() -> None:
    assert frame_seconds(0) == frame_seconds(1) == 0.05
    pauses = [frame_seconds(streams) for streams in range(1, 300)]
    assert pauses == sorted(pauses) and pauses[-1] == 1.0
    # However many there are, the server is not asked for more updates than it can make beside the answers.
    assert all(streams / pause <= 61 for streams, pause in enumerate(pauses[:59], start=1))


def test_nothing_is_lost_between_frames() -> None:
    frames = Frames(lambda: 10_000)
    shown = [frames.add(text) for text in "abcd"]
    assert shown[0] == "a" and "".join(shown) + frames.rest() == "abcd"
