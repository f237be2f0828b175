"""The routes that OpenAI's clients use: `/v1/models`, `/v1/chat/completions` and `/v1/completions`.

Checks who asks and how much is sent, and hands the rest to the other files here; the answers come from `tasks.chat`,
as the page's own do.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route

from t5gemma_app.engine.types import Answer, Event, Finished, GenerationResult
from t5gemma_app.errors import EngineError, InputError, SettingsError, UnknownCheckpointError, WorkbenchError
from t5gemma_app.services import Services
from t5gemma_app.settings import Settings
from t5gemma_app.ui.frames import Frames
from t5gemma_app.ui.openai.answers import events_of
from t5gemma_app.ui.openai.chunks import DONE, ChunkStream, event_line
from t5gemma_app.ui.openai.failures import BROKEN, WRONG_KEY, Failure, failure_of, schema_failure
from t5gemma_app.ui.openai.schemas import ChatRequest, CompletionRequest
from t5gemma_app.ui.openai.translation import (
    Asked,
    Reply,
    chat_asked,
    completion_asked,
    model_entry,
    whole_answer,
)
from t5gemma_app.ui.visitors import visitor_of

logger = logging.getLogger(__name__)

SEEDS = 2**31
BODY_BYTES = 1_000_000
"""What a body may have at least; a server that takes longer messages takes longer bodies too."""
BYTES_A_CHARACTER = 8
"""Room for a message's characters as JSON, and for the conversation before it."""

Handler = Callable[[Request], Awaitable[Response]]
Translate = Callable[[bytes], Asked]


class RefusedError(Exception):
    """A request ends here, with a failure that is sent as it is."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


def openai_mount(services: Services) -> Mount:
    """Return the routes under `/v1`, to stand before Gradio's.

    Raises:
        SettingsError: Others would reach them without a key.
    """
    check_key(services.settings)
    endpoints = OpenAIEndpoints(services)
    routes = [
        Route("/models", endpoints.guarded(endpoints.models)),
        Route("/models/{name:path}", endpoints.guarded(endpoints.model)),
        Route("/chat/completions", endpoints.guarded(endpoints.chat_completions), methods=["POST"]),
        Route("/completions", endpoints.guarded(endpoints.completions), methods=["POST"]),
    ]
    return Mount("/v1", app=Starlette(routes=routes, exception_handlers={HTTPException: _no_such_route}))


def check_key(settings: Settings) -> None:
    """Refuse to serve programs of strangers without a key: unlike the page, they would keep the server busy for ever.

    Raises:
        SettingsError: Others reach the app, and there is no key.
    """
    if settings.api_key is None and not settings.local:
        raise SettingsError(
            f"T5GEMMA_OPENAI is on, others reach {settings.host}, and there is no key.",
            expected="Programs of strangers need a key.",
            remedy="Set T5GEMMA_API_KEY to a long random text, or T5GEMMA_HOST to 127.0.0.1.",
        )


def _no_such_route(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    what = "There is no such address" if status == 404 else "This address takes another method"
    return _sent(Failure(status, f"{what}: {request.method} {request.url.path}.", code="unknown_url"))


def _sent(failure: Failure) -> Response:
    return JSONResponse(failure.body(), failure.status, failure.headers)


@dataclass(frozen=True, slots=True)
class OpenAIEndpoints:
    """What OpenAI's clients may ask."""

    services: Services
    started: int = field(default_factory=lambda: int(time.time()))

    def guarded(self, handler: Handler) -> Handler:
        """Return a handler that asks for the key first, and whose failures have OpenAI's shape."""

        async def guarded(request: Request) -> Response:
            try:
                if not self._knows_key(request):
                    return _sent(WRONG_KEY)
                return await handler(request)
            except RefusedError as error:
                return _sent(error.failure)
            except ValidationError as error:
                return _sent(schema_failure(error))
            except WorkbenchError as error:
                return _sent(failure_of(error))
            except Exception:  # whatever broke, the program must hear of it; the log has the traceback
                logger.exception("A program's request failed")
                return _sent(BROKEN)

        return guarded

    def _knows_key(self, request: Request) -> bool:
        key = self.services.settings.api_key
        if key is None:
            return True
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        # In constant time, so that the time of a refusal tells nothing of the key.
        same = hmac.compare_digest(given.strip().encode("utf-8", "replace"), key.value.encode())
        return same and scheme.lower() == "bearer"

    async def models(self, request: Request) -> Response:
        """List the checkpoints that can answer now."""
        access = self.services.access
        ready = [c for c in self.services.catalogue.all() if c.head == "none" and access.of(c).ready]
        return JSONResponse({"object": "list", "data": [model_entry(c, self.started) for c in ready]})

    async def model(self, request: Request) -> Response:
        """Return one checkpoint."""
        checkpoint = self.services.catalogue.find(request.path_params["name"])
        if checkpoint.head != "none":
            raise UnknownCheckpointError(f"{checkpoint.name} has a classification head and writes no text.")
        return JSONResponse(model_entry(checkpoint, self.started))

    async def chat_completions(self, request: Request) -> Response:
        """Answer a conversation."""
        return await self._answered(
            request, lambda raw: chat_asked(ChatRequest.model_validate_json(raw), self._most, secrets.randbelow(SEEDS))
        )

    async def completions(self, request: Request) -> Response:
        """Continue a text, which is sent to the encoder as it is."""
        return await self._answered(
            request,
            lambda raw: completion_asked(
                CompletionRequest.model_validate_json(raw), self._most, secrets.randbelow(SEEDS)
            ),
        )

    @property
    def _most(self) -> int:
        return self.services.settings.max_new_tokens

    async def _answered(self, request: Request, translate: Translate) -> Response:
        asked = translate(await _body(request, max(BODY_BYTES, BYTES_A_CHARACTER * self.services.settings.max_text)))
        checkpoint = self.services.catalogue.find(asked.model)
        visitor = visitor_of(request.client.host if request.client else "", "")
        begun = await run_in_threadpool(  # counting tokens may have to read the tokenizer first
            self.services.chat.start,
            checkpoint,
            asked.turns,
            asked.system,
            asked.parameters,
            raw=asked.raw,
            visitor=visitor,
            whole=True,
        )
        prefix = "chatcmpl" if asked.kind == "chat" else "cmpl"
        reply = Reply(asked.kind, f"{prefix}-{secrets.token_hex(12)}", checkpoint.name, int(time.time()))
        if not asked.stream:
            return JSONResponse(whole_answer(reply, await _result(request, begun.answer)))
        events = events_of(begun.answer)
        # A failure before the first event still gets a status of its own.
        first = await anext(events)
        return StreamingResponse(
            self._streamed(asked, reply, first, events),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    async def _streamed(
        self, asked: Asked, reply: Reply, first: Event, events: AsyncGenerator[Event]
    ) -> AsyncIterator[bytes]:
        stream = ChunkStream(asked, reply, Frames(lambda: self.services.engine.status().active))
        async with aclosing(_chained(first, events)) as all_events:
            yield stream.begin()
            try:
                async for event in all_events:
                    if lines := stream.take(event):
                        yield lines
            except WorkbenchError as error:
                yield event_line(failure_of(error).body())
                return
            except Exception:  # the status is sent already; what broke must still end the stream in words
                logger.exception("A program's answer failed")
                yield event_line(BROKEN.body())
                return
        yield DONE


async def _chained(first: Event, events: AsyncGenerator[Event]) -> AsyncGenerator[Event]:
    async with aclosing(events) as rest:
        yield first
        async for event in rest:
            yield event


async def _result(request: Request, answer: Answer) -> GenerationResult:
    """Wait for the end of an answer; a program that leaves meanwhile cancels it."""
    watch = asyncio.create_task(_cancel_when_left(request, answer))
    try:
        async with aclosing(events_of(answer)) as events:
            async for event in events:
                if isinstance(event, Finished):
                    return event.result
    finally:
        watch.cancel()
    raise EngineError("The answer has no end.")


async def _cancel_when_left(request: Request, answer: Answer) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
    answer.cancel()


async def _body(request: Request, most: int) -> bytes:
    """Return a request's body, of which no more is read than is taken."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise InputError("The body has another type than JSON.", remedy="Send `Content-Type: application/json`.")
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            raise RefusedError(Failure(413, f"The body has more than {most:,} bytes.", code="request_too_large"))
        parts.append(part)
    return b"".join(parts)
