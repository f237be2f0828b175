"""The Tag tab: a text, what tags it, and the spans that were found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from t5gemma_app.services import Services
from t5gemma_app.tasks.schemes import SCHEMES
from t5gemma_app.tasks.spans import AGGREGATIONS
from t5gemma_app.ui.chat_tab import CHEAP, STREAM
from t5gemma_app.ui.running import answer_group
from t5gemma_app.ui.tag_handlers import EVERY, EXPORTS, FIRST, TagHandlers, start_html

SCRIPT = """
element.addEventListener('click', (event) => tagging.clicked(element, event.target));
watch('value', () => tagging.redrawn(element));
"""
ABOUT_AGGREGATION = "What decides a word of several pieces. With none, every piece stands for itself."
ABOUT_SCHEME = "How labels mark spans; auto reads it from their names."


@dataclass(frozen=True, slots=True)
class Controls:
    """What is tagged, and how."""

    text: gr.Textbox
    checkpoint: gr.Dropdown
    access: gr.HTML
    asking: gr.Column
    reading: gr.Column
    inputs: tuple[Any, ...]
    """In the order of `TagHandlers.tag`."""
    start: gr.Button
    stop: gr.Button


def build_tag_tab(services: Services, tab: gr.Tab) -> None:
    """Place the tab and wire it."""
    handlers = TagHandlers(services)
    controls = _controls(handlers)
    with gr.Row(elem_id="tag-line", equal_height=False):
        threshold = gr.Slider(
            0, 1, 0, step=0.01, label="Least probability of a span", buttons=[], min_width=200, elem_id="tag-threshold"
        )
        with gr.Row(elem_classes="wb-tools", elem_id="tag-tools"):
            exports = {
                kind: gr.Button(title, size="sm", elem_classes="wb-quiet-button", elem_id=f"tag-export-{kind}")
                for kind, (title, _) in EXPORTS.items()
            }
    notice = gr.HTML("", apply_default_css=False, elem_id="tag-notice")
    result = gr.HTML(start_html(handlers.opening()), js_on_load=SCRIPT, apply_default_css=False, elem_id="tag-result")
    kept = gr.Textbox("", visible="hidden", elem_id="tag-kept")
    _wire(handlers, tab, controls, result, kept)
    threshold.input(None, threshold, None, js="(value) => tagging.threshold(value)")
    saved = gr.Textbox("", visible="hidden", elem_id="tag-saved")
    for kind, button in exports.items():

        def export(carried: str, least: float, kind: str = kind) -> tuple[str, str]:
            return handlers.export(carried, least, kind)

        button.click(export, [kept, threshold], [saved, notice], **CHEAP).then(
            None, saved, None, js="(saved) => board.save(saved)"
        )


def _controls(handlers: TagHandlers) -> Controls:
    opening = handlers.opening()
    asks = opening is not None and opening.head == "none"
    with gr.Row(elem_id="tag-head", equal_height=False):
        with gr.Column(scale=3, min_width=280, elem_id="tag-input"):
            text = gr.Textbox(
                label="Text",
                placeholder="Write or paste a text",
                lines=4,
                max_lines=12,
                elem_id="tag-text",
            )
        with gr.Column(scale=2, min_width=260, elem_id="tag-how"):
            checkpoint = gr.Dropdown(
                handlers.choices(),
                value=opening.name if opening else None,
                label="Checkpoint",
                elem_id="tag-checkpoint",
            )
            access = gr.HTML("", apply_default_css=False, elem_id="tag-access")
            with gr.Column(visible=asks, elem_id="tag-asking") as asking:
                labels = gr.Textbox(
                    "person, place",
                    label="Labels to look for",
                    info="Parted by commas.",
                    max_lines=3,
                    elem_id="tag-labels",
                )
                places = gr.Radio(
                    [EVERY, FIRST], value=EVERY, label="Mark", elem_id="tag-places", elem_classes="wb-segments wb-two"
                )
            with gr.Column(visible=not asks, elem_id="tag-reading") as reading:
                readers = _reading_controls()
            with gr.Row(elem_id="tag-buttons"):
                start = gr.Button("Tag", variant="primary", min_width=96, elem_id="tag-start")
                stop = gr.Button("Stop", variant="stop", visible=False, min_width=96, elem_id="tag-stop")
    inputs = (text, checkpoint, labels, places, *readers)
    return Controls(text, checkpoint, access, asking, reading, inputs, start, stop)


def _reading_controls() -> tuple[Any, ...]:
    """Place what concerns token heads alone, folded away."""
    with gr.Accordion("More", open=False, elem_id="tag-more"):
        aggregation = gr.Dropdown(
            list(AGGREGATIONS), value="first", label="Aggregation", info=ABOUT_AGGREGATION, elem_id="tag-aggregation"
        )
        scheme = gr.Dropdown(["auto", *SCHEMES], value="auto", label="Scheme", info=ABOUT_SCHEME, elem_id="tag-scheme")
        random_head = gr.Checkbox(False, label="Use a head without trained weights", elem_id="tag-random")
    return aggregation, scheme, random_head


def _wire(handlers: TagHandlers, tab: gr.Tab, controls: Controls, result: gr.HTML, kept: gr.Textbox) -> None:
    suited = [controls.access, controls.asking, controls.reading, result]
    shown = [result, kept, controls.start, controls.stop]
    stream = STREAM | answer_group(handlers.services.settings)
    tagging = gr.on([controls.start.click, controls.text.submit], handlers.tag, list(controls.inputs), shown, **stream)
    controls.stop.click(handlers.stopped, None, shown, cancels=[tagging], **CHEAP)
    tab.select(handlers.refreshed, controls.checkpoint, controls.checkpoint, **CHEAP)
    controls.checkpoint.input(handlers.picked, controls.checkpoint, suited, **CHEAP).then(
        lambda: "", None, kept, **CHEAP
    )
