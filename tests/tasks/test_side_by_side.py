"""Several answers read at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.engine.fake import FakeEngine
from t5gemma_app.engine.types import Event, Finished, GenerationRequest, Loading, Piece, TextDelta
from t5gemma_app.errors import BusyError, TooBigError
from t5gemma_app.tasks.side_by_side import MAKING_ROOM, News, SideBySide

PATIENCE = 20.0
CHECKPOINT = Checkpoint("one", "local", "here")


def begins(engine: FakeEngine, prompt: str = "a b c") -> Callable[[], object]:
    return lambda: engine.generate(GenerationRequest(CHECKPOINT, (Piece(prompt),)))


def together(*begin: Callable[[], object], pause: float = 0.001) -> SideBySide:
    return SideBySide({index: (one, f"model {index}") for index, one in enumerate(begin)}, pause)  # type: ignore[misc]


def heard(answers: SideBySide) -> list[News]:
    return [news for batch in answers for news in batch]


def of(found: list[News], index: int) -> list[Event | BaseException]:
    return [news.said for news in found if news.index == index]


def text(events: list[Event | BaseException]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


class Held:
    """An answer that says one word and then waits to be released."""

    def __init__(self) -> None:
        self.released = threading.Event()
        self.cancelled = threading.Event()

    def cancel(self) -> None:
        self.cancelled.set()
        self.released.set()

    def __iter__(self) -> Iterator[Event]:
        yield TextDelta("slow")
        assert self.released.wait(PATIENCE)
        yield TextDelta(" end")


def test_every_answer_arrives_whole_and_in_order() -> None:
    engines = FakeEngine(), FakeEngine(delay=0.002)
    found = heard(together(begins(engines[0], "a b"), begins(engines[1], "c d e f")))
    for index, said in enumerate(("You said: a b", "You said: c d e f")):
        events = of(found, index)
        assert text(events) == said
        assert isinstance(events[-1], Finished) and events[-1].result.text == said


def test_a_slow_answer_holds_no_other_back() -> None:
    slow, found = Held(), list[News]()
    for batch in together(lambda: slow, begins(FakeEngine(), "quick words")):
        found += batch
        if any(isinstance(news.said, Finished) for news in found if news.index == 1):
            slow.released.set()  # only now, long after the quick one has said everything
    assert text(of(found, 1)) == "You said: quick words"
    assert text(of(found, 0)) == "slow end"
    places = [news.index for news in found]
    assert places.index(1) < len(places) - 1 - places[::-1].index(0)


def test_an_answer_that_is_slow_to_begin_holds_no_other_back() -> None:
    begun = threading.Event()

    def late() -> Held:
        assert begun.wait(PATIENCE)
        held = Held()
        held.released.set()
        return held

    found = list[News]()
    for batch in together(late, begins(FakeEngine())):
        found += batch
        if any(isinstance(news.said, Finished) for news in found):
            begun.set()
    assert text(of(found, 0)) == "slow end"


def test_a_failure_belongs_to_its_answer_alone() -> None:
    def broken() -> object:
        raise BusyError("32 requests are waiting already.")

    found = heard(together(broken, begins(FakeEngine())))
    (failure,) = of(found, 0)
    assert isinstance(failure, BusyError)
    assert text(of(found, 1)) == "You said: a b c"


def test_one_answer_can_be_stopped() -> None:
    slow, other = Held(), Held()
    answers = together(lambda: slow, lambda: other)
    found = list[News]()
    for batch in answers:
        found += batch
        if text(of(found, 0)) == "slow" and not slow.cancelled.is_set():
            answers.readings[0].cancel()
        elif text(of(found, 0)) == "slow end":
            other.released.set()
    assert text(of(found, 1)) == "slow end" and slow.cancelled.is_set()


def test_leaving_stops_all() -> None:
    slow, other = Held(), Held()
    news = iter(together(lambda: slow, lambda: other))
    next(news)
    news.close()  # type: ignore[attr-defined]
    assert slow.cancelled.wait(PATIENCE) and other.cancelled.wait(PATIENCE)


def test_what_is_stopped_before_it_begins_never_begins() -> None:
    engine = FakeEngine()
    answers = together(begins(engine), begins(engine))
    answers.cancel()
    assert heard(answers) == [] and engine.requests == []


class Shelf:
    """Room for one checkpoint at a time; whoever finds it taken is refused."""

    def __init__(self) -> None:
        self.room = threading.Lock()
        self.most = 0
        self.inside = 0

    def answer(self, word: str, size: int = 1) -> Callable[[], object]:
        def begin() -> Iterator[Event]:
            if size > 1 or not self.room.acquire(blocking=False):
                raise TooBigError(f"{word} does not fit.")
            try:
                self.inside += 1
                self.most = max(self.most, self.inside)
                time.sleep(0.05)
                self.inside -= 1
                yield TextDelta(word)
            finally:
                self.room.release()

        return lambda: Started(begin())


class Started:
    def __init__(self, events: Iterator[Event]) -> None:
        self.events = events

    def cancel(self) -> None:
        pass

    def __iter__(self) -> Iterator[Event]:
        return self.events


def test_checkpoints_that_do_not_fit_together_answer_one_after_the_other() -> None:
    shelf = Shelf()
    found = heard(together(*(shelf.answer(word) for word in ("one", "two", "three"))))
    assert [text(of(found, index)) for index in range(3)] == ["one", "two", "three"]
    waited = [news.index for news in found if isinstance(news.said, Loading) and news.said.stage == MAKING_ROOM]
    assert len(waited) == 2 and shelf.most == 1


def test_a_checkpoint_that_is_too_big_alone_is_refused_for_good() -> None:
    shelf = Shelf()
    found = heard(together(shelf.answer("one"), shelf.answer("two", size=2), shelf.answer("three", size=2)))
    assert text(of(found, 0)) == "one"
    for index in (1, 2):
        assert isinstance(of(found, index)[-1], TooBigError)


def test_an_answer_that_waits_for_room_can_be_stopped() -> None:
    slow = Held()

    def refused() -> object:
        raise TooBigError("It does not fit.")

    answers, found = together(lambda: slow, refused), list[News]()
    for batch in answers:
        found += batch
        if of(found, 1):
            answers.readings[1].cancel()
            slow.released.set()
    assert of(found, 1) == [Loading("model 1", MAKING_ROOM, None)]
    assert text(of(found, 0)) == "slow end"
