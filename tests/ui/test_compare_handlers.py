"""The steps of the Compare tab, as plain functions."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from t5gemma_app.engine.fake import FakeEngine
from t5gemma_app.engine.types import GenerationRequest, SamplingParameters
from t5gemma_app.errors import BusyError, TooBigError
from t5gemma_app.tasks.ballot import packed, unpacked
from t5gemma_app.tasks.comparison import Comparison, Entry, Figures, Side
from t5gemma_app.ui.compare_cards import card_html, marked_html, start_html, tally_html, verdict_html
from t5gemma_app.ui.compare_handlers import SCREEN, CompareHandlers, Shared, SideValues, screen
from t5gemma_app.ui.compare_tab import opening_sides
from t5gemma_app.ui.compare_votes import as_csv, as_json, counted
from t5gemma_app.ui.running import RunningAnswers
from tests.ui.fakes import DEMO, OTHER, fake_services

REQUEST = gr.Request(session_hash="page")
SKIPPED = {"__type__": "update"}
PATIENCE = 20.0
GREEDY = SideValues(DEMO.name)
SAMPLED = SideValues(DEMO.name, temperature=0.7, top_k=64, top_p=0.95)
FIGURES = Figures(0.25, 40.0, 12, "cpu", "float32", "sdpa", "stop", 3_100_000)


def handlers(folder: Path, engine: FakeEngine | None = None, **wishes: Any) -> CompareHandlers:
    return CompareHandlers(fake_services(folder, engine, **wishes), RunningAnswers())


def asked(compare: CompareHandlers, message: str, *sides: SideValues, **shared: Any) -> Iterator[tuple[Any, ...]]:
    columns = [*sides, *[GREEDY] * (4 - len(sides))]
    values = Shared(message, **{"columns": len(sides)} | shared)
    return compare.send(REQUEST, *values, *(value for side in columns for value in side))


def named(step: tuple[Any, ...]) -> dict[str, Any]:
    return {part: value for part, value in zip(SCREEN, step, strict=True) if value != SKIPPED}


def played(steps: Iterator[tuple[Any, ...]]) -> dict[str, Any]:
    """Return the page after all steps: the last value of every part that was changed."""
    page: dict[str, Any] = {}
    for step in steps:
        page |= named(step)
    return page


def words(html: str) -> str:
    return re.sub(r"<[^>]+>", "", html)


def data_event(**sent: Any) -> gr.EventData:
    return gr.EventData(None, sent)


def answered(letter: str, text: str, **sampled: Any) -> Entry:
    return Entry(Side(letter, "small", SamplingParameters(**sampled)), text, FIGURES)  # type: ignore[arg-type]


class SlowEngine(FakeEngine):
    """Holds the answers of one checkpoint back until it is told to go on."""

    def __init__(self, held: str) -> None:
        super().__init__()
        self.held = held
        self.go_on = threading.Event()

    def wording(self, request: GenerationRequest) -> Any:
        if request.checkpoint.name == self.held:
            assert self.go_on.wait(PATIENCE)
        return super().wording(request)


def test_every_column_answers_with_the_same_seed(tmp_path: Path) -> None:
    engine = FakeEngine()
    page = played(asked(handlers(tmp_path, engine), "one two three four five", GREEDY, SAMPLED, seed="7"))
    comparison = unpacked(page["current"])
    assert [entry.side.label for entry in comparison.entries] == [
        "t5gemma-demo-chat · Greedy",
        "t5gemma-demo-chat · Balanced",
    ]
    assert comparison.entries[0].text == "You said: one two three four five"
    assert comparison.entries[1].text != comparison.entries[0].text
    assert {request.parameters.seed for request in engine.requests} == {7}
    assert len({request.visitor for request in engine.requests}) == 1 and engine.requests[0].visitor
    assert all(entry.figures and entry.figures.memory_bytes for entry in comparison.entries)
    assert page["send"]["visible"] is True and page["stop"]["visible"] is False
    assert "A better" in page["verdict"] and "Both bad" in page["verdict"]
    assert "<mark" in page["card_B"] and "<mark" not in page["card_A"]
    assert page["card_C"] == page["card_D"] == ""


def test_an_empty_seed_is_drawn_once_for_all(tmp_path: Path) -> None:
    engine = FakeEngine()
    played(asked(handlers(tmp_path, engine), "hi", SAMPLED, SAMPLED, SAMPLED, SAMPLED))
    assert len({request.parameters.seed for request in engine.requests}) == 1


def test_a_slow_column_holds_no_other_back(tmp_path: Path) -> None:
    engine = SlowEngine(held=OTHER.name)
    page: dict[str, Any] = {}
    for step in asked(handlers(tmp_path, engine), "quick", SideValues(OTHER.name), GREEDY, SAMPLED):
        page |= named(step)
        if not engine.go_on.is_set() and all("First token" in page[card] for card in ("card_B", "card_C")):
            assert "You said: quick" in words(page["card_B"])
            assert "wb-figures-line" not in page["card_A"]
            engine.go_on.set()  # only now that the others are shown as finished
    assert engine.go_on.is_set()
    assert "wb-figures-line" in page["card_A"]
    assert all(entry.answered for entry in unpacked(page["current"]).entries)


def test_columns_grow_while_they_are_written(tmp_path: Path) -> None:
    seen: dict[str, list[int]] = {"card_A": [], "card_B": []}
    for step in asked(handlers(tmp_path, FakeEngine(delay=0.01)), " ".join(["word"] * 30), GREEDY, SAMPLED):
        for card, lengths in seen.items():
            lengths.append(named(step).get(card, "").count("word"))
    for lengths in seen.values():
        assert len({length for length in lengths if 0 < length < 30}) > 2


class PickyEngine(FakeEngine):
    def generate(self, request: GenerationRequest) -> Any:
        if request.parameters.greedy:
            raise BusyError("32 requests are waiting.", remedy="Try again in a moment.")
        return super().generate(request)


def test_a_failure_stays_in_its_column(tmp_path: Path) -> None:
    wrong = SideValues("../etc"), SideValues(DEMO.name, top_p="much"), SideValues(None)
    page = played(asked(handlers(tmp_path), "hello", *wrong, GREEDY, seed="9"))
    for card, said in (("card_A", "There is no checkpoint"), ("card_B", "top_p is"), ("card_C", "No checkpoint")):
        assert said in page[card] and "wb-problem" in page[card]
    assert "You said: hello" in page["card_D"]
    assert page["verdict"] == ""
    assert {entry.side.parameters.seed for entry in unpacked(page["current"]).entries} == {9}
    page = played(asked(handlers(tmp_path, PickyEngine()), "hello", GREEDY, SAMPLED, SAMPLED))
    assert "32 requests are waiting." in page["card_A"] and "Try again in a moment." in page["card_A"]
    assert "B better" in page["verdict"] and "C better" in page["verdict"] and "A better" not in page["verdict"]


def test_a_fault_of_our_own_leaves_the_page_at_rest(tmp_path: Path) -> None:
    def broken(prompt: str, parameters: SamplingParameters) -> str:
        if parameters.greedy:
            raise RuntimeError("secret detail")
        return "fine"

    page = played(asked(handlers(tmp_path, FakeEngine(broken)), "hello", GREEDY, SAMPLED))
    assert "Something broke" in page["card_A"] and "secret" not in str(page)
    assert "fine" in words(page["card_B"])
    assert page["send"]["visible"] is True and page["stop"]["visible"] is False


class TightEngine(FakeEngine):
    """Has room for the answers of one checkpoint at a time."""

    def load(self, checkpoint: Any) -> Any:
        others = {request.checkpoint.name for request in self.requests} - {checkpoint.name}
        if others and checkpoint.name == OTHER.name and self.status().active > 1:
            raise TooBigError(f"{checkpoint.name} does not fit.")
        return super().load(checkpoint)


def test_a_checkpoint_without_room_beside_the_others_answers_after_them(tmp_path: Path) -> None:
    engine = TightEngine(delay=0.02)
    page = played(asked(handlers(tmp_path, engine), "a b c d e f", GREEDY, SideValues(OTHER.name)))
    assert [entry.answered for entry in unpacked(page["current"]).entries] == [True, True]


@pytest.mark.parametrize(
    ("shared", "said"),
    [
        ({"message": "x" * 101}, "101 characters"),
        ({"seed": "0x7"}, "seed is"),
        ({"length": 0}, "max_new_tokens is 0"),
        ({"columns": 5}, "There are 5 columns"),
        ({"columns": "many"}, "columns"),
    ],
)
def test_what_is_wrong_for_all_is_said_once(tmp_path: Path, shared: dict[str, Any], said: str) -> None:
    values = {"message": "hi"} | shared
    page = played(asked(handlers(tmp_path, max_text=100), values.pop("message"), GREEDY, SAMPLED, **values))
    assert said in page["asked"] and set(page) == {"asked"}


def test_nothing_is_asked_without_words(tmp_path: Path) -> None:
    assert played(asked(handlers(tmp_path), "  \n", GREEDY, SAMPLED)) == {}


def test_stop_ends_all_and_keeps_what_there_is(tmp_path: Path) -> None:
    engine = FakeEngine(delay=0.01)
    compare = handlers(tmp_path, engine)
    page: dict[str, Any] = {}
    for step in asked(compare, " ".join(["word"] * 300), GREEDY, SAMPLED):
        page |= named(step)
        if all(page[card].count("word") > 1 for card in ("card_A", "card_B")):
            compare.stop(REQUEST)
    for entry in unpacked(page["current"]).entries:
        assert entry.figures and entry.figures.finish_reason == "cancelled" and 0 < entry.text.count("word") < 300
    assert "stopped" in page["card_A"] and engine.status().active == 0


def test_one_column_is_stopped_and_the_other_goes_on(tmp_path: Path) -> None:
    compare = handlers(tmp_path, FakeEngine(delay=0.01))
    page: dict[str, Any] = {}
    for step in asked(compare, " ".join(["word"] * 60), GREEDY, SAMPLED):
        page |= named(step)
        if page["card_A"].count("word") > 1:
            compare.stop_one(REQUEST, data_event(index=0))
            compare.stop_one(REQUEST, data_event(index="1"))
            compare.stop_one(gr.Request(session_hash="another page"), data_event(index=1))
    first, second = unpacked(page["current"]).entries
    assert first.figures and first.figures.finish_reason == "cancelled"
    assert second.figures and second.figures.finish_reason == "stop" and second.text.count("word") == 60


def test_leaving_in_the_middle_cancels_the_computation(tmp_path: Path) -> None:
    engine = FakeEngine(delay=0.01)
    compare = handlers(tmp_path, engine)
    steps = asked(compare, " ".join(["word"] * 500), GREEDY, SAMPLED)
    for _ in range(4):
        next(steps)
    assert engine.status().active == 2
    steps.close()  # type: ignore[attr-defined]
    for _ in range(200):
        if not engine.status().active:
            break
        threading.Event().wait(0.05)
    assert engine.status().active == 0


def test_a_blind_comparison_names_nobody_before_the_vote(tmp_path: Path) -> None:
    compare = handlers(tmp_path)
    seen = []
    for step in asked(compare, "hi there you", GREEDY, SideValues(OTHER.name), SAMPLED, blind=True):
        seen.append(named(step))
    for page in seen:
        for part in ("asked", "card_A", "card_B", "card_C", "verdict"):
            html = page.get(part, "")
            assert not any(name in html for name in (DEMO.name, OTHER.name, "Greedy", "Balanced", "float32"))
    raw = seen[-1]["current"]
    assert "1 best" in seen[-1]["verdict"] and "All bad" in seen[-1]["verdict"]
    after = dict(zip([*SCREEN, "kept"], compare.vote(raw, data_event(choice="B")), strict=True))
    assert OTHER.name in after["card_B"] and "Balanced" in after["card_C"] and "float32" in after["card_A"]
    assert unpacked(after["kept"]).choice == "B"


def test_a_vote_is_kept_and_may_change(tmp_path: Path) -> None:
    compare = handlers(tmp_path)
    raw = played(asked(compare, "hi", GREEDY, SAMPLED))["current"]
    first = compare.vote(raw, data_event(choice="tie"))[-1]
    second = compare.vote(first, data_event(choice="A"))[-1]
    assert (unpacked(first).choice, unpacked(second).choice) == ("tie", "A")
    assert unpacked(first).id == unpacked(second).id
    for damaged, sent in ((raw, {"choice": "D"}), (raw, {}), ("{", {"choice": "A"}), ("", {"choice": "A"})):
        assert all(value == SKIPPED for value in compare.vote(damaged, data_event(**sent)))


def test_answers_come_back_after_a_reload(tmp_path: Path) -> None:
    compare = handlers(tmp_path)
    page = played(asked(compare, "hi", GREEDY, SAMPLED))
    again = named(compare.restored(page["current"]))
    assert again.keys() == set(SCREEN) - {"send", "stop"}
    assert all(again[part] == page[part] for part in again)
    assert named(compare.restored("")) == named(compare.restored("{")) == {}


def test_votes_are_counted_and_written(tmp_path: Path) -> None:
    one = Comparison("one", "hi", entries=(answered("A", "x"), answered("B", "y", temperature=0.5)), choice="B")
    raw = f"[{packed(one)}]"
    html = counted(raw)
    assert "1 vote in this browser" in html and "small · temperature 0.5" in html and "1 of 1 won" in html
    assert "oldest votes" in counted(raw, "full") and "does not let" in counted("[]", "refused")
    assert "1 vote can&#x27;t be read" in counted(raw[:-1] + ",{}]")
    assert "wb-problem" in counted("{")
    assert counted("[]") == counted("") == ""
    for file, name in ((as_csv(raw), "votes.csv"), (as_json(raw), "votes.json")):
        assert json.loads(file)["name"] == name and "small" in json.loads(file)["content"]
    assert as_csv("{") == ""


def test_nothing_that_was_written_becomes_markup() -> None:
    hostile = '<img src=x onerror="hit()"> "quoted" & [link](javascript:hit())'
    entries = (answered("A", "plain words"), answered("B", hostile), Entry(Side("C", hostile), problem=hostile))
    comparison = Comparison("one", hostile, entries=entries, choice="A")
    html = "".join(card_html(comparison, index) for index in range(3)) + verdict_html(comparison)
    html += tally_html([comparison]) + marked_html(comparison.difference(1), "A")  # type: ignore[arg-type]
    html += tally_html(
        [Comparison("two", "", entries=(answered("A", ""), Entry(Side("B", hostile), "", FIGURES)), choice="B")]
    )
    assert "<img" not in html and 'onerror="' not in html


def test_missing_words_are_told_to_whoever_sees_no_marks() -> None:
    comparison = Comparison("one", "hi", entries=(answered("A", "one two three"), answered("B", "one three four")))
    html = card_html(comparison, 1)
    assert 'aria-label="Missing here, A says: two"' in html
    assert '<mark title="Not in A">four</mark>' in html
    assert "2 of 3 words as in A, 1 of A is missing." in html
    assert words(re.search(r'<div class="wb-text".*?</div>', html).group()) == "one three four"  # type: ignore[union-attr]


def test_the_empty_state_suggests_what_can_be_done() -> None:
    assert "compare its settings" in start_html(DEMO, 1)
    assert "3 checkpoints are ready" in start_html(DEMO, 3)
    assert start_html(DEMO, 1).count("wb-example") == 5
    assert "No checkpoint yet" in start_html(None, 0)


def test_columns_begin_with_what_is_ready(tmp_path: Path) -> None:
    services = fake_services(tmp_path)
    assert opening_sides(services) == [
        (DEMO.name, "Greedy"),
        (OTHER.name, "Greedy"),
        (DEMO.name, "Balanced"),
        (DEMO.name, "Creative"),
    ]


def test_a_part_that_does_not_exist_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        screen(chatbot="")
