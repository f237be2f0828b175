"""Answers on their way, so that Stop and a closed tab reach them.

Keyed by the page's session, which only that page knows; refuses to know what an answer is made of.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from t5gemma_app.settings import Settings

SPARE_READERS = 8
"""Requests that are read beyond those that the engine takes: they only come to hear that it is busy, in its words."""
OTHER_THREADS = 16
"""Threads for everything on the page that waits for no answer."""


def readers(settings: Settings) -> int:
    """Return how many answers are read at the same time; each takes a thread while it waits or streams."""
    return settings.max_answers + settings.max_waiting + SPARE_READERS


def answer_group(settings: Settings) -> dict[str, str | int]:
    """Return the queue group of everything that waits for the engine, which orders and limits the work itself."""
    return {"concurrency_id": "answers", "concurrency_limit": readers(settings)}


class Stoppable(Protocol):
    """An answer, or whatever else can be stopped from another thread."""

    def cancel(self) -> None:
        """Stop at the next step."""
        ...


class RunningAnswers:
    """The answers that pages wait for, at most one a session."""

    def __init__(self) -> None:
        self._answers: dict[str, Stoppable] = {}
        self._lock = threading.Lock()  # Gradio runs handlers of one page in several threads

    @contextmanager
    def held(self, session: str, answer: Stoppable) -> Iterator[None]:
        """Hold an answer while it is read; leaving the block cancels whatever of it is still computed.

        A page that asks again, from a second click or a forged request, gives up its earlier answer.
        """
        with self._lock:
            earlier = self._answers.get(session)
            self._answers[session] = answer
        if earlier is not None:
            earlier.cancel()
        try:
            yield
        finally:
            answer.cancel()
            with self._lock:
                if self._answers.get(session) is answer:
                    del self._answers[session]

    def stop(self, session: str) -> bool:
        """Cancel a page's answer; returns whether there was one."""
        with self._lock:
            answer = self._answers.get(session)
        if answer is None:
            return False
        answer.cancel()
        return True
