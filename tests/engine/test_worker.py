from __future__ import annotations

import threading
import time

import pytest

from t5gemma_app.engine.worker import Worker
from t5gemma_app.errors import BusyError, StoppedError


class Counting:
    """A session of a fixed number of steps that notes when each was done."""

    lane = None
    cancelled = False

    def __init__(self, name, steps, journal, gate=None):
        self.name, self.left, self.journal, self.gate = name, steps, journal, gate
        self.places, self.error, self.done, self.gone = [], None, threading.Event(), threading.Event()
        self.short = []

    def advance(self, short):
        self.short.append(short)
        if self.gate:
            self.gate.wait(5)
        self.journal.append(self.name)
        self.left -= 1
        if not self.left:
            self.done.set()
        return self.left > 0

    def waiting(self, ahead, seconds):
        self.places.append((ahead, seconds))

    def leave(self):
        self.gone.set()

    def fail(self, error):
        self.error = error
        self.done.set()


class Broken(Counting):
    def advance(self, short):
        raise RuntimeError("broken")


@pytest.fixture
def worker():
    worker = Worker("test", max_active=2, max_waiting=2)
    yield worker
    worker.close()


def test_sessions_take_turns(worker):
    journal, gate = [], threading.Event()
    # A job keeps the thread busy until both are queued, so that they begin together.
    worker.call(lambda: gate.wait(5))
    sessions = [Counting(name, 3, journal) for name in "ab"]
    for session in sessions:
        worker.admit(session)
    gate.set()
    for session in sessions:
        assert session.done.wait(5)
    assert journal == ["a", "b"] * 3


def test_too_many_are_refused_and_the_rest_is_served(worker):
    journal, gate = [], threading.Event()
    sessions = [Counting(str(i), 2, journal, gate) for i in range(4)]
    for session in sessions[:2]:
        worker.admit(session)
    while worker.load != (2, 0):
        time.sleep(0.01)
    for session in sessions[2:]:
        worker.admit(session)
    with pytest.raises(BusyError, match="2 requests are waiting"):
        worker.admit(Counting("late", 1, journal))
    gate.set()
    for session in sessions:
        assert session.done.wait(5)
    assert sorted(journal) == ["0", "0", "1", "1", "2", "2", "3", "3"]


def test_a_broken_session_fails_alone(worker):
    journal = []
    broken, fine = Broken("x", 1, journal), Counting("y", 2, journal)
    worker.admit(broken)
    worker.admit(fine)
    assert broken.done.wait(5)
    assert fine.done.wait(5)
    assert isinstance(broken.error, RuntimeError)
    assert fine.error is None


def test_a_job_runs_on_the_workers_thread_and_its_error_is_its_callers(worker):
    assert worker.call(lambda: threading.current_thread().name).result(5) == "test"
    with pytest.raises(ZeroDivisionError):
        worker.call(lambda: 1 / 0).result(5)
    assert worker.call(lambda: 3).result(5) == 3


def test_closing_tells_everybody(worker):
    gate, journal = threading.Event(), []
    sessions = [Counting(str(i), 1000, journal, gate) for i in range(2)]
    for session in sessions:
        worker.admit(session)
    gate.set()
    worker.close()
    assert all(isinstance(session.error, StoppedError) for session in sessions)
    with pytest.raises(StoppedError):
        worker.admit(sessions[0])


def test_background_steps_are_short_once_somebody_came(worker):
    journal = []
    before, person, after = (
        Counting("before", 3, journal),
        Counting("person", 2, journal),
        Counting("after", 3, journal),
    )
    worker.admit_background(before)
    assert before.done.wait(5)
    worker.admit(person)
    assert person.done.wait(5)
    worker.admit_background(after)
    assert after.done.wait(5)
    assert (before.short, person.short, after.short) == ([False] * 3, [False] * 2, [True] * 3)


def test_steps_are_short_beside_others(worker):
    journal, gate = [], threading.Event()
    worker.call(lambda: gate.wait(5))
    sessions = [Counting("a", 3, journal), Counting("b", 1, journal)]
    for session in sessions:
        worker.admit(session)
    gate.set()
    for session in sessions:
        assert session.done.wait(5)
    assert (sessions[0].short, sessions[1].short) == ([True, False, False], [True])


def soon(happened):
    deadline = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_visitors_take_turns_and_hear_their_place():
    worker = Worker("test", max_active=1, max_waiting=10)
    journal, gate = [], threading.Event()
    first = Counting("a0", 1, journal, gate)
    worker.admit(first, "a")
    soon(lambda: worker.load == (1, 0))
    waiting = [Counting(name, 1, journal) for name in ("a1", "a2", "b1")]
    for session in waiting:
        worker.admit(session, session.name[0])
    gate.set()
    for session in waiting:
        assert session.done.wait(60)
    assert journal == ["a0", "b1", "a1", "a2"]
    worker.close()
    # All three were in the queue when the first seat became free, and then moved up one by one.
    assert waiting[1].places[-1][0] == 1 and waiting[1].places[-1][1] is not None
    assert [ahead for ahead, _ in waiting[1].places] == sorted((a for a, _ in waiting[1].places), reverse=True)


def test_a_visitor_leaves_seats_to_others():
    worker = Worker("test", max_active=2, max_waiting=10, max_share=1)
    journal, gate = [], threading.Event()
    greedy = [Counting("a", 1, journal, gate) for _ in range(3)]
    for session in greedy:
        worker.admit(session, "a")
    other = Counting("b", 1, journal)
    worker.admit(other, "b")
    gate.set()
    for session in [*greedy, other]:
        assert session.done.wait(60)
    worker.close()
    assert journal.index("b") <= 1


def test_who_is_cancelled_while_waiting_leaves_the_queue_at_once():
    worker = Worker("test", max_active=1, max_waiting=2)
    journal = []
    long = Counting("long", 10_000_000, journal)
    worker.admit(long)
    soon(lambda: worker.load == (1, 0))
    gone, stays = Counting("gone", 1, journal), Counting("stays", 1, journal)
    worker.admit(gone)
    worker.admit(stays)
    gone.cancelled = True
    assert gone.gone.wait(60)
    soon(lambda: worker.load == (1, 1))
    long.left = 1
    assert stays.done.wait(60)
    worker.close()
    assert "gone" not in journal and gone.error is None
