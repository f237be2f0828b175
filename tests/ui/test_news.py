"""What a stream sends of a screen, and what the page's script makes of it."""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from t5gemma_app.ui.chat_handlers import SCREEN, screen
from t5gemma_app.ui.news import CARRIED, DIRECT, UNCHANGED, streamed

Step = dict[str, Any]
STEPS = st.lists(st.dictionaries(st.sampled_from(SCREEN), st.text(max_size=3) | st.none(), max_size=4), max_size=8)


def played(steps: list[Step]) -> Generator[tuple[Any, ...]]:
    for step in steps:
        yield screen(**step)


def heard(sent: list[tuple[Any, ...]]) -> tuple[Step, list[list[str]]]:
    """Do what the page does: take direct values as they are, and of the news what was not done yet."""
    page: Step = {}
    done, number, told = [], 0, ""
    for *direct, news in sent:
        page |= {part: value for part, value in zip(DIRECT, direct, strict=True) if value != UNCHANGED}
        if news != told:
            told = news
            parsed = json.loads(news)
            fresh = {part: value for part, (when, value) in parsed["changes"].items() if when > number}
            number = parsed["number"]
            page |= fresh
            done.append(sorted(fresh))
    return page, done


@given(STEPS, st.data())
def test_the_page_ends_as_the_steps_say_even_where_some_are_seen_as_one(steps: list[Step], data: st.DataObject) -> None:
    expected: Step = {}
    for step in steps:
        expected |= step
    sent = list(streamed(played(steps)))
    seen = [one for one in sent[:-1] if data.draw(st.booleans())] + sent[-1:]
    assert heard(seen)[0] == expected


def test_what_was_done_is_not_done_again() -> None:
    steps: list[Step] = [{"message": "", "live": "…"}, {"live": "one"}, {"live": "", "current": "{}"}]
    sent = list(streamed(played(steps)))
    assert heard(sent) == ({"message": "", "live": "", "current": "{}"}, [["message"], ["current"]])
    assert sent[1][DIRECT.index("live")] == "one" and sent[1][-1] == sent[0][-1]  # nothing new but the answer


def test_two_streams_alike_differ() -> None:
    first, second = (next(streamed(played([{"message": "again"}])))[-1] for _ in range(2))
    assert first != second


def test_leaving_the_stream_ends_the_steps() -> None:
    ended = []

    def steps() -> Generator[tuple[Any, ...]]:
        try:
            yield screen(live="one")
            yield screen(live="two")
        finally:
            ended.append(True)

    stream = streamed(steps())
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert ended and set(CARRIED).isdisjoint(DIRECT)
