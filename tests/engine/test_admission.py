from __future__ import annotations

import threading

import pytest

from t5gemma_app.engine.admission import Admission
from t5gemma_app.engine.queueing import Limits
from t5gemma_app.errors import BusyError

LIMITS = Limits(seats=1, total=3, visitor=2, share=1, reason="a test")


def test_places_are_taken_and_given_back_once() -> None:
    admission = Admission(LIMITS)
    first, _ = admission.enter("a"), admission.enter("a")
    with pytest.raises(BusyError, match="of your requests"):
        admission.enter("a")
    admission.enter("b")
    with pytest.raises(BusyError, match="2 requests are waiting"):
        admission.enter("c")
    first.release()
    first.release()
    assert admission.held == 2
    admission.enter("c")
    with pytest.raises(BusyError):
        admission.enter("c")


def test_a_place_is_held_for_a_block_that_somebody_waits_for() -> None:
    admission = Admission(LIMITS)
    with pytest.raises(ZeroDivisionError), admission.place("a"), admission.place("a") as visitor:
        assert (visitor, admission.held) == ("a", 2)
        with pytest.raises(BusyError, match="of your requests"), admission.place("a"):
            pass
        with admission.place(None) as nobody:
            assert (nobody, admission.held) == (None, 2)
        raise ZeroDivisionError
    assert admission.held == 0


def test_no_more_are_let_in_however_many_ask_at_once() -> None:
    admission = Admission(Limits(seats=1, total=20, visitor=20, share=1, reason="a test"))
    tickets, refused, gate = [], [], threading.Barrier(40)

    def ask(number: int) -> None:
        gate.wait(60)
        try:
            tickets.append(admission.enter(f"visitor {number}"))
        except BusyError as error:
            refused.append(error)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (len(tickets), len(refused), admission.held) == (20, 20, 20)
    for ticket in tickets:
        ticket.release()
    assert admission.held == 0
