"""What is said about a prompt before and beside the answer: access, fill of the encoder, and the exact text sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from t5gemma_app.errors import WorkbenchError
from t5gemma_app.services import Services
from t5gemma_app.tasks.chat import what_was_sent
from t5gemma_app.tasks.conversation import before_answer, with_checkpoint, with_system, with_user
from t5gemma_app.ui.access_words import access_html, checkpoint_choices, opening_checkpoint
from t5gemma_app.ui.chat_handlers import ChatHandlers, meter_html, packed, unpacked
from t5gemma_app.ui.markup import text
from t5gemma_app.ui.picker import refreshed

METER_CHARACTERS = 20_000
"""Longer drafts are counted when they are sent, not at every pause in typing."""


@dataclass(frozen=True, slots=True)
class PromptHandlers:
    """The words around a prompt."""

    services: Services
    chat: ChatHandlers

    def choices(self, chosen: str) -> Any:
        """Return the picker with the access states of now."""
        return refreshed(checkpoint_choices(self.services), chosen, opening_checkpoint(self.services))

    def picked(self, raw: str, name: str) -> tuple[Any, str, Any]:
        """Answer a choice of checkpoint; returns (current, access note, thread)."""
        checkpoint = self.chat.found(name)
        if checkpoint is None:
            return gr.skip(), "", gr.skip()
        note = access_html(self.services.access.of(checkpoint))
        try:
            conversation = with_checkpoint(unpacked(raw), name)
        except WorkbenchError:
            return gr.skip(), note, gr.skip()
        empty = gr.skip() if conversation.messages else self.chat.shown(conversation, name)
        return packed(conversation), note, empty

    def meter(self, message: str, editing: int | None, raw: str, name: str, system: str) -> str:
        """Return how much of the encoder a draft would fill; empty where it can't be told cheaply."""
        checkpoint = self.chat.found(name)
        ready = self.services.engine.status().facts is not None
        if checkpoint is None or not ready or not message.strip() or len(message) > METER_CHARACTERS:
            return ""
        if self.services.access.of(checkpoint).state != "ready":
            return ""
        try:
            conversation = unpacked(raw)
            if editing is not None:
                conversation = type(conversation)(conversation.id, messages=conversation.messages[:editing])
            turns = before_answer(with_user(conversation, message))
            fitted = self.services.chat.fit(checkpoint, turns, system)
        except WorkbenchError as error:
            return meter_html("", str(error))
        return meter_html(fitted.sentence(), fitted.notice)

    def sent(self, message: str, raw: str, name: str, system: str) -> str:
        """Return the exact text that is sent for the draft, or was sent for the last answer, with its counts."""
        try:
            conversation = with_system(unpacked(raw), system)
            turns = before_answer(with_user(conversation, message) if message.strip() else conversation)
            if not turns:
                return '<p class="wb-quiet">Write a message to see what would be sent.</p>'
            fitted = self.services.chat.fit(self.services.catalogue.find(name), turns, system)
        except WorkbenchError as error:
            return f'<p class="wb-quiet">{text(error)}</p>'
        which = "This is sent for the message in the box" if message.strip() else "This was sent for the last answer"
        about = f"{which}: {fitted.sentence()}. Only the encoder reads it; the decoder starts from an empty answer."
        prompt = text(what_was_sent(fitted))
        return f'<p class="wb-quiet">{text(about)}</p><pre class="wb-sent" tabindex="0">{prompt}</pre>'
