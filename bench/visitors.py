"""Simulated visitors: they speak to the served page as its own script does, or as programs do, and time what they get.

As light as can be, for they share the processor with the server: one thread, no component values beyond those needed.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Literal

import httpx
from gradio_client.utils import apply_diff

PREFIX = "gradio_api"
PATIENCE = 600.0
"""Seconds after which a visitor takes an answer for lost; waiting in the queue is part of it."""
TICK_SECONDS = 5.0
"""How often an open page asks for its header."""

Kind = Literal["answered", "busy", "full", "lost", "failed"]
Mode = Literal["page", "chat"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a question ended."""

    kind: Kind
    text: str = ""
    """The answer, or what was said instead of one."""
    first: float = 0.0
    """Seconds until the first characters."""
    seconds: float = 0.0
    tokens: int = 0
    """Of the answer; 0 where the answer does not tell."""
    updates: int = 0


@dataclass(frozen=True, slots=True)
class Page:
    """Where a page's steps are found, read from the page itself."""

    mode: Mode
    fn: int
    """The step that answers."""
    defaults: tuple[Any, ...]
    """What the step is given when nothing was touched."""
    message: int
    """Which of the values is the message."""
    tick: int | None
    """The step that renews the header."""
    live: int
    """Which of the outputs is the answer on its way."""
    kept: int
    """Which of them is the conversation; the same one for programs."""

    def values(self, text: str) -> list[Any]:
        """Return what is sent with a message."""
        values = list(self.defaults)
        values[self.message] = text
        return values


async def read_page(client: httpx.AsyncClient, mode: Mode) -> Page:
    """Read the page's description, as a browser does first."""
    config = (await client.get("config")).raise_for_status().json()
    components = {component["id"]: component for component in config["components"]}

    def name(id: int) -> str:
        return str(components.get(id, {}).get("props", {}).get("elem_id") or "")

    steps = {}
    for step in config["dependencies"]:
        for component, event in step["targets"]:
            steps[name(component or -1), event] = step
        steps["api", step["api_name"]] = step
    step = steps["send", "click"] if mode == "page" else steps["api", "chat"]
    ticks = [one for one in config["dependencies"] if "header" in map(name, one["outputs"]) and one["inputs"]]
    defaults = tuple(_untouched(components.get(id, {})) for id in step["inputs"])
    if mode == "chat":
        return Page(mode, step["id"], defaults, 0, None, 0, 0)
    outputs, inputs = ([name(id) for id in step[side]] for side in ("outputs", "inputs"))
    message, live, kept = inputs.index("message"), outputs.index("live"), outputs.index("current")
    return Page(mode, step["id"], defaults, message, ticks[-1]["id"] if ticks else None, live, kept)


class Visitor:
    """One open page, or one program.

    Args:
        client: The connections.
        page: What was read of the page.
    """

    def __init__(self, client: httpx.AsyncClient, page: Page) -> None:
        self._client = client
        self._page = page
        self._session = secrets.token_hex(6)

    async def ask(self, text: str) -> Outcome:
        """Ask one question and read its answer to the end."""
        begun = time.perf_counter()
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._ask(text, begun)
        except (TimeoutError, httpx.HTTPError, ValueError, KeyError) as error:
            return Outcome("failed", f"{type(error).__name__}: {error}", seconds=time.perf_counter() - begun)

    async def _ask(self, text: str, begun: float) -> Outcome:
        body = {
            "data": self._page.values(text),
            "fn_index": self._page.fn,
            "session_hash": self._session,
            "event_data": None,
            "trigger_id": None,
        }
        joined = await self._client.post(f"{PREFIX}/queue/join", json=body)
        if joined.status_code == 503:
            return Outcome("full", joined.text, seconds=time.perf_counter() - begun)
        event = joined.raise_for_status().json()["event_id"]
        first, updates, outputs, said = 0.0, 0, {}, None
        async with aclosing(self._messages(event)) as messages:
            async for message in messages:
                if message["msg"] == "process_generating":
                    updates += 1
                    _apply(outputs, message["output"]["data"], self._watched, updates == 1)
                    if not first and self._shown(outputs):
                        first = time.perf_counter() - begun
                elif message["msg"] == "process_completed":
                    said = message
        seconds = time.perf_counter() - begun
        if said is None:
            return Outcome("lost", "the stream ended", first, seconds, updates=updates)
        return self._outcome(outputs, said, first, seconds, updates)

    async def _messages(self, event: str) -> AsyncIterator[dict[str, Any]]:
        query = {"session_hash": self._session}
        async with self._client.stream("GET", f"{PREFIX}/queue/data", params=query) as reply:
            async for line in reply.aiter_lines():
                if not line.startswith("data: "):
                    continue
                message = json.loads(line[6:])
                if message.get("event_id") == event:
                    yield message
                if message["msg"] == "close_stream":
                    return

    @property
    def _watched(self) -> tuple[int, ...]:
        return (self._page.live, self._page.kept)

    def _shown(self, outputs: dict[int, Any]) -> bool:
        live = outputs.get(self._page.live)
        return "wb-streaming" in str(live) if self._page.mode == "page" else bool(live)

    def _outcome(
        self, outputs: dict[int, Any], said: dict[str, Any], first: float, seconds: float, updates: int
    ) -> Outcome:
        if self._page.mode == "chat":
            if said["success"]:
                text = str(outputs.get(0) or "")
                return Outcome("answered" if text else "lost", text, first or seconds, seconds, updates=updates)
            wrong = str(said["output"].get("error"))
            return Outcome("busy" if _busy(wrong) else "failed", wrong, seconds=seconds)
        live = str(outputs.get(self._page.live))
        if "wb-problem" in live:
            wrong = re.sub(r"<[^>]+>", " ", live)
            return Outcome("busy" if _busy(wrong) else "failed", wrong, seconds=seconds)
        kept = outputs.get(self._page.kept)
        last = json.loads(kept)["messages"][-1] if isinstance(kept, str) and kept else {}
        if last.get("role") != "assistant":
            return Outcome("lost", "no answer came", first, seconds, updates=updates)
        version = last["versions"][-1]
        tokens = re.search(r"([\d,]+) out", version["note"])
        count = int(tokens[1].replace(",", "")) if tokens else 0
        return Outcome("answered", version["text"], first or seconds, seconds, count, updates)

    async def stay(self) -> None:
        """Keep the page open as a browser does: a connection that tells of its end, and a look at the header."""
        if self._page.tick is None:
            return
        async with self._client.stream("GET", f"{PREFIX}/heartbeat/{self._session}"):
            shown = ""
            while True:
                await asyncio.sleep(TICK_SECONDS)
                body = {"data": [shown], "fn_index": self._page.tick, "session_hash": self._session}
                await self._client.post(f"{PREFIX}/run/predict", json=body)


def connections(url: str) -> httpx.AsyncClient:
    """Return connections to a served page, as many as visitors need."""
    # The server closes idle connections after five seconds; one that is used in that moment would look like a failure.
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None, keepalive_expiry=2.0)
    return httpx.AsyncClient(base_url=url.rstrip("/") + "/", limits=limits, timeout=None, verify=False)


async def crowd(
    visitors: list[Visitor], behave: Callable[[int, Visitor], Any], seconds: float, leave: float = 0.0
) -> None:
    """Let visitors behave for a while, and then leave at once, whatever they wait for."""
    tasks = [asyncio.create_task(behave(number, visitor)) for number, visitor in enumerate(visitors)]
    tasks += [asyncio.create_task(visitor.stay()) for visitor in visitors]
    done, _ = await asyncio.wait(tasks, timeout=seconds)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        if task.exception() is not None:
            raise task.exception() or RuntimeError


def _untouched(component: dict[str, Any]) -> Any:
    """Return what a browser sends of a component that nobody touched."""
    value = component.get("props", {}).get("value")
    return "" if value is None and component.get("type") == "textbox" else value


def _busy(words: str) -> bool:
    return "waiting already" in words


def _apply(outputs: dict[int, Any], data: list[Any], watched: tuple[int, ...], whole: bool) -> None:
    for place in set(watched):
        if place < len(data):
            outputs[place] = data[place] if whole else apply_diff(outputs.get(place), data[place])
