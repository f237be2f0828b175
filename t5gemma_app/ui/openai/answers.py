"""An answer's events without blocking the server that sends them on."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator

from t5gemma_app.engine.types import Answer, Event


async def events_of(answer: Answer) -> AsyncGenerator[Event]:
    """Yield an answer's events; leaving early cancels it.

    Each answer is read in a thread of its own, for its events are waited for. There are never more of them than
    requests that the engine takes at once.

    Args:
        answer: What the engine writes.

    Raises:
        WorkbenchError: Whatever ended the answer.
    """
    loop = asyncio.get_running_loop()
    arrived: asyncio.Queue[Event | BaseException | None] = asyncio.Queue()

    def hand_over(entry: Event | BaseException | None) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(arrived.put_nowait, entry)

    def read() -> None:
        try:
            for event in answer:
                hand_over(event)
            hand_over(None)
        except BaseException as error:  # whatever ends the answer belongs to whoever waits for it
            hand_over(error)

    threading.Thread(target=read, name="answer of a program", daemon=True).start()
    try:
        while (entry := await arrived.get()) is not None:
            if isinstance(entry, BaseException):
                raise entry
            yield entry
    finally:
        answer.cancel()
