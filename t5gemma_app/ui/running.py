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
UNREAD_FACTOR = 8
"""Requests that may stand before the readers, as a multiple of these.

Gradio refuses a further one in words of its own, which name neither the reason nor when to try again. A reader is
soon through with a request that the engine refuses, so only a flood fills this many places.
"""
LEAVING_SECONDS = 2.0
"""How long a page that leaves an answer waits for it to fall silent; loading a checkpoint can't be cut shorter."""
OTHER_THREADS = 16
"""Threads for everything on the page that waits for no answer."""


def readers(settings: Settings) -> int:
    """Return how many answers are read at the same time; each takes a thread while it waits or streams."""
    return settings.max_answers + settings.max_waiting + SPARE_READERS


def unread(settings: Settings) -> int:
    """Return how many requests Gradio's queue holds; it is bounded, and far beyond what the engine takes."""
    return UNREAD_FACTOR * readers(settings)


def answer_group(settings: Settings) -> dict[str, str | int]:
    """Return the queue group of everything that waits for the engine, which orders and limits the work itself."""
    return {"concurrency_id": "answers", "concurrency_limit": readers(settings)}


class Stoppable(Protocol):
    """An answer, or whatever else can be stopped from another thread."""

    def cancel(self) -> None:
        """Stop at the next step."""
        ...


class Held:
    """An answer that a page waits for, until it is read to its end or the page has no use for it any more."""

    def __init__(self, answer: Stoppable) -> None:
        self.wanted = True
        """Whether the page still shows the conversation that the answer belongs to."""
        self._answer = answer
        self._over = threading.Event()

    def cancel(self) -> None:
        """Stop the answer at its next step."""
        self._answer.cancel()

    def give_up(self) -> None:
        """Stop the answer and let nothing more of it reach the page."""
        self.wanted = False
        self._answer.cancel()

    def end(self) -> None:
        """Take note that nobody reads the answer any more; whatever of it is still computed is stopped."""
        self._answer.cancel()
        self._over.set()

    def wait(self, seconds: float) -> bool:
        """Wait until nobody reads the answer any more; returns whether that was in time."""
        return self._over.wait(seconds)


class RunningAnswers:
    """The answers that pages wait for, at most one a session."""

    def __init__(self) -> None:
        self._answers: dict[str, Held] = {}
        self._lock = threading.Lock()  # Gradio runs handlers of one page in several threads

    def __contains__(self, session: object) -> bool:
        """Return whether a page waits for an answer."""
        with self._lock:
            return session in self._answers

    def __len__(self) -> int:
        """Return how many answers are waited for."""
        with self._lock:
            return len(self._answers)

    @contextmanager
    def held(self, session: str, answer: Stoppable) -> Iterator[Held]:
        """Hold an answer while it is read; leaving the block cancels whatever of it is still computed.

        A page that asks again, by a forged request, gives up its earlier answer.
        """
        held = Held(answer)
        with self._lock:
            earlier = self._answers.get(session)
            self._answers[session] = held
        if earlier is not None:
            earlier.give_up()
        try:
            yield held
        finally:
            held.end()
            with self._lock:
                if self._answers.get(session) is held:
                    del self._answers[session]

    def stop(self, session: str) -> bool:
        """Cancel a page's answer; returns whether there was one."""
        with self._lock:
            held = self._answers.get(session)
        if held is None:
            return False
        held.cancel()
        return True

    def leave(self, session: str) -> None:
        """Give up a page's answer and wait until its stream is silent: nothing of it must reach what is shown next."""
        with self._lock:
            held = self._answers.pop(session, None)
            if held is not None:
                held.give_up()
        if held is not None:
            held.wait(LEAVING_SECONDS)
