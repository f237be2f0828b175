"""The checkpoints in memory: loaded once however many ask, and dropped least recently used first."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.engine.eviction import Eviction, Resident, plan_eviction
from t5gemma_app.engine.types import Loading
from t5gemma_app.errors import BusyError, TooBigError

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.1


class Sized(Protocol):
    """What the pool holds."""

    @property
    def bytes(self) -> int:
        """Memory it takes."""
        ...


Held = TypeVar("Held", bound=Sized)
Report = Callable[[str, float | None], None]
Load = Callable[[Checkpoint, Report], Held]


@dataclass(slots=True)
class _Entry(Generic[Held]):
    value: Held
    last_used: float
    leases: int = 0


@dataclass(slots=True)
class _Flight:
    """A load in progress that several may wait for."""

    done: threading.Event = field(default_factory=threading.Event)
    stage: str = "starting"
    fraction: float | None = None
    error: BaseException | None = None
    bytes: int = 0


class Pool(Generic[Held]):
    """Loaded checkpoints within a memory budget.

    Args:
        budget: Bytes that all of them may take together.
        needed: Returns the bytes a checkpoint will take, before it is loaded.
        load: Loads one; runs in the thread of whoever asked first.
        dropped: Called after checkpoints left, to give their memory back.
    """

    def __init__(
        self,
        budget: int,
        needed: Callable[[Checkpoint], int],
        load: Load[Held],
        dropped: Callable[[], None],
    ) -> None:
        self.budget = budget
        self._needed = needed
        self._load = load
        self._dropped = dropped
        # Protects the two tables and the leases; never held while something is loaded.
        self._lock = threading.Lock()
        self._entries: dict[str, _Entry[Held]] = {}
        self._flights: dict[str, _Flight] = {}
        self.last_eviction = ""

    def ensure(self, checkpoint: Checkpoint) -> Iterator[Loading]:
        """Load a checkpoint unless it is there, yielding progress; the first to ask loads, the others watch.

        Raises:
            TooBigError: Even without the idle checkpoints there is too little room.
            CheckpointError: Whatever loading raised; each waiting caller gets it.
        """
        flight, mine = self._board(checkpoint)
        if flight is None:
            return
        if mine:
            thread = threading.Thread(target=self._fly, args=(checkpoint, flight), name=f"load {checkpoint.name}")
            thread.daemon = True
            thread.start()
        while not flight.done.wait(POLL_SECONDS):
            yield Loading(checkpoint.name, flight.stage, flight.fraction)
        if flight.error is not None:
            raise flight.error

    def lease(self, name: str) -> Held | None:
        """Return a loaded checkpoint and keep it from leaving until `release`; None where it is not there."""
        with self._lock:
            entry = self._entries.get(name)
            if entry is None:
                return None
            entry.leases += 1
            entry.last_used = time.monotonic()
            return entry.value

    def release(self, name: str) -> None:
        """End a lease."""
        with self._lock:
            entry = self._entries.get(name)
            if entry is not None:
                entry.leases = max(0, entry.leases - 1)
                entry.last_used = time.monotonic()

    def drop(self, name: str) -> bool:
        """Unload a checkpoint; return whether it was there.

        Raises:
            BusyError: An answer of it is being computed.
        """
        with self._lock:
            entry = self._entries.get(name)
            if entry is None:
                return False
            if entry.leases:
                raise BusyError(f"{name} is answering now.", remedy="Stop the answer, or wait until it has ended.")
            del self._entries[name]
        del entry
        self._dropped()
        return True

    def held(self) -> list[tuple[Held, bool]]:
        """Return what is loaded and whether it is leased, in order of loading."""
        with self._lock:
            return [(entry.value, entry.leases > 0) for entry in self._entries.values()]

    def _board(self, checkpoint: Checkpoint) -> tuple[_Flight | None, bool]:
        with self._lock:
            if checkpoint.name in self._entries:
                self._entries[checkpoint.name].last_used = time.monotonic()
                return None, False
            flight = self._flights.get(checkpoint.name)
            if flight is not None:
                return flight, False
            flight = self._flights[checkpoint.name] = _Flight()
            return flight, True

    def _fly(self, checkpoint: Checkpoint, flight: _Flight) -> None:
        def report(stage: str, fraction: float | None) -> None:
            flight.stage, flight.fraction = stage, fraction

        try:
            flight.bytes = self._needed(checkpoint)
            self._make_room(checkpoint, flight)
            value = self._load(checkpoint, report)
            with self._lock:
                self._entries[checkpoint.name] = _Entry(value, time.monotonic())
        except BaseException as error:  # belongs to whoever asked; nothing may keep them waiting
            flight.error = error
        finally:
            with self._lock:
                del self._flights[checkpoint.name]
            flight.done.set()

    def _make_room(self, checkpoint: Checkpoint, flight: _Flight) -> None:
        with self._lock:
            plan = self._plan(flight)
            for name in plan.names:
                del self._entries[name]
        if plan.names:
            self.last_eviction = plan.reason
            logger.info("Unloaded %s", plan.reason)
            self._dropped()
        if not plan.enough:
            raise TooBigError(
                f"{checkpoint.name} does not fit: {plan.reason}.",
                remedy="Wait until the running answers end, choose a smaller checkpoint, or raise T5GEMMA_MEMORY_GB.",
            )

    def _plan(self, flight: _Flight) -> Eviction:
        residents = [
            Resident(name, entry.value.bytes, entry.last_used, entry.leases > 0)
            for name, entry in self._entries.items()
        ]
        # What others are loading right now has no entry yet, but its room is taken.
        others = sum(f.bytes for f in self._flights.values() if f is not flight)
        return plan_eviction(residents, flight.bytes, self.budget - others)
