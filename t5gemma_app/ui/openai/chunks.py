"""An answer as the server-sent events of OpenAI's streams."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

from t5gemma_app.engine.types import Event, Finished, GenerationResult, TextDelta
from t5gemma_app.ui.frames import Frames
from t5gemma_app.ui.openai.translation import Asked, Reply, finish_reason, head, usage

DONE = b"data: [DONE]\n\n"
"""What every stream ends with."""
ALIVE = b": others are served first, or the checkpoint is loading\n\n"
"""Keeps a connection open; clients skip it."""
ALIVE_SECONDS = 5.0


def event_line(value: dict[str, Any]) -> bytes:
    """Return a value as a server-sent event."""
    return b"data: " + json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"


class ChunkStream:
    """Turns an answer's events into the bytes of its stream.

    Args:
        asked: What was asked.
        reply: What all parts say about the answer.
        frames: Decides how often characters are sent.
    """

    def __init__(self, asked: Asked, reply: Reply, frames: Frames) -> None:
        self._asked = asked
        self._reply = reply
        self._frames = frames
        self._alive = time.monotonic()

    def begin(self) -> bytes:
        """Return what the stream begins with."""
        if self._reply.kind == "completion":
            return ALIVE
        return event_line(self._chunk({"role": "assistant", "content": ""}, None))

    def take(self, event: Event) -> bytes:
        """Return what an event adds to the stream; often nothing."""
        if isinstance(event, TextDelta):
            return self._text(self._frames.add(event.text))
        if isinstance(event, Finished):
            return self._text(self._frames.rest()) + b"".join(map(event_line, self._last(event.result)))
        now = time.monotonic()
        if now - self._alive < ALIVE_SECONDS:
            return b""
        self._alive = now
        return ALIVE

    def _text(self, text: str) -> bytes:
        if not text:
            return b""
        return event_line(self._chunk({"content": text} if self._reply.kind == "chat" else text, None))

    def _last(self, result: GenerationResult) -> Iterator[dict[str, Any]]:
        yield self._chunk({} if self._reply.kind == "chat" else "", finish_reason(result))
        if self._asked.usage:
            yield {**head(self._reply, stream=True), "choices": [], "usage": usage(result)}

    def _chunk(self, said: dict[str, str] | str, reason: str | None) -> dict[str, Any]:
        part = {"delta": said} if self._reply.kind == "chat" else {"text": said}
        choice = {"index": 0, **part, "logprobs": None, "finish_reason": reason}
        more = {"usage": None} if self._asked.usage else {}
        return {**head(self._reply, stream=True), "choices": [choice], **more}
