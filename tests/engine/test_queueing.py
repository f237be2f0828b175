from __future__ import annotations

from collections import Counter
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from t5gemma_app.engine.queueing import Claim, Limits, Turns, choose_limits, expected_wait, refusal, retry_seconds
from t5gemma_app.settings import Settings


class Desk:
    """Plays a queue: requests are served in the order of their turns and take a number of steps."""

    def __init__(self, seats: int = 1, share: int | None = None) -> None:
        self.seats, self.share, self.turns = seats, share or seats, Turns()
        self.waiting: list[tuple[Claim, int]] = []
        self.active: list[tuple[str, int]] = []
        self.served = ""

    def ask(self, visitors: str, steps: int = 1) -> Desk:
        self.waiting += [(self.turns.claim(visitor), steps) for visitor in visitors]
        return self

    def step(self) -> None:
        while True:
            claims, active = [claim for claim, _ in self.waiting], [visitor for visitor, _ in self.active]
            number = self.turns.next_served(claims, active, self.seats, self.share)
            if number is None:
                break
            self.turns.serve(claims, number, active)
            claim, steps = self.waiting.pop(number)
            self.active.append((claim.visitor, steps))
            self.served += claim.visitor
        self.active = [(visitor, left - 1) for visitor, left in self.active if left > 1]

    def play(self) -> str:
        while self.waiting:
            self.step()
        return self.served


def test_ten_requests_of_one_do_not_stand_before_anothers_first() -> None:
    assert Desk().ask("aaaaaaaaaab").play() == "abaaaaaaaaa"
    assert Desk().ask("aabbcc").play() == "abcabc"
    assert Desk().ask("aaab").ask("c").play() == "abcaa"


def test_who_comes_while_another_is_served_joins_the_round() -> None:
    desk = Desk().ask("aaaaa")
    desk.step()
    desk.step()
    assert desk.ask("bb").play() == "aababaa"


def test_one_visitor_is_served_in_the_order_of_asking() -> None:
    turns = Turns()
    assert turns.order([turns.claim("a") for _ in range(4)]) == [0, 1, 2, 3]


def test_who_cancels_and_asks_again_loses_nothing() -> None:
    turns = Turns()
    for _ in range(5):
        turns.claim("a")  # left the queue before its turn
    assert turns.order([turns.claim("b"), turns.claim("a"), turns.claim("b")]) == [0, 1, 2]


@given(st.lists(st.sampled_from("abcd"), min_size=1, max_size=16), st.integers(1, 3))
def test_everybody_is_served_and_nobody_is_two_rounds_ahead(asked: list[str], seats: int) -> None:
    served = Desk(seats).ask("".join(asked)).play()
    assert Counter(served) == Counter(asked)
    for place in range(len(served)):
        had, left = Counter(served[:place]), Counter(served[place:])
        assert all(had[one] <= had[other] + 1 for one in had for other in left)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=8), st.integers(1, 3), st.integers(1, 3))
def test_newcomers_hold_nobody_up_for_ever(asked: list[str], steps: int, seats: int) -> None:
    """While always more new visitors wait than there are seats, whoever asked before is served after a bounded time."""
    desk, strangers = Desk(seats).ask("".join(asked), steps), count()
    for _ in range(20 * len(asked) * steps):
        while len(desk.waiting) < len(asked) + 2 * seats:
            desk.waiting.append((desk.turns.claim(f"stranger {next(strangers)}"), 1))
        desk.step()
    assert not [claim for claim, _ in desk.waiting if claim.visitor in asked]


def test_visitors_who_left_are_forgotten() -> None:
    desk = Desk()
    for number in range(1000):
        desk.waiting.append((desk.turns.claim(str(number)), 1))
        desk.step()
    assert len(desk.turns._due) < 10


def test_a_visitor_takes_no_more_than_its_share_of_the_seats() -> None:
    turns = Turns()
    claims = [turns.claim(visitor) for visitor in "aab"]
    assert turns.next_served(claims[:2], ["a", "a"], seats=4, share=2) is None
    assert turns.next_served(claims, ["a", "a"], seats=4, share=2) == 2
    assert turns.next_served(claims, ["b"] * 4, seats=4, share=4) is None
    assert turns.next_served([], ["b"], seats=4, share=2) is None


def test_the_wait_is_guessed_from_recent_answers() -> None:
    assert expected_wait(0, [1.0], [], 1) is None
    assert expected_wait(0, [4.0], [10.0], 1) == 6.0
    assert expected_wait(1, [4.0], [10.0], 1) == 16.0
    assert expected_wait(0, [4.0, 9.0], [10.0], 2) == 1.0
    assert expected_wait(2, [4.0, 9.0], [10.0], 2) == 11.0
    # One that outlasts all others may end soon; those that are shorter say nothing about a long one.
    assert expected_wait(0, [20.0], [10.0, 10.0], 1) == 5.0
    assert expected_wait(0, [5.0], [1.0, 1.0, 9.0], 1) == 4.0
    assert expected_wait(0, [], [10.0], 1) == 0.0


@given(
    st.integers(0, 40),
    st.lists(st.floats(0, 100), max_size=8),
    st.lists(st.floats(0.01, 100), min_size=1, max_size=20),
    st.integers(8, 16),
)
def test_who_stands_further_back_waits_no_shorter(
    ahead: int, running: list[float], recent: list[float], seats: int
) -> None:
    one, next_one = (expected_wait(place, running, recent, seats) for place in (ahead, ahead + 1))
    assert one is not None and next_one is not None and 0 <= one <= next_one


def test_a_guess_comes_close_where_answers_are_alike() -> None:
    """Two seats, answers of 3 seconds: those asked at once begin after 0, 0, 3, 3, 6 seconds."""
    recent = [3.0] * 5
    assert [expected_wait(place, [0.0, 0.0], recent, 2) for place in range(4)] == [3.0, 3.0, 6.0, 6.0]


def test_refusals_say_how_many_wait_and_what_to_do() -> None:
    limits = Limits(seats=2, total=4, visitor=3, share=2, reason="a test")
    assert refusal("a", {"a": 2, "b": 1}, limits, 5.0) is None
    full = refusal("c", {"a": 3, "b": 1}, limits, 4.2)
    assert full is not None and full.retry_seconds == 4.2
    assert str(full) == "2 requests are waiting already. This server takes 4 at once. Try again in about 5 s."
    greedy = refusal("a", {"a": 3}, limits, 1.0)
    assert greedy is not None and "3 of your requests are running" in str(greedy) and "Stop one" in greedy.remedy
    assert refusal("b", {"a": 3}, limits, 1.0) is None


def test_a_refused_visitor_is_asked_back_when_one_more_has_ended() -> None:
    assert retry_seconds([], 100.0) == 10.0
    assert retry_seconds([80.0, 85.0, 90.0, 95.0], 100.0) == 5.0
    assert retry_seconds([99.9], 100.0) == 1.0
    assert retry_seconds([0.0], 100_000.0) == 60.0


@pytest.mark.parametrize(
    ("wishes", "visitor", "share", "because"),
    [
        ({}, 40, 8, "127.0.0.1"),
        ({"host": "0.0.0.0"}, 10, 4, "others reach 0.0.0.0"),
        ({"host": "0.0.0.0", "max_per_visitor": 2}, 2, 2, "T5GEMMA_MAX_PER_VISITOR"),
        ({"max_per_visitor": 1000}, 40, 8, "T5GEMMA_MAX_PER_VISITOR"),
        ({"host": "::", "max_answers": 1, "max_waiting": 1}, 1, 1, "others"),
    ],
)
def test_visitors_are_limited_where_there_can_be_several(
    wishes: dict[str, object], visitor: int, share: int, because: str
) -> None:
    limits = choose_limits(Settings(**{"max_answers": 8, "max_waiting": 32, **wishes}))  # type: ignore[arg-type]
    assert (limits.visitor, limits.share) == (visitor, share)
    assert because in limits.reason
