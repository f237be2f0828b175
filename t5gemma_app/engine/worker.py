"""The one thread that owns a device: sessions advance by turns, jobs run between their steps.

Knows nothing of models; a session is anything that can be advanced.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, Protocol, cast

from t5gemma_app.errors import BusyError, StoppedError

logger = logging.getLogger(__name__)


class Lane(Protocol):
    """Sessions that are computed together."""

    def advance(self, sessions: Sequence[Any]) -> Sequence[Any]:
        """Do one step of all of them and return those that ended; raises nothing."""
        ...


class Session(Protocol):
    """Something that is computed in short steps, in a lane with others of its kind or alone."""

    @property
    def lane(self) -> Lane | None:
        """Where it is advanced; None for one that has an `advance` of its own."""
        ...

    def waiting(self, ahead: int) -> None:
        """Be told how many sessions are served first."""
        ...

    def fail(self, error: BaseException) -> None:
        """Be told that a step, or the worker, failed; no further call follows."""
        ...


class Alone(Session, Protocol):
    """A session that is advanced on its own."""

    def advance(self) -> bool:
        """Do one step; return whether more are needed."""
        ...


class Worker:
    """A thread that advances up to `max_active` sessions in turn and lets up to `max_waiting` wait.

    Args:
        name: The thread's name.
        max_active: Sessions that are advanced by turns.
        max_waiting: Sessions that wait beyond those.
    """

    def __init__(self, name: str, max_active: int, max_waiting: int) -> None:
        self._name = name
        self._max_active = max_active
        self._max_waiting = max_waiting
        # Protects everything below; also wakes the thread.
        self._changed = threading.Condition()
        self._queue: deque[Session] = deque()
        self._active: list[Session] = []
        self._background: deque[Session] = deque()
        self._jobs: deque[tuple[Callable[[], Any], Future[Any]]] = deque()
        self._closed = False
        self._thread: threading.Thread | None = None

    @property
    def load(self) -> tuple[int, int]:
        """How many sessions are active and how many wait."""
        with self._changed:
            return len(self._active), len(self._queue)

    def admit(self, session: Session) -> None:
        """Queue a session.

        Raises:
            BusyError: Too many wait already.
            StoppedError: The worker was closed.
        """
        with self._changed:
            self._refuse_when_closed()
            if len(self._queue) >= self._max_waiting:
                raise BusyError(f"{len(self._queue)} requests are waiting already.", remedy="Try again in a minute.")
            self._queue.append(session)
            self._wake()

    def admit_background(self, session: Session) -> None:
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
        """Sleep until there is something to do and admit sessions; return False once closed."""
        with self._changed:
            while not (self._closed or self._jobs or self._queue or self._active or self._background):
                self._changed.wait()
            if self._closed:
                return False
            moved = False
            while self._queue and len(self._active) < self._max_active:
                self._active.append(self._queue.popleft())
                moved = True
            places = list(enumerate(self._queue)) if moved else []
        for place, session in places:
            session.waiting(place + 1)
        return True

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
        for session in list(self._active):
            if session.lane is not None:
                lanes.setdefault(id(session.lane), (session.lane, []))[1].append(session)
            elif not self._advance(session):
                ended.append(session)
        for lane, members in lanes.values():
            ended += lane.advance(members)
        with self._changed:
            self._active = [session for session in self._active if session not in ended]

    def _advance_background(self) -> None:
        """Do one background step if no person waits; background sessions take turns too."""
        with self._changed:
            if self._active or self._queue or self._jobs or not self._background:
                return
            session = self._background.popleft()
        if self._advance(session):
            with self._changed:
                self._background.append(session)

    @staticmethod
    def _advance(session: Session) -> bool:
        try:
            return cast(Alone, session).advance()
        except Exception as error:  # one request's failure must never end the thread that serves the others
            session.fail(error)
            return False

    def _fail_everything(self, error: StoppedError) -> None:
        with self._changed:
            sessions = [*self._active, *self._queue, *self._background]
            jobs = list(self._jobs)
            self._active.clear()
            self._queue.clear()
            self._background.clear()
            self._jobs.clear()
        for session in sessions:
            session.fail(error)
        for _, future in jobs:
            future.set_exception(error)
