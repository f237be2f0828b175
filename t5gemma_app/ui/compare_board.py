"""A comparison while its answers come in: events in, cards out."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from t5gemma_app.engine.types import Event, Finished, GenerationResult, Loading, TextDelta, Waiting
from t5gemma_app.errors import EngineError, WorkbenchError
from t5gemma_app.tasks.comparison import LETTERS, Comparison, figures_of, with_entry
from t5gemma_app.tasks.side_by_side import News
from t5gemma_app.ui.chat_handlers import LOG_REMEDY
from t5gemma_app.ui.compare_cards import card_html
from t5gemma_app.ui.thread import live_html, loading_html, thinking_html, waiting_html

logger = logging.getLogger(__name__)

CARDS = tuple(f"card_{letter}" for letter in LETTERS)
NOT_BEGUN = "It was stopped before its first word."


@dataclass(slots=True)
class Board:
    """A comparison while its answers come in."""

    comparison: Comparison
    memory: Callable[[str], int]
    """Returns the bytes that a checkpoint's weights take."""
    texts: dict[int, str] = field(default_factory=dict)
    states: dict[int, str] = field(default_factory=dict)
    """What is shown of answers on their way, as HTML."""
    notices: dict[int, str] = field(default_factory=dict)

    def take(self, batch: list[News]) -> dict[str, str]:
        """Take news in; return the cards that look different now."""
        ended = False
        for news in batch:
            index, said = news.index, news.said
            if isinstance(said, BaseException):
                self._end(index, problem=problem_words(said))
                ended = True
            elif isinstance(said, Finished):
                self._finish(index, said.result)
                ended = True
            else:
                self._hear(index, said)
        # The end of one answer can mark the differences in all others.
        changed = range(len(self.comparison.entries)) if ended else {news.index for news in batch}
        return {CARDS[index]: self.card(index) for index in changed}

    def close(self) -> None:
        """End what is still open: it was stopped before it said anything."""
        for index, entry in enumerate(self.comparison.entries):
            if not entry.ended:
                self._end(index, problem=NOT_BEGUN)

    def card(self, index: int) -> str:
        """Return a card as it is now."""
        return card_html(self.comparison, index, self.states.get(index) or thinking_html())

    def _hear(self, index: int, event: Event) -> None:
        if isinstance(event, TextDelta):
            self.texts[index] = self.texts.get(index, "") + event.text
            self.states[index] = live_html(self.texts[index])
        elif isinstance(event, Loading):
            known = replace(event, checkpoint="the checkpoint") if self.comparison.hidden else event
            self.states[index] = loading_html(known)
        elif isinstance(event, Waiting):
            self.states[index] = waiting_html(event)

    def _finish(self, index: int, result: GenerationResult) -> None:
        if result.finish_reason == "cancelled" and not result.text.strip():
            self._end(index, problem=NOT_BEGUN)
            return
        name = self.comparison.entries[index].side.checkpoint
        self._end(index, text=result.text, figures=figures_of(result, self.memory(name)))

    def _end(self, index: int, **known: Any) -> None:
        entry = replace(self.comparison.entries[index], notice=self.notices.get(index, ""), **known)
        self.comparison = with_entry(self.comparison, index, entry)


def problem_words(error: BaseException) -> str:
    """Return what happened on one line and what to do on the next."""
    if not isinstance(error, WorkbenchError):
        logger.error("An answer failed", exc_info=error)
        error = EngineError("Something broke inside the app.", remedy=LOG_REMEDY)
    rest = " ".join(part for part in (error.expected, error.remedy) if part)
    return f"{' '.join(error.what.split())}\n{rest}".rstrip()
