"""Visitors who stop, leave or never come back take nothing with them: no seat, no place in the queue, no thread."""

from __future__ import annotations

import gc
import random
import threading
import time
from collections.abc import Iterator

import pytest

from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.engine.local import LocalAnswer, LocalEngine
from t5gemma_app.engine.types import (
    Finished,
    GenerationRequest,
    Piece,
    SamplingParameters,
    ScoringRequest,
    Started,
    TextDelta,
    Waiting,
)
from t5gemma_app.errors import BusyError
from t5gemma_app.settings import Settings

LONG = SamplingParameters(temperature=1.0, max_new_tokens=400)
SHORT = SamplingParameters(max_new_tokens=3)
WAYS = ("unread", "forgotten", "stop", "leave", "stay")
READERS = 6


@pytest.fixture(scope="module")
def crowded(tiny: Checkpoint) -> Iterator[LocalEngine]:
    engine = LocalEngine(Settings(offline=True, max_answers=2, max_waiting=8, max_per_visitor=6))
    list(engine.load(tiny))
    yield engine
    engine.close()


def soon(happened: object, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not happened():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.01)


def ask(engine: LocalEngine, checkpoint: Checkpoint, parameters: SamplingParameters, visitor: str) -> LocalAnswer:
    pieces = (Piece("<bos>", control=True), Piece("hello there"))
    return engine.generate(GenerationRequest(checkpoint, pieces, parameters, visitor))


def visit(engine: LocalEngine, checkpoint: Checkpoint, chance: random.Random, ends: list[str]) -> None:
    """Ask once and go in some way at some moment."""
    way, visitor, moment = chance.choice(WAYS), chance.choice("abc"), chance.randrange(1, 6)
    try:
        answer = ask(engine, checkpoint, SHORT if way == "stay" else LONG, visitor)
    except BusyError:
        ends.append("busy")
        return
    ends.append(way)
    if way == "unread":
        answer.cancel()
    elif way in ("stop", "leave", "stay"):
        reading = iter(answer)
        for number, event in enumerate(reading):
            if number < moment or way == "stay":
                continue
            if way == "leave":
                reading.close()  # type: ignore[attr-defined]
                return
            answer.cancel()
            assert not isinstance(event, Finished) or event.result.finish_reason in ("cancelled", "stop")


def leave_many_times(engine: LocalEngine, checkpoint: Checkpoint, times: int) -> None:
    before = threading.active_count()
    ends: list[str] = []
    failures: list[BaseException] = []

    def keep_visiting(seed: int) -> None:
        chance = random.Random(seed)
        try:
            for _ in range(times // READERS):
                visit(engine, checkpoint, chance, ends)
        except BaseException as error:
            failures.append(error)

    readers = [threading.Thread(target=keep_visiting, args=(seed,)) for seed in range(READERS)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join(600)
    gc.collect()
    assert not failures
    assert set(WAYS) <= set(ends)
    soon(lambda: (engine.status().active, engine.status().waiting) == (0, 0))
    assert engine._admission.held == 0
    assert not any(loaded.busy for loaded in engine.status().loaded)
    ((loaded, _),) = engine.runtime()._pool.held()
    assert not loaded.decoding_lane._decoder._seats and loaded.decoding_lane._decoder.bytes == 0
    assert threading.active_count() == before
    # And whoever comes next is served at once.
    kinds = [type(event) for event in ask(engine, checkpoint, SHORT, "a")]
    assert kinds[0] is Started and kinds[-1] is Finished


def test_whoever_leaves_takes_nothing_along(crowded: LocalEngine, tiny: Checkpoint) -> None:
    leave_many_times(crowded, tiny, 90)


@pytest.mark.slow
def test_a_thousand_who_leave_take_nothing_along(crowded: LocalEngine, tiny: Checkpoint) -> None:
    leave_many_times(crowded, tiny, 1000)


def test_one_visitor_is_limited_and_others_are_not(crowded: LocalEngine, tiny: Checkpoint) -> None:
    answers = [ask(crowded, tiny, LONG, "a") for _ in range(6)]
    with pytest.raises(BusyError, match="6 of your requests"):
        ask(crowded, tiny, LONG, "a")
    answers += [ask(crowded, tiny, LONG, "b") for _ in range(4)]
    with pytest.raises(BusyError, match="8 requests are waiting"):
        ask(crowded, tiny, LONG, "c")
    for answer in answers:
        answer.cancel()
    assert crowded._admission.held == 0


def test_what_somebody_waits_for_counts_as_a_request_of_theirs(crowded: LocalEngine, tiny: Checkpoint) -> None:
    answers = [ask(crowded, tiny, LONG, "a") for _ in range(6)]
    works = (
        lambda **wishes: crowded.score(tiny, [ScoringRequest("x", ("y",))], **wishes),
        lambda **wishes: crowded.embed(tiny, ["x"], **wishes),
    )
    for work in works:
        with pytest.raises(BusyError, match="6 of your requests"):
            work(urgent=True, visitor="a")
        assert work(urgent=True, visitor="b") == work()
    with pytest.raises(BusyError, match="6 of your requests"):
        crowded.look(tiny, (Piece("x"),), (150,), visitor="a")
    for answer in answers:
        answer.cancel()
    assert crowded._admission.held == 0


def test_a_newcomer_is_served_before_anothers_further_requests(crowded: LocalEngine, tiny: Checkpoint) -> None:
    answers = [ask(crowded, tiny, LONG, "a") for _ in range(5)]
    begun: list[str] = []
    places: list[int] = []

    def read(answer: LocalAnswer, name: str) -> None:
        for event in answer:
            if isinstance(event, Started):
                begun.append(name)
            elif isinstance(event, Waiting) and name == "b":
                places.append(event.ahead)

    readers = [threading.Thread(target=read, args=(answer, f"a{n}")) for n, answer in enumerate(answers)]
    for reader in readers:
        reader.start()
    soon(lambda: crowded.status().waiting == 3)
    newcomer = threading.Thread(target=read, args=(ask(crowded, tiny, SHORT, "b"), "b"))
    newcomer.start()
    soon(lambda: bool(places))
    for answer in answers:
        if begun.count("b") == 0:
            answer.cancel()
            newcomer.join(1)
    newcomer.join(60)
    for answer in answers:
        answer.cancel()
    for reader in readers:
        reader.join(60)
    assert places[0] == 1 and begun.index("b") == 2


def test_whoever_stops_while_waiting_hears_it_at_once(crowded: LocalEngine, tiny: Checkpoint) -> None:
    running = [iter(ask(crowded, tiny, LONG, visitor)) for visitor in "ab"]
    for events in running:
        while not isinstance(next(events), TextDelta):
            pass
    answer = ask(crowded, tiny, LONG, "c")
    events = iter(answer)
    while not isinstance(next(events), Waiting):
        pass
    answer.cancel()
    last = list(events)[-1]
    assert isinstance(last, Finished) and last.result.finish_reason == "cancelled" and not last.result.token_ids
    assert crowded.status().active == 2
    for reading in running:
        reading.close()  # type: ignore[attr-defined]
