"""OpenAI's requests as this app's, and this app's answers as OpenAI's: values in, values out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.engine.types import GenerationResult, SamplingParameters
from t5gemma_app.tasks.turns import Turn
from t5gemma_app.ui.openai.schemas import ChatRequest, CompletionRequest, Request

Kind = Literal["chat", "completion"]

SEEDS = 2**63
TEMPERATURE = 1.0
"""What OpenAI's clients expect where they send none."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks of this app."""

    kind: Kind
    model: str
    turns: tuple[Turn, ...]
    system: str
    parameters: SamplingParameters
    raw: bool | None
    """Whether the text is sent as it is; None leaves it to the checkpoint."""
    stream: bool
    usage: bool
    """Whether a stream ends with what it cost."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What all parts of an answer say about it."""

    kind: Kind
    id: str
    model: str
    created: int


def chat_asked(body: ChatRequest, most: int, drawn: int) -> Asked:
    """Translate a conversation.

    Args:
        body: The request.
        most: Tokens an answer may have on this server, and has where the request does not say.
        drawn: The seed where the request has none.
    """
    system = "\n\n".join(message.text for message in body.messages if message.role in ("system", "developer"))
    turns = tuple(
        Turn("user" if message.role == "user" else "assistant", message.text)
        for message in body.messages
        if message.role in ("user", "assistant")
    )
    limit = body.max_completion_tokens or body.max_tokens or most
    return _asked("chat", body, turns, system, min(limit, most), drawn, raw=None)


def completion_asked(body: CompletionRequest, most: int, drawn: int) -> Asked:
    """Translate a text that is to be continued; see `chat_asked`."""
    turns = (Turn("user", body.text),)
    return _asked("completion", body, turns, "", min(body.max_tokens or most, most), drawn, raw=True)


def _asked(
    kind: Kind, body: Request, turns: tuple[Turn, ...], system: str, limit: int, drawn: int, raw: bool | None
) -> Asked:
    stop = (body.stop,) if isinstance(body.stop, str) else tuple(body.stop or ())
    parameters = SamplingParameters(
        temperature=TEMPERATURE if body.temperature is None else body.temperature,
        top_k=body.top_k or 0,
        top_p=1.0 if body.top_p is None else body.top_p,
        min_p=body.min_p or 0.0,
        repetition_penalty=1.0 if body.repetition_penalty is None else body.repetition_penalty,
        max_new_tokens=limit,
        # Their seeds may be negative.
        seed=drawn if body.seed is None else body.seed % SEEDS,
        stop=stop,
    )
    usage = bool(body.stream_options and body.stream_options.include_usage)
    return Asked(kind, body.model, turns, system, parameters, raw, bool(body.stream), usage)


def whole_answer(reply: Reply, result: GenerationResult) -> dict[str, Any]:
    """Return an answer that is sent in one piece."""
    message = {"role": "assistant", "content": result.text, "refusal": None}
    said: dict[str, Any] = {"message": message} if reply.kind == "chat" else {"text": result.text}
    choice = {"index": 0, **said, "logprobs": None, "finish_reason": finish_reason(result)}
    return {**head(reply, stream=False), "choices": [choice], "usage": usage(result)}


def head(reply: Reply, *, stream: bool) -> dict[str, Any]:
    """Return the fields that every answer, and every part of one, begins with."""
    kinds = {"chat": "chat.completion.chunk" if stream else "chat.completion", "completion": "text_completion"}
    return {"id": reply.id, "object": kinds[reply.kind], "created": reply.created, "model": reply.model}


def usage(result: GenerationResult) -> dict[str, int]:
    """Return what an answer cost, in tokens."""
    cost = result.statistics
    return {
        "prompt_tokens": cost.prompt_tokens,
        "completion_tokens": cost.new_tokens,
        "total_tokens": cost.prompt_tokens + cost.new_tokens,
    }


def finish_reason(result: GenerationResult) -> str:
    """Return OpenAI's word for the end of an answer; one that was cut off by a shutdown counts as cut."""
    return "stop" if result.finish_reason == "stop" else "length"


def model_entry(checkpoint: Checkpoint, created: int) -> dict[str, Any]:
    """Return a checkpoint as OpenAI's clients list models."""
    owner = "google" if checkpoint.location.startswith("google/") else checkpoint.source
    return {"id": checkpoint.name, "object": "model", "created": created, "owned_by": owner}
