"""The one thread that owns a device: sessions advance by turns, jobs run between their steps.

Knows nothing of models; a session is anything that can be advanced. Who is served next is decided in `queueing`.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, cast

from t5gemma_app.engine.queueing import Claim, Turns, expected_wait
from t5gemma_app.errors import BusyError, StoppedError

REMEMBERED = 20
"""Answers from whose length the wait is guessed."""
TELL_SECONDS = 1.0
"""Pause between two guesses for the same place in the queue."""
COMPANY_SECONDS = 60.0
"""How long somebody who was served is expected to come back; background steps are short until then."""


class Lane(Protocol):
    """Sessions that are computed together."""

    def advance(self, sessions: Sequence[Any]) -> Sequence[Any]:
        """Do one step of all of them and return those that ended; raises nothing."""
        ...


class Background(Protocol):
    """Something that is computed in steps on its own while nobody waits for an answer."""

    def advance(self, short: bool) -> bool:
        """Do one step; return whether more are needed.

        Args:
            short: Whether somebody waits for the step's end, or may come before it; else only the total time matters.
        """
        ...

    def fail(self, error: BaseException) -> None:
        """Be told that a step, or the worker, failed; no further call follows."""
        ...


class Session(Protocol):
    """Something that somebody waits for, computed in short steps: in a lane with others, or as `Background` is."""

    @property
    def lane(self) -> Lane | None:
        """Where it is advanced; None for one that has an `advance` of its own."""
        ...

    @property
    def cancelled(self) -> bool:
        """Whether nobody wants it any more."""
        ...

    def waiting(self, ahead: int, seconds: float | None) -> None:
        """Be told how many sessions are served first, and how long that may take."""
        ...

    def leave(self) -> None:
        """Be told that it was cancelled before its first step; no further call follows."""
        ...

    def fail(self, error: BaseException) -> None:
        """Be told that a step, or the worker, failed; no further call follows."""
        ...


@dataclass(eq=False, slots=True)
class _Admitted:
    """A session with whose it is, and since when it has its seat."""

    session: Session
    claim: Claim
    seated: float = field(default=0.0)


class _News(NamedTuple):
    """What a waiting session is told."""

    session: Session
    ahead: int
    seconds: float | None


class Worker:
    """A thread that advances up to `max_active` sessions in turn and lets up to `max_waiting` wait.

    Args:
        name: The thread's name.
        max_active: Sessions that are advanced by turns.
        max_waiting: Sessions that wait beyond those.
        max_share: Sessions of one visitor that are advanced at the same time; all of them when left out.
    """

    def __init__(self, name: str, max_active: int, max_waiting: int, max_share: int | None = None) -> None:
        self._name = name
        self._max_active = max_active
        self._max_waiting = max_waiting
        self._max_share = max_share or max_active
        # Protects everything below; also wakes the thread.
        self._changed = threading.Condition()
        self._turns = Turns()
        self._queue: list[_Admitted] = []
        self._active: list[_Admitted] = []
        self._spent: deque[float] = deque(maxlen=REMEMBERED)
        self._told = -math.inf
        self._served = -math.inf
        self._background: deque[Background] = deque()
        self._jobs: deque[tuple[Callable[[], Any], Future[Any]]] = deque()
        self._closed = False
        self._thread: threading.Thread | None = None

    @property
    def load(self) -> tuple[int, int]:
        """How many sessions are active and how many wait."""
        with self._changed:
            return len(self._active), len(self._queue)

    def admit(self, session: Session, visitor: str = "") -> None:
        """Queue a session.

        Args:
            session: What to advance.
            visitor: Whose it is; visitors take turns.

        Raises:
            BusyError: Too many wait already.
            StoppedError: The worker was closed.
        """
        with self._changed:
            self._refuse_when_closed()
            if len(self._queue) >= self._max_waiting:
                raise BusyError(f"{len(self._queue)} requests are waiting already.", remedy="Try again in a minute.")
            self._queue.append(_Admitted(session, self._turns.claim(visitor)))
            self._told = -math.inf  # places changed
            self._wake()

    def admit_background(self, session: Background) -> None:
        """Queue a session that advances only while nobody waits for an answer.

        Raises:
            StoppedError: The worker was closed.
        """
        with self._changed:
            self._refuse_when_closed()
            self._background.append(session)
            self._wake()

    def call(self, job: Callable[[], Any]) -> Future[Any]:
        """Run a job on the worker's thread, between two steps.

        Raises:
            StoppedError: The worker was closed.
        """
        future: Future[Any] = Future()
        with self._changed:
            self._refuse_when_closed()
            self._jobs.append((job, future))
            self._wake()
        return future

    def close(self) -> None:
        """End the thread after the step it is in; whatever waited or ran fails with `StoppedError`."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _refuse_when_closed(self) -> None:
        if self._closed:
            raise StoppedError("The app is shutting down.", remedy="Send the request again after the restart.")

    def _wake(self) -> None:
        """Start the thread on first use and wake it; the caller holds the lock."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()
        self._changed.notify_all()

    def _run(self) -> None:
        while self._wait_for_work():
            self._run_one_job()
            self._advance_active()
            self._advance_background()
        self._fail_everything(StoppedError("The app was shut down while this request ran."))

    def _wait_for_work(self) -> bool:
        """Sleep until there is something to do and seat whoever is next; return False once closed."""
        with self._changed:
            while not (self._closed or self._jobs or self._queue or self._active or self._background):
                self._changed.wait()
            if self._closed:
                return False
            gone = self._drop_cancelled()
            self._fill_seats()
            news = self._news()
        for one in gone:
            one.leave()
        for session, ahead, seconds in news:
            session.waiting(ahead, seconds)
        return True

    def _drop_cancelled(self) -> list[Session]:
        """Take sessions off the queue that nobody waits for, so that they keep nobody else from it."""
        gone = [entry.session for entry in self._queue if entry.session.cancelled]
        if gone:
            self._queue = [entry for entry in self._queue if entry.session not in gone]
            self._told = -math.inf
        return gone

    def _fill_seats(self) -> None:
        """Seat those whose turn it is; the caller holds the lock."""
        while self._queue:
            waiting, active = [entry.claim for entry in self._queue], [entry.claim.visitor for entry in self._active]
            number = self._turns.next_served(waiting, active, self._max_active, self._max_share)
            if number is None:
                return
            self._turns.serve(waiting, number, active)
            entry = self._queue.pop(number)
            entry.seated = time.monotonic()
            self._active.append(entry)
            self._told = -math.inf

    def _news(self) -> list[_News]:
        """Return what those who wait should hear, now and then; the caller holds the lock."""
        now = time.monotonic()
        if not self._queue or now - self._told < TELL_SECONDS:
            return []
        self._told = now
        order = self._turns.order([entry.claim for entry in self._queue])
        running = [now - entry.seated for entry in self._active]
        return [
            _News(
                self._queue[number].session,
                place + 1,
                expected_wait(place, running, self._spent, self._max_active),
            )
            for place, number in enumerate(order)
        ]

    def _run_one_job(self) -> None:
        with self._changed:
            if not self._jobs:
                return
            job, future = self._jobs.popleft()
        if not future.set_running_or_notify_cancel():
            return
        try:
            future.set_result(job())
        except BaseException as error:  # whatever the job raises belongs to whoever waits for it
            future.set_exception(error)

    def _advance_active(self) -> None:
        """Do one step of every active session.

        A method of its own: a loop variable in `_run` would keep the last session, and with it a model, alive.
        """
        lanes: dict[int, tuple[Lane, list[Session]]] = {}
        ended: list[Session] = []
        sessions = [entry.session for entry in self._active]
        for session in sessions:
            if session.lane is not None:
                lanes.setdefault(id(session.lane), (session.lane, []))[1].append(session)
            elif not self._advance(cast(Background, session), short=len(sessions) > 1):
                ended.append(session)
        for lane, members in lanes.values():
            ended += lane.advance(members)
        if ended:
            self._give_seats_back(set(map(id, ended)))

    def _give_seats_back(self, ended: set[int]) -> None:
        """Forget sessions that ended, by the identity of each, and note how long they took."""
        now = time.monotonic()
        with self._changed:
            self._served = now
            self._spent.extend(now - entry.seated for entry in self._active if id(entry.session) in ended)
            self._active = [entry for entry in self._active if id(entry.session) not in ended]

    def _advance_background(self) -> None:
        """Do one background step if no person waits; background sessions take turns too."""
        with self._changed:
            if self._active or self._queue or self._jobs or not self._background:
                return
            session = self._background.popleft()
            short = time.monotonic() - self._served < COMPANY_SECONDS
        if self._advance(session, short):
            with self._changed:
                self._background.append(session)

    @staticmethod
    def _advance(session: Background, short: bool) -> bool:
        try:
            return session.advance(short)
        except Exception as error:  # one request's failure must never end the thread that serves the others
            session.fail(error)
            return False

    def _fail_everything(self, error: StoppedError) -> None:
        with self._changed:
            asked = [entry.session for entry in [*self._active, *self._queue]]
            sessions: list[Session | Background] = [*asked, *self._background]
            jobs = list(self._jobs)
            self._active.clear()
            self._queue.clear()
            self._background.clear()
            self._jobs.clear()
        for session in sessions:
            session.fail(error)
        for _, future in jobs:
            future.set_exception(error)
