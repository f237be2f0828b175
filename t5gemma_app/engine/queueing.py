"""Who is served next, how long the others will wait, and who is refused: rules without threads or clocks."""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from t5gemma_app.errors import BusyError
from t5gemma_app.settings import Settings

VISITOR_FRACTION = 4
"""A visitor has at most this part of what a public server takes at once, the part being one in so many."""
SEAT_FRACTION = 2
"""The same for the answers that are computed at once, so that a newcomer finds a seat beside a greedy neighbour."""

RETRY_UNKNOWN = 10.0
RETRY_RANGE = (1.0, 60.0)
"""Seconds after which a refused visitor is asked back: where nothing is known yet, and the least and the most."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is taken at once."""

    seats: int
    """Answers that are computed together."""
    total: int
    """Requests that run or wait, of everybody."""
    visitor: int
    """The same, of one visitor."""
    share: int
    """Seats that one visitor may hold."""
    reason: str
    """Why a visitor has this limit."""


def choose_limits(settings: Settings) -> Limits:
    """Return the limits of a server: visitors are limited where there can be several.

    Args:
        settings: The app's settings.
    """
    seats, total = settings.max_answers, settings.max_answers + settings.max_waiting
    if settings.max_per_visitor is not None:
        visitor = min(settings.max_per_visitor, total)
        return Limits(seats, total, visitor, min(seats, visitor), "set by T5GEMMA_MAX_PER_VISITOR")
    if settings.local:
        return Limits(seats, total, total, seats, f"only this machine reaches {settings.host}")
    visitor, share = -(-total // VISITOR_FRACTION), -(-seats // SEAT_FRACTION)
    return Limits(seats, total, visitor, share, f"others reach {settings.host} too")


@dataclass(frozen=True, slots=True)
class Claim:
    """A waiting request's right to a seat."""

    visitor: str
    since: float
    """How many rounds were over when it came."""


class Turns:
    """Lets visitors take turns: in every round each of them gets one seat, whoever asks how often.

    A request belongs to the round that was going on when it came, and a visitor's further ones to the rounds after, so
    that nobody's tenth request stands before anybody's first. A round is over once as many seats were given as there
    are visitors; newcomers therefore join ever later rounds, and no stream of them holds anybody up for ever.
    """

    def __init__(self) -> None:
        self._rounds = 0.0
        self._due: dict[str, float] = {}

    def claim(self, visitor: str) -> Claim:
        """Return the right of a request that comes now."""
        return Claim(visitor, self._rounds)

    def order(self, waiting: Sequence[Claim]) -> list[int]:
        """Return the numbers of the waiting requests, those that are served first in front.

        Args:
            waiting: Their claims, in the order of arrival; among equals that order decides.
        """
        return [number for _, number in sorted((due, number) for number, due in enumerate(self._rounds_of(waiting)))]

    def next_served(self, waiting: Sequence[Claim], active: Sequence[str], seats: int, share: int) -> int | None:
        """Return the number of the request that takes a seat now, or None where none is free for those who wait.

        Args:
            waiting: The claims of all waiting requests, in the order of arrival.
            active: The visitor of each running request.
            seats: Answers that are computed together.
            share: Seats that one visitor may hold.
        """
        if len(active) >= seats:
            return None
        held = Counter(active)
        return next((number for number in self.order(waiting) if held[waiting[number].visitor] < share), None)

    def serve(self, waiting: Sequence[Claim], number: int, active: Sequence[str]) -> None:
        """Take note that a waiting request gets a seat.

        Args:
            waiting: The claims of all waiting requests, this one included.
            number: Which of them gets it.
            active: The visitor of each running request, without it.
        """
        due = self._rounds_of(waiting)[number]
        present = {claim.visitor for claim in waiting}.union(active)
        # One more than are here, so that the next newcomer still finds a place in this round.
        self._rounds = max(due, self._rounds + 1 / (len(present) + 1))
        self._due[waiting[number].visitor] = due + 1
        # Visitors come and go; of those who went only what still delays them is kept.
        self._due = {who: due for who, due in self._due.items() if who in present or due > self._rounds}

    def _rounds_of(self, waiting: Sequence[Claim]) -> list[float]:
        """Return the round of each request."""
        due = dict(self._due)
        rounds = []
        for claim in waiting:
            rounds.append(max(claim.since, due.get(claim.visitor, 0.0)))
            due[claim.visitor] = rounds[-1] + 1
        return rounds


def expected_wait(ahead: int, running: Sequence[float], recent: Sequence[float], seats: int) -> float | None:
    """Return the seconds until a seat is free for a request, or None while no answer has ended yet.

    Plays the queue forward: a running answer is taken to last as long as those recent ones did that lasted at least as
    long as it has, an answer ahead as long as the middle one.

    Args:
        ahead: Requests that are served before.
        running: Seconds that each running answer has taken so far.
        recent: Seconds that recent answers took.
        seats: Answers that are computed together.
    """
    if not recent:
        return None
    typical = median(recent)
    free = [_remaining(spent, recent, typical) for spent in running] + [0.0] * max(0, seats - len(running))
    heapq.heapify(free)
    for _ in range(ahead):
        heapq.heapreplace(free, free[0] + typical)
    return free[0]


def _remaining(spent: float, recent: Sequence[float], typical: float) -> float:
    longer = [seconds for seconds in recent if seconds > spent]
    # One that outlasts all others may end at any time.
    return median(longer) - spent if longer else typical / 2


def refusal(visitor: str, held: Mapping[str, int], limits: Limits, retry: float) -> BusyError | None:
    """Return why a further request can't be taken, or None where it can.

    Args:
        visitor: Who asks.
        held: How many requests of each visitor run or wait.
        limits: What the server takes.
        retry: Seconds after which to try again.
    """
    again = f"Try again in about {math.ceil(retry)} s."
    total = sum(held.values())
    if total >= limits.total:
        waiting = max(0, total - limits.seats)
        return BusyError(
            f"{waiting} {'request is' if waiting == 1 else 'requests are'} waiting already.",
            expected=f"This server takes {limits.total} at once.",
            remedy=again,
            retry_seconds=retry,
        )
    if held.get(visitor, 0) >= limits.visitor:
        verb = "is" if held[visitor] == 1 else "are"
        return BusyError(
            f"{held[visitor]} of your requests {verb} running or waiting already.",
            expected=f"This server takes {limits.visitor} of each visitor.",
            remedy=f"Stop one of them, or wait for it. {again}",
            retry_seconds=retry,
        )
    return None


def retry_seconds(ended: Sequence[float], now: float) -> float:
    """Return after how many seconds a refused visitor should come back: as long as it takes until one more ends.

    Args:
        ended: When recent requests ended, oldest first.
        now: The time on the same clock.
    """
    if not ended:
        return RETRY_UNKNOWN
    low, high = RETRY_RANGE
    return min(high, max(low, (now - ended[0]) / len(ended)))
