"""What happens on the Compare tab: one prompt to several sides, a vote on their answers, and votes counted.

Answers and votes come from the browser as JSON and go back as JSON; nothing of them stays on the server. All columns
come out of one event: one place in Gradio's queue, one Stop, one moment at which everything is over and differences and
votes can be shown. The answers are still read by threads of their own (`side_by_side`), so none holds another back.
"""

from __future__ import annotations

import logging
import random
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from copy import copy
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import gradio as gr

from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.engine.types import Answer, SamplingParameters
from t5gemma_app.errors import EngineError, InputError, WorkbenchError
from t5gemma_app.services import Services
from t5gemma_app.tasks.ballot import packed, unpacked
from t5gemma_app.tasks.comparison import FEWEST, LETTERS, MOST, Comparison, Entry, Letter, Side, voted
from t5gemma_app.tasks.conversation import clean_text
from t5gemma_app.tasks.side_by_side import SideBySide
from t5gemma_app.tasks.turns import Turn
from t5gemma_app.ui.chat_handlers import IDLE, LOG_REMEDY, check_length
from t5gemma_app.ui.compare_board import CARDS, Board, problem_words
from t5gemma_app.ui.compare_cards import asked_html, card_html, verdict_html
from t5gemma_app.ui.frames import frame_seconds
from t5gemma_app.ui.running import RunningAnswers
from t5gemma_app.ui.sampling_form import SamplingValues, seed_of
from t5gemma_app.ui.thread import failed_html
from t5gemma_app.ui.visitors import visitor_of_page

logger = logging.getLogger(__name__)

SCREEN = ("asked", *CARDS, "verdict", "current", "send", "stop")
"""The parts of the tab that a step may change, in the order of the outputs."""


class Shared(NamedTuple):
    """What is the same for all columns, in the order of the controls."""

    message: str
    columns: Any = FEWEST
    blind: bool = False
    seed: Any = ""
    length: Any = 256
    system: str = ""
    stop: str = ""


class SideValues(NamedTuple):
    """The controls of one column, in their order."""

    checkpoint: Any
    temperature: Any = 0.0
    top_k: Any = 0
    top_p: Any = 1.0
    min_p: Any = 0.0
    repetition_penalty: Any = 1.0


def screen(**changes: Any) -> tuple[Any, ...]:
    """Return one value for each part of `SCREEN`; parts that are not named stay as they are."""
    unknown = changes.keys() - set(SCREEN)
    if unknown:
        raise KeyError(f"no such part of the screen: {', '.join(sorted(unknown))}")
    return tuple(copy(changes[part]) if part in changes else gr.skip() for part in SCREEN)


def shown(comparison: Comparison) -> dict[str, Any]:
    """Return the parts of the screen that a finished comparison fills."""
    cards = dict.fromkeys(CARDS, "")
    cards |= {CARDS[index]: card_html(comparison, index) for index in range(len(comparison.entries))}
    return {"asked": asked_html(comparison), **cards, "verdict": verdict_html(comparison)}


@dataclass(frozen=True, slots=True)
class CompareHandlers:
    """The steps of a comparison."""

    services: Services
    running: RunningAnswers

    def send(self, request: gr.Request, *values: Any) -> Iterator[tuple[Any, ...]]:
        """Let every column answer the prompt; takes the controls of `Shared`, then those of `SideValues` for each."""
        shared = Shared(*values[: len(Shared._fields)])
        try:
            if not str(shared.message or "").strip():
                yield screen()
                return
            comparison, chosen = self._asked(shared, values[len(Shared._fields) :])
        except WorkbenchError as error:
            yield screen(asked=failed_html(error))
            return
        board = Board(comparison, self._memory)
        cards = dict.fromkeys(CARDS, "") | {CARDS[i]: board.card(i) for i in range(len(comparison.entries))}
        yield screen(
            asked=asked_html(comparison),
            **cards,
            verdict="",
            current="",
            send=gr.update(visible=False),
            stop=gr.update(visible=True, interactive=True, value="Stop"),
        )
        try:
            yield from self._streamed(request, board, chosen)
        except Exception:  # whatever broke, the page must come back to rest; the log has the traceback
            logger.exception("A comparison failed")
            broken = EngineError("Something broke inside the app.", remedy=LOG_REMEDY)
            yield screen(asked=failed_html(broken), **IDLE)
            return
        board.close()
        yield screen(**shown(board.comparison), current=packed(board.comparison), **IDLE)

    def _streamed(self, request: gr.Request, board: Board, chosen: dict[int, Checkpoint]) -> Iterator[tuple[Any, ...]]:
        session = str(request.session_hash)
        self._stop_all(session)  # a page that asks again gives up its earlier answers
        begins = {index: (self._begin(request, board, index, one), one.name) for index, one in chosen.items()}
        answers = SideBySide(begins, frame_seconds(self.services.engine.status().active))
        with ExitStack() as held:
            for reading in answers.readings:
                held.enter_context(self.running.held(_key(session, reading.index), reading))
            for batch in answers:
                yield screen(**board.take(batch))

    def _begin(self, request: gr.Request, board: Board, index: int, checkpoint: Checkpoint) -> Callable[[], Answer]:
        comparison = board.comparison
        parameters, visitor = comparison.entries[index].side.parameters, visitor_of_page(request)

        def begin() -> Answer:
            turns = (Turn("user", comparison.prompt),)
            begun = self.services.chat.start(checkpoint, turns, comparison.system, parameters, visitor=visitor)
            board.notices[index] = begun.fitted.notice
            return begun.answer

        return begin

    def _asked(self, shared: Shared, values: tuple[Any, ...]) -> tuple[Comparison, dict[int, Checkpoint]]:
        """Return the comparison that is to be answered, and who answers at which place."""
        check_length(str(shared.message), self.services.settings.max_text)
        count = shared.columns if isinstance(shared.columns, int) else 0
        if not FEWEST <= count <= MOST:
            raise InputError(f"There are {shared.columns!r} columns.", expected=f"It takes {FEWEST} to {MOST}.")
        seed = seed_of(shared.seed, drawn=True)
        common = SamplingValues(max_new_tokens=shared.length, seed=seed, stop=shared.stop).parameters()
        common = common.limited(self.services.settings.max_new_tokens)
        size = len(SideValues._fields)
        sides = [
            self._side(letter, SideValues(*values[index * size : (index + 1) * size]), common)
            for index, letter in enumerate(LETTERS[:count])
        ]
        if shared.blind:
            random.SystemRandom().shuffle(sides)
        prompt, system = clean_text(str(shared.message)), clean_text(str(shared.system or ""))
        entries = tuple(entry for entry, _ in sides)
        asked = round(time.time(), 3)
        comparison = Comparison(secrets.token_hex(8), prompt, system, bool(shared.blind), asked, entries)
        return comparison, {index: one for index, (_, one) in enumerate(sides) if one is not None}

    def _side(self, letter: Letter, values: SideValues, common: SamplingParameters) -> tuple[Entry, Checkpoint | None]:
        """Return a side and who answers, or one that says why nobody does."""
        name = clean_text(str(values.checkpoint or "")[:200])
        try:
            if not name:
                raise InputError("No checkpoint is chosen.", remedy="Choose one above.")
            own = SamplingValues(values.temperature, common.max_new_tokens, common.seed, *values[2:]).parameters()
            return Entry(Side(letter, name, replace(own, stop=common.stop))), self.services.catalogue.find(name)
        except WorkbenchError as error:
            return Entry(Side(letter, name, common), problem=problem_words(error)), None

    def _memory(self, name: str) -> int:
        return next((one.bytes for one in self.services.engine.status().loaded if one.name == name), 0)

    def stop(self, request: gr.Request) -> Any:
        """Cancel all answers of the page; the stream itself then puts the page in order."""
        self._stop_all(str(request.session_hash))
        return gr.update(interactive=False, value="Stopping …")

    def stop_one(self, request: gr.Request, event: gr.EventData) -> None:
        """Cancel one answer of the page."""
        index = _sent(event).get("index")
        if isinstance(index, int) and 0 <= index < MOST:
            self.running.stop(_key(str(request.session_hash), index))

    def left(self, request: gr.Request) -> None:
        """Cancel what a closed page was waiting for."""
        self._stop_all(str(request.session_hash))

    def _stop_all(self, session: str) -> None:
        for index in range(MOST):
            self.running.stop(_key(session, index))

    def vote(self, raw: str, event: gr.EventData) -> tuple[Any, ...]:
        """Take a vote; returns the parts of `SCREEN`, then the vote for the browser to keep."""
        try:
            comparison = voted(unpacked(raw), str(_sent(event).get("choice", "")))
        except WorkbenchError as error:
            gr.Warning(str(error))
            return (*screen(), gr.skip())
        kept = packed(comparison)
        return (*screen(**shown(comparison), current=kept), kept)

    def restored(self, raw: str) -> tuple[Any, ...]:
        """Show the answers that the page had before it was loaded again."""
        try:
            return screen(**shown(unpacked(raw)), current=raw) if raw else screen()
        except WorkbenchError:
            return screen()  # a page of an older version kept them; there is nothing to do about it


def _key(session: str, index: int) -> str:
    return f"{session}/{index}"


def _sent(event: gr.EventData) -> dict[str, Any]:
    return event._data if isinstance(event._data, dict) else {}
