"""Opening, naming, importing and exporting conversations; they are kept by the browser, not here."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from t5gemma_app.errors import WorkbenchError
from t5gemma_app.tasks.archive import from_json, to_json, to_markdown
from t5gemma_app.tasks.conversation import Conversation, rename, with_checkpoint
from t5gemma_app.ui.access_words import opening_checkpoint
from t5gemma_app.ui.chat_handlers import IDLE, ChatHandlers, packed, screen, unpacked
from t5gemma_app.ui.thread import failed_html

MAX_TITLE = 120


@dataclass(frozen=True, slots=True)
class ShelfHandlers:
    """The steps around a conversation as a whole."""

    chat: ChatHandlers

    def opened(self, request: gr.Request, raw: str, chosen: str | None) -> tuple[Any, ...]:
        """Show a conversation; returns the parts of `SCREEN`, then title, checkpoint and system text.

        What is still answered in the conversation that was open is given up; it must not be written into this one.
        A conversation without a checkpoint, with one that is gone, and one that can't be read, open with the checkpoint
        chosen now; a page that just loaded has chosen none.
        """
        self.chat.running.leave(str(request.session_hash))
        problem = ""
        try:
            conversation = unpacked(raw)
        except WorkbenchError as error:
            conversation, problem = unpacked(""), failed_html(error)
        if self.chat.found(conversation.checkpoint) is None:
            opening = opening_checkpoint(self.chat.services)
            conversation = with_checkpoint(conversation, chosen or (opening.name if opening else ""))
        shown = screen(
            message="",
            editing=None,
            current=packed(conversation),
            thread=self.chat.shown(conversation, conversation.checkpoint),
            live=problem,
            meter="",
            **IDLE,
        )
        title = conversation.title if conversation.messages else ""
        return (*shown, title, conversation.checkpoint or None, conversation.system)

    def renamed(self, raw: str, title: str) -> tuple[Any, Any]:
        """Return the conversation under another title, and the title as it was understood."""
        try:
            conversation = rename(unpacked(raw), title[:MAX_TITLE])
        except WorkbenchError as error:
            gr.Warning(str(error))
            return gr.skip(), gr.skip()
        return packed(conversation), conversation.title if conversation.messages else title

    def as_json(self, raw: str) -> str:
        """Return the open conversation as a file's content, or an empty text where it can't be read."""
        return self._exported(raw, lambda conversation: to_json([conversation]))

    def as_markdown(self, raw: str) -> str:
        """Return the open conversation for reading."""
        return self._exported(raw, to_markdown)

    def _exported(self, raw: str, write: Any) -> str:
        try:
            conversation = unpacked(raw)
            if not conversation.messages:
                gr.Info("There is nothing to export yet.")
                return ""
            return str(write(conversation))
        except WorkbenchError as error:
            gr.Warning(str(error))
            return ""

    def imported(self, content: bytes | None) -> str:
        """Read an exported file; returns a JSON list of conversations for the browser to keep, the first to open.

        Every conversation gets a new id, so that an import never replaces what is there.
        """
        try:
            found = [self._fresh(conversation) for conversation in from_json(content or b"")]
        except WorkbenchError as error:
            gr.Warning(str(error))
            return ""
        if not found:
            gr.Warning("The file holds no conversation.")
            return ""
        return json.dumps([packed(conversation) for conversation in found])

    def _fresh(self, conversation: Conversation) -> Conversation:
        return replace(conversation, id=secrets.token_hex(8))
