"""The requests that a server has taken, counted by visitor from the moment they come until they end."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager

from t5gemma_app.engine.queueing import Limits, refusal, retry_seconds

REMEMBERED = 32
"""Ends from which the pace is read."""


class Admission:
    """Takes requests up to its limits.

    Args:
        limits: How many it takes.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._lock = threading.Lock()  # protects both; requests come and end in many threads
        self._held: Counter[str] = Counter()
        self._ended: deque[float] = deque(maxlen=REMEMBERED)

    @property
    def held(self) -> int:
        """How many requests run or wait."""
        with self._lock:
            return self._held.total()

    def enter(self, visitor: str) -> Ticket:
        """Take a request.

        Args:
            visitor: Who asks.

        Raises:
            BusyError: Too many run or wait, of all or of this visitor.
        """
        with self._lock:
            error = refusal(visitor, self._held, self.limits, retry_seconds(self._ended, time.monotonic()))
            if error is not None:
                raise error
            self._held[visitor] += 1
        return Ticket(self, visitor)

    @contextmanager
    def place(self, visitor: str | None) -> Iterator[str | None]:
        """Hold a visitor's place for the block, and yield the visitor; None needs no place, for nobody waits.

        Raises:
            BusyError: Too many run or wait, of all or of this visitor.
        """
        ticket = None if visitor is None else self.enter(visitor)
        try:
            yield visitor
        finally:
            if ticket is not None:
                ticket.release()

    def leave(self, visitor: str) -> None:
        """Count a request no more."""
        with self._lock:
            self._held[visitor] -= 1
            if self._held[visitor] <= 0:
                del self._held[visitor]  # visitors come and go; a zero for each of them would pile up
            self._ended.append(time.monotonic())


class Ticket:
    """One request's place in an admission."""

    def __init__(self, admission: Admission, visitor: str) -> None:
        self._admission: Admission | None = admission
        self._visitor = visitor
        self._lock = threading.Lock()  # whoever reads and whoever cancels may both give it back

    def release(self) -> None:
        """Give the place back; may be called any number of times."""
        with self._lock:
            admission, self._admission = self._admission, None
        if admission is not None:
            admission.leave(self._visitor)
