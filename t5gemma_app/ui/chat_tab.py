"""The Chat tab: conversations on the left, the open one in the middle, how it is answered on the right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from t5gemma_app.services import Services
from t5gemma_app.ui.access_words import checkpoint_choices, opening_checkpoint
from t5gemma_app.ui.chat_handlers import SCREEN, ChatHandlers
from t5gemma_app.ui.picker import Picker
from t5gemma_app.ui.prompt_handlers import PromptHandlers
from t5gemma_app.ui.running import RunningAnswers, answer_group
from t5gemma_app.ui.sampling_form import SamplingControls, build_sampling_controls
from t5gemma_app.ui.shelf_handlers import ShelfHandlers
from t5gemma_app.ui.unchanged import LEAN, lean

# Cheap steps skip the queue, so that they are not refused while it is full of answers.
CHEAP: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
STREAM: dict[str, Any] = {
    "show_progress": "hidden",
    "api_visibility": "private",
    "trigger_mode": "once",
}

# Events of the thread's buttons; copying needs no server.
THREAD_SCRIPT = """
element.addEventListener('click', (event) => {
  const button = event.target.closest('[data-act]');
  if (!button || button.disabled) return;
  const sent = { index: Number(button.dataset.index), version: Number(button.dataset.version) };
  if (button.dataset.act === 'copy') workbench.copy(button);
  else if (button.dataset.act === 'example') workbench.say(button.dataset.text);
  else if (button.dataset.act === 'edit') trigger('edit', sent);
  else if (button.dataset.act === 'version') trigger('version', sent);
  else if (button.dataset.act === 'regenerate') trigger('regenerate', sent);
});
"""
KEEP_ORDER = "(raw, chosen) => [raw, chosen]"
PANEL_BUTTONS = """
<div class="wb-panels">
<button type="button" class="wb-act" data-panel="chat-left" aria-expanded="false">Conversations</button>
<button type="button" class="wb-act" data-panel="chat-right" aria-expanded="false">Settings</button>
</div>
"""


@dataclass(frozen=True, slots=True)
class Shelf:
    """The left column."""

    new: gr.Button
    listed: gr.Radio
    title: gr.Textbox
    delete: gr.Button
    as_json: gr.Button
    as_markdown: gr.Button
    upload: gr.UploadButton
    notice: gr.HTML


@dataclass(frozen=True, slots=True)
class Middle:
    """The conversation and the message box; `parts` are the outputs in the order of `SCREEN`."""

    parts: dict[str, Any]
    undo: gr.Button
    clear: gr.Button


@dataclass(frozen=True, slots=True)
class Panel:
    """The right column."""

    checkpoint: gr.Dropdown
    access: gr.HTML
    controls: SamplingControls
    sent_fold: gr.Accordion
    sent: gr.HTML


def build_chat_tab(blocks: gr.Blocks, services: Services, tab: gr.Tab) -> Picker:
    """Place the tab and wire it."""
    gr.HTML(PANEL_BUTTONS, apply_default_css=False, elem_id="panel-buttons")
    with gr.Row(elem_id="chat", equal_height=False):
        with gr.Column(scale=0, min_width=232, elem_id="chat-left"):
            shelf = _shelf()
        with gr.Column(scale=1, min_width=280, elem_id="chat-middle"):
            middle = _middle()
        with gr.Column(scale=0, min_width=296, elem_id="chat-right"):
            panel = _panel(services)
    running = RunningAnswers()
    chat = ChatHandlers(services, running)
    streams = _wire_answers(chat, middle, panel)
    _wire_shelf(blocks, ShelfHandlers(chat), shelf, middle, panel, streams)
    prompts = PromptHandlers(services, chat)
    _wire_prompt(blocks, prompts, middle, panel)
    # A checkpoint may have been trained since the page was opened.
    tab.select(prompts.choices, panel.checkpoint, panel.checkpoint, **CHEAP)
    blocks.unload(chat.left)
    return Picker("chat", panel.checkpoint, lambda: checkpoint_choices(services))


def _shelf() -> Shelf:
    with gr.Row(elem_classes="wb-tools"):
        new = gr.Button("New conversation", size="sm", elem_id="new")
        upload = gr.UploadButton(
            "Import", size="sm", type="binary", file_types=[".json"], elem_id="import", elem_classes="wb-quiet-button"
        )
    listed = gr.Radio([], label="Conversations", elem_id="conversation-list", container=False, show_label=False)
    notice = gr.HTML("", apply_default_css=False, elem_id="shelf-notice")
    with gr.Column(elem_id="conversation-tools"):
        title = gr.Textbox(label="Title of this conversation", max_lines=1, elem_id="title")
        with gr.Row(elem_classes="wb-tools"):
            as_markdown = gr.Button("Markdown", size="sm", elem_id="export-markdown", elem_classes="wb-quiet-button")
            as_json = gr.Button("JSON", size="sm", elem_id="export-json", elem_classes="wb-quiet-button")
            delete = gr.Button("Delete", size="sm", elem_id="delete", elem_classes="wb-quiet-button")
    gr.HTML(
        '<p class="wb-quiet">Conversations stay in this browser.</p>', apply_default_css=False, elem_id="shelf-hint"
    )
    return Shelf(new, listed, title, delete, as_json, as_markdown, upload, notice)


def _middle() -> Middle:
    with gr.Column(elem_id="thread-scroll"):
        thread = gr.HTML("", js_on_load=THREAD_SCRIPT, apply_default_css=False, elem_id="thread")
        live = gr.HTML("", apply_default_css=False, elem_id="live")
    with gr.Column(elem_id="composer"):
        with gr.Row(elem_id="composer-box", equal_height=False):
            message = gr.Textbox(
                show_label=False,
                label="Message",
                placeholder="Message",
                lines=1,
                max_lines=8,
                container=False,
                autofocus=True,
                scale=1,
                elem_id="message",
            )
            send = gr.Button("Send", variant="primary", scale=0, min_width=84, elem_id="send")
            stop = gr.Button("Stop", variant="stop", scale=0, min_width=84, visible=False, elem_id="stop")
        with gr.Row(elem_id="composer-line"):
            meter = gr.HTML("", apply_default_css=False, elem_id="meter")
            undo = gr.Button("Undo", size="sm", scale=0, min_width=0, elem_id="undo", elem_classes="wb-quiet-button")
            clear = gr.Button("Clear", size="sm", scale=0, min_width=0, elem_id="clear", elem_classes="wb-quiet-button")
    # Only the browser holds the open conversation; "hidden" keeps the component alive without showing it.
    current = gr.Textbox("", visible="hidden", elem_id="current")
    editing = gr.State(None)
    named = [message, editing, current, thread, live, send, stop, meter]
    return Middle(dict(zip(SCREEN, named, strict=True)), undo, clear)


def _panel(services: Services) -> Panel:
    first = opening_checkpoint(services)
    choices = checkpoint_choices(services)
    checkpoint = gr.Dropdown(
        choices, value=first.name if first else None, label="Checkpoint", filterable=True, elem_id="checkpoint"
    )
    access = gr.HTML("", apply_default_css=False, elem_id="access")
    controls = build_sampling_controls(services.settings.max_new_tokens)
    with gr.Accordion("Show what was sent", open=False, elem_id="sent-fold") as sent_fold:
        sent = gr.HTML("", apply_default_css=False, elem_id="sent")
    return Panel(checkpoint, access, controls, sent_fold, sent)


def _wire_answers(chat: ChatHandlers, middle: Middle, panel: Panel) -> list[Any]:
    """Wire what changes the open conversation; returns the events that stream, for others to end them."""
    parts = middle.parts
    outputs = [parts[name] for name in SCREEN]
    message, editing, current, thread = parts["message"], parts["editing"], parts["current"], parts["thread"]
    settings = [panel.checkpoint, panel.controls.system, *panel.controls.inputs]
    stream = STREAM | LEAN | answer_group(chat.services.settings)
    sending = gr.on(
        [message.submit, parts["send"].click],
        lean(chat.send, outputs),
        [message, editing, current, *settings],
        outputs,
        js="(...sent) => { workbench.pin(); return sent; }",
        # The browser would drop a message while the answer that was left before is not over yet; see `send`.
        **stream | {"trigger_mode": "multiple"},
    )
    streams = [sending, thread.regenerate(lean(chat.regenerate, outputs), [current, *settings], outputs, **stream)]
    parts["stop"].click(chat.stop, None, parts["stop"], **CHEAP)
    thread.version(chat.version, current, outputs, **CHEAP)
    thread.edit(chat.edit, current, outputs, **CHEAP).then(None, js="() => workbench.focus()")
    for button in (middle.undo, middle.clear):
        leave(button.click, streams)
    middle.undo.click(chat.undo, [current, panel.checkpoint], outputs, **CHEAP)
    sure = gr.Textbox("", visible="hidden", elem_id="sure")
    middle.clear.click(
        chat.clear,
        [current, panel.checkpoint, sure],
        outputs,
        js="(raw, chosen) => [raw, chosen, workbench.sure('Remove all messages of this conversation?')]",
        **CHEAP,
    )
    return streams


def leave(event: Any, streams: list[Any]) -> None:
    """Let an event take streams out of Gradio's queue; those that began are given up by the step that follows.

    Wired before that step: Gradio cancels whatever answers for the page at the time, and after it that may be what was
    asked next.
    """
    event(None, None, None, cancels=streams, **CHEAP)


def _wire_shelf(
    blocks: gr.Blocks, handlers: ShelfHandlers, shelf: Shelf, middle: Middle, panel: Panel, streams: list[Any]
) -> None:
    parts = middle.parts
    current = parts["current"]
    opened = [*(parts[name] for name in SCREEN), shelf.title, panel.checkpoint, panel.controls.system]

    def open_after(event: Any, js: str) -> None:
        event(handlers.opened, [current, panel.checkpoint], opened, js=js, **CHEAP)

    for event in (shelf.new.click, shelf.delete.click, shelf.listed.input):
        leave(event, streams)
    current.change(None, current, [shelf.listed, shelf.notice, shelf.title], js="(raw) => workbench.keep(raw)")
    blocks.load(
        handlers.opened,
        [current, panel.checkpoint],
        opened,
        js="() => [workbench.open(), null]",
        **CHEAP,
    )
    open_after(shelf.new.click, "(_, chosen) => { workbench.focus(); return ['', chosen]; }")
    open_after(shelf.delete.click, "(raw, chosen) => [workbench.remove(raw), chosen]")
    # The list is filled by the browser and never sent: the server knows none of its rows.
    picked = shelf.listed.input(None, shelf.listed, current, js="(id) => workbench.read(id)")
    open_after(picked.then, KEEP_ORDER)
    for event in (shelf.title.submit, shelf.title.blur):
        event(handlers.renamed, [current, shelf.title], [current, shelf.title], **CHEAP)
    carried = gr.Textbox("", visible="hidden", elem_id="carried")
    shelf.as_json.click(handlers.as_json, current, carried, **CHEAP).then(
        None, [current, carried], js="(raw, content) => workbench.saveJson(raw, content)"
    )
    shelf.as_markdown.click(handlers.as_markdown, current, carried, **CHEAP).then(
        None, [current, carried], js="(raw, content) => workbench.saveMarkdown(raw, content)"
    )
    imported = shelf.upload.upload(handlers.imported, shelf.upload, carried, **CHEAP)
    taken = imported.then(None, [current, carried], current, js="(raw, all) => workbench.take(raw, all)")
    open_after(taken.then, KEEP_ORDER)


def _wire_prompt(blocks: gr.Blocks, handlers: PromptHandlers, middle: Middle, panel: Panel) -> None:
    parts = middle.parts
    message, current, system = parts["message"], parts["current"], panel.controls.system
    blocks.load(handlers.choices, panel.checkpoint, panel.checkpoint, **CHEAP)
    panel.checkpoint.change(
        handlers.picked, [current, panel.checkpoint], [current, panel.access, parts["thread"]], **CHEAP
    )
    # The script presses this a moment after the last key, so that the conversation does not travel with every letter.
    count = gr.Button("Count", visible="hidden", elem_id="count")
    count.click(
        handlers.meter,
        [message, parts["editing"], current, panel.checkpoint, system],
        parts["meter"],
        trigger_mode="always_last",
        **CHEAP,
    )
    panel.sent_fold.expand(handlers.sent, [message, current, panel.checkpoint, system], panel.sent, **CHEAP)
