"""How a stream tells the page what changed: what changes with every word by itself, all the rest in one piece.

Gradio builds a component anew for every output of a step that stays as it is, which takes milliseconds; with an output
for each part of the screen that was most of what an answer cost. So a stream has few outputs, and the rarely changed
parts travel as JSON through a hidden one, from where the page's script hands them out.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import gradio as gr

from t5gemma_app.ui.chat_handlers import SCREEN, ChatHandlers

DIRECT = ("thread", "live", "editing")
"""Parts that a stream changes itself: the two that must change together, and the one that the server keeps."""
CARRIED = tuple(part for part in SCREEN if part not in DIRECT)
HAND_OUT = f"(news) => workbench.news(news, {json.dumps(CARRIED)})"
UNCHANGED = {"__type__": "update"}


def streamed(steps: Generator[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    """Turn steps of the whole screen into values of `DIRECT` and the news for all other parts.

    Parts that stay as they are get the value that they have, which costs Gradio nothing.

    Args:
        steps: One value for each part of `SCREEN`, as `screen` returns them.
    """
    shown: dict[str, Any] = dict.fromkeys(DIRECT, UNCHANGED)
    # Steps that come close together reach the script as one, so each of the news holds the earlier ones too, numbered,
    # and the script leaves out what it did already: a message that was sent must not be taken out of the box twice.
    stream, told, news = secrets.token_hex(8), {}, ""
    with closing(steps):  # whoever leaves the stream ends the answer
        for number, step in enumerate(steps, start=1):
            changes = {part: value for part, value in zip(SCREEN, step, strict=True) if value != UNCHANGED}
            shown |= {part: changes.pop(part) for part in DIRECT if part in changes}
            if changes:
                told |= {part: (number, value) for part, value in changes.items()}
                news = json.dumps({"stream": stream, "number": number, "changes": told})
            yield *(dict(value) if value == UNCHANGED else value for value in shown.values()), news


@dataclass(frozen=True, slots=True)
class ChatStreams:
    """The steps of a conversation that stream, as the page's events call them."""

    chat: ChatHandlers

    def send(
        self,
        request: gr.Request,
        message: str,
        editing: int | None,
        raw: str,
        checkpoint: str,
        system: str,
        *values: Any,
    ) -> Iterator[tuple[Any, ...]]:
        """Stream the answer to a message."""
        yield from streamed(self.chat.send(request, message, editing, raw, checkpoint, system, *values))

    def regenerate(
        self, request: gr.Request, raw: str, checkpoint: str, system: str, *values: Any
    ) -> Iterator[tuple[Any, ...]]:
        """Stream another answer to the last message."""
        yield from streamed(self.chat.regenerate(request, raw, checkpoint, system, *values))


def news_box() -> gr.Textbox:
    """Place what carries the news."""
    return gr.Textbox("", visible="hidden", elem_id="news")
