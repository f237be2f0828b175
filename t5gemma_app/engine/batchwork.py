"""Many rows computed batch after batch in steps, so that people's answers go on in between."""

from __future__ import annotations

import queue
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Generator, Sequence
from typing import Generic, TypeVar

SHORT_PARTS = 4
"""A batch is cut into so many while somebody waits: a tenth more time for all of them, but nobody waits as long."""

Row = TypeVar("Row")
Result = TypeVar("Result")


class Work(ABC, Generic[Result]):
    """A session of the worker whose caller waits on `done` for all results."""

    lane = None
    cancelled = False

    def __init__(self) -> None:
        self.done: queue.SimpleQueue[list[Result] | BaseException] = queue.SimpleQueue()

    def waiting(self, ahead: int, seconds: float | None = None) -> None:
        """The work has no reader to tell."""

    def leave(self) -> None:
        """The work is never cancelled."""

    @abstractmethod
    def advance(self, short: bool) -> bool:
        """Do one step; return whether there is more to do.

        Args:
            short: Whether somebody waits for the step's end.
        """

    def fail(self, error: BaseException) -> None:
        """Hand the error to the caller."""
        self.done.put(error)


class BatchWork(Work[Result], Generic[Row, Result]):
    """Computes batch after batch.

    Args:
        compute: Returns the results of a batch of rows, in their order, and pauses where a step may end.
        rows: What to compute.
        batches: Numbers of the rows that are computed together.
        is_full: Tells an error that means the memory ran out; such a batch is halved and tried again.
    """

    def __init__(
        self,
        compute: Callable[[Sequence[Row]], Generator[None, None, Sequence[Result]]],
        rows: Sequence[Row],
        batches: Sequence[Sequence[int]],
        is_full: Callable[[BaseException], bool],
    ) -> None:
        super().__init__()
        self._compute = compute
        self._rows = rows
        self._batches = deque(list(batch) for batch in batches)
        self._parts: deque[list[int]] = deque()
        self._running: Generator[None, None, Sequence[Result]] | None = None
        self._is_full = is_full
        self._results: dict[int, Result] = {}

    def advance(self, short: bool) -> bool:
        """Compute a batch, or a part of one, until it pauses."""
        part = self._next_part(short)
        self._running = self._running or self._compute([self._rows[number] for number in part])
        try:
            next(self._running)
        except StopIteration as end:
            self._results.update(zip(part, end.value, strict=True))
            self._parts.popleft()
            self._running = None
        except Exception as error:
            self._running = None
            self._halve(error)
        if self._parts or self._batches:
            return True
        self.done.put([self._results[number] for number in range(len(self._rows))])
        return False

    def _next_part(self, short: bool) -> list[int]:
        """Return the rows that are computed now."""
        if not self._parts:
            batch = self._batches.popleft()
            size = -(-len(batch) // SHORT_PARTS) if short else len(batch)
            self._parts.extend(batch[begin : begin + size] for begin in range(0, len(batch), size))
        return self._parts[0]

    def _halve(self, error: Exception) -> None:
        """Put two halves in place of a part that did not fit; raise any other error."""
        if not self._is_full(error) or len(self._parts[0]) == 1:
            raise error
        part = self._parts.popleft()
        half = len(part) // 2
        self._parts.extendleft([part[half:], part[:half]])
