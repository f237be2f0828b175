"""Several answers read at the same time, none of which waits for another.

Each is begun and read in a thread of its own, since a tokenizer to fetch, a checkpoint to load and a place in a queue
all block their reader; what they say comes out of one iteration in the order in which it was said. Refuses to know what
is said.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from t5gemma_app.engine.types import Answer, Event, Loading
from t5gemma_app.errors import TooBigError

POLL_SECONDS = 0.1
"""How often an answer that waits for the others looks whether it is still wanted."""
MAKING_ROOM = "waiting for the memory of the other answers"

Begin = Callable[[], Answer]
"""Begins an answer; called in its thread, may block and may fail."""


@dataclass(frozen=True, slots=True)
class News:
    """Something that one of the answers said, or the failure that ended it."""

    index: int
    said: Event | BaseException


class Turns:
    """Lets answers whose checkpoints do not fit beside the others come after them, one at a time."""

    def __init__(self, going: int) -> None:
        self._changed = threading.Condition()
        self._going = going
        self._waiting: list[int] = []

    def leave(self) -> None:
        """Be told that an answer has ended."""
        with self._changed:
            self._going -= 1
            self._changed.notify_all()

    def wait(self, index: int, given_up: threading.Event) -> None:
        """Block until the answer is alone, or nobody wants it any more."""
        with self._changed:
            self._going -= 1
            self._waiting.append(index)
            self._changed.notify_all()
            while not given_up.is_set() and (self._going or self._waiting[0] != index):
                self._changed.wait(POLL_SECONDS)
            self._waiting.remove(index)
            self._going += 1


class Reading:
    """One of the answers.

    Args:
        index: Its place among the others.
        begin: Begins it.
        name: What its checkpoint is called where it has to wait for the others.
    """

    def __init__(self, index: int, begin: Begin, name: str) -> None:
        self.index = index
        self._begin = begin
        self._name = name
        self._answer: Answer | None = None
        self._given_up = threading.Event()
        self._lock = threading.Lock()  # guards `_answer` against a cancellation while it begins

    def cancel(self) -> None:
        """Stop the answer at its next step, or before it begins."""
        self._given_up.set()
        with self._lock:
            answer = self._answer
        if answer is not None:
            answer.cancel()

    def events(self, turns: Turns) -> Iterator[Event]:
        """Yield the answer's events; one that finds no room for its checkpoint is begun once more when it is alone.

        An answer that was cancelled before it began has no events.
        """
        try:
            yield from self._once()
            return
        except TooBigError:
            yield Loading(self._name, MAKING_ROOM, None)
        turns.wait(self.index, self._given_up)
        yield from self._once()

    def _once(self) -> Iterator[Event]:
        if self._given_up.is_set():
            return
        answer = self._begin()
        with self._lock:
            self._answer = answer
        if self._given_up.is_set():
            answer.cancel()
        try:
            yield from answer
        finally:
            answer.cancel()


class SideBySide:
    """Answers to one prompt, read at the same time.

    Args:
        begins: For each place how its answer is begun, and what its checkpoint is called.
        pause: Seconds for which news are gathered before they are handed over together.
    """

    def __init__(self, begins: Mapping[int, tuple[Begin, str]], pause: float) -> None:
        self.readings = tuple(Reading(index, begin, name) for index, (begin, name) in begins.items())
        self._pause = pause

    def cancel(self) -> None:
        """Stop all of them."""
        for reading in self.readings:
            reading.cancel()

    def __iter__(self) -> Iterator[list[News]]:
        """Yield what was said since the last time, until every answer has ended.

        The first piece of news opens a batch that is handed over `pause` seconds later, so that nothing is held back
        for longer than that, however slow the others are. Leaving the iteration early stops all answers.
        """
        said: queue.SimpleQueue[News | None] = queue.SimpleQueue()
        turns = Turns(len(self.readings))
        for reading in self.readings:
            name = f"reading answer {reading.index}"
            threading.Thread(target=_read, args=(reading, turns, said), name=name, daemon=True).start()
        going = len(self.readings)
        try:
            while going:
                waiting = [said.get()]
                time.sleep(self._pause)
                while not said.empty():
                    waiting.append(said.get())
                news = [one for one in waiting if one is not None]
                going -= len(waiting) - len(news)
                if news:
                    yield news
        finally:
            self.cancel()


def _read(reading: Reading, turns: Turns, said: queue.SimpleQueue[News | None]) -> None:
    try:
        for event in reading.events(turns):
            said.put(News(reading.index, event))
    except BaseException as error:  # belongs to whoever iterates; lost with the thread it would keep them waiting
        said.put(News(reading.index, error))
    finally:
        turns.leave()
        said.put(None)
