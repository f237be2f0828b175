"""The Tag tab: a text or a file, what tags it, and the spans that were found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from t5gemma_app.services import Services
from t5gemma_app.tasks.schemes import SCHEMES
from t5gemma_app.tasks.spans import AGGREGATIONS
from t5gemma_app.ui.chat_tab import CHEAP, STREAM
from t5gemma_app.ui.file_handlers import USUAL, FileHandlers
from t5gemma_app.ui.file_part import FileSource, build_file_part, build_file_source, build_following
from t5gemma_app.ui.picker import Picker
from t5gemma_app.ui.running import answer_group
from t5gemma_app.ui.tag_handlers import EVERY, EXPORTS, FIRST, TagHandlers, start_html

TEXT, FILE = "A text", "A file"
KEY = "t5gemma-tagged-files"
"""Where the browser keeps the ids of its files."""
SCRIPT = """
element.addEventListener('click', (event) => tagging.clicked(element, event.target));
watch('value', () => tagging.redrawn(element));
"""
ABOUT_AGGREGATION = "What decides a word of several pieces. With none, every piece stands for itself."
ABOUT_SCHEME = "How labels mark spans; auto reads it from their names."


@dataclass(frozen=True, slots=True)
class Source:
    """What is tagged."""

    mode: gr.Radio
    text: gr.Textbox
    file: FileSource


@dataclass(frozen=True, slots=True)
class How:
    """What tags it."""

    access: gr.HTML
    asking: gr.Column
    reading: gr.Column
    options: tuple[Any, ...]
    """In the order of `TagHandlers.tag`, the text left out."""
    start: gr.Button
    start_file: gr.Button
    stop: gr.Button


@dataclass(frozen=True, slots=True)
class Line:
    """What acts on spans that were found."""

    threshold: gr.Slider
    tools: gr.Row
    exports: dict[str, gr.Button]


def build_tag_tab(blocks: gr.Blocks, services: Services, tab: gr.Tab) -> Picker:
    """Place the tab and wire it."""
    handlers = TagHandlers(services)
    with gr.Row(elem_id="tag-head", equal_height=False):
        with gr.Column(scale=3, min_width=280, elem_id="tag-input"):
            source = _source()
        with gr.Column(scale=2, min_width=260, elem_id="tag-how"):
            how = _how(handlers)
    line = _line()
    notice = gr.HTML("", apply_default_css=False, elem_id="tag-notice")
    result = gr.HTML(start_html(handlers.opening()), js_on_load=SCRIPT, apply_default_css=False, elem_id="tag-result")
    kept = gr.Textbox("", visible="hidden", elem_id="tag-kept")
    _wire(handlers, tab, source, how, result, kept)
    _wire_line(handlers, line, kept, notice)
    following = build_following(KEY)
    with gr.Column(visible=False, elem_id="tag-files") as files:
        build_file_part(
            blocks,
            FileHandlers(services, handlers.file_order, pairs=False, usual=(*USUAL, "tokens", "words")),
            "tag",
            source.file,
            how.start_file,
            (*how.options, line.threshold),
            following,
            source.mode.change,
        )
    source.mode.change(
        _parts,
        source.mode,
        [source.text, source.file.folder, files, result, line.tools, how.start, how.start_file],
        **CHEAP,
    )
    return Picker("tag", how.options[0], handlers.choices)


def _source() -> Source:
    mode = gr.Radio(
        [TEXT, FILE], value=TEXT, label="What to tag", show_label=False, container=False, elem_id="tag-mode",
        elem_classes="wb-segments wb-two",
    )  # fmt: skip
    text = gr.Textbox(label="Text", placeholder="Write or paste a text", lines=4, max_lines=12, elem_id="tag-text")
    return Source(mode, text, build_file_source("tag"))


def _how(handlers: TagHandlers) -> How:
    opening = handlers.opening()
    asks = opening is not None and opening.head == "none"
    checkpoint = gr.Dropdown(
        handlers.choices(), value=opening.name if opening else None, label="Checkpoint", elem_id="tag-checkpoint"
    )
    access = gr.HTML("", apply_default_css=False, elem_id="tag-access")
    with gr.Column(visible=asks, elem_id="tag-asking") as asking:
        labels = gr.Textbox(
            "person, place", label="Labels to look for", info="Parted by commas.", max_lines=3, elem_id="tag-labels"
        )
        places = gr.Radio(
            [EVERY, FIRST], value=EVERY, label="Mark", elem_id="tag-places", elem_classes="wb-segments wb-two"
        )
    with gr.Column(visible=not asks, elem_id="tag-reading") as reading:
        readers = _reading_controls()
    with gr.Row(elem_id="tag-buttons"):
        start = gr.Button("Tag", variant="primary", min_width=96, elem_id="tag-start")
        start_file = gr.Button(
            "Tag the file", variant="primary", visible=False, interactive=False, min_width=96, elem_id="tag-start-file"
        )
        stop = gr.Button("Stop", variant="stop", visible=False, min_width=96, elem_id="tag-stop")
    return How(access, asking, reading, (checkpoint, labels, places, *readers), start, start_file, stop)


def _reading_controls() -> tuple[Any, ...]:
    """Place what concerns token heads alone, folded away."""
    with gr.Accordion("More", open=False, elem_id="tag-more"):
        aggregation = gr.Dropdown(
            list(AGGREGATIONS), value="first", label="Aggregation", info=ABOUT_AGGREGATION, elem_id="tag-aggregation"
        )
        scheme = gr.Dropdown(["auto", *SCHEMES], value="auto", label="Scheme", info=ABOUT_SCHEME, elem_id="tag-scheme")
        random_head = gr.Checkbox(False, label="Use a head without trained weights", elem_id="tag-random")
    return aggregation, scheme, random_head


def _line() -> Line:
    with gr.Row(elem_id="tag-line", equal_height=False):
        threshold = gr.Slider(
            0, 1, 0, step=0.01, label="Least probability of a span", buttons=[], min_width=200, elem_id="tag-threshold"
        )
        with gr.Row(elem_classes="wb-tools", elem_id="tag-tools") as tools:
            exports = {
                kind: gr.Button(title, size="sm", elem_classes="wb-quiet-button", elem_id=f"tag-export-{kind}")
                for kind, (title, _) in EXPORTS.items()
            }
    return Line(threshold, tools, exports)


def _wire(handlers: TagHandlers, tab: gr.Tab, source: Source, how: How, result: gr.HTML, kept: gr.Textbox) -> None:
    checkpoint = how.options[0]
    shown = [result, kept, how.start, how.stop]
    stream = STREAM | answer_group(handlers.services.settings)
    tagging = gr.on([how.start.click, source.text.submit], handlers.tag, [source.text, *how.options], shown, **stream)
    how.stop.click(handlers.stopped, None, shown, cancels=[tagging], **CHEAP)
    suited = [how.access, how.asking, how.reading, result]
    tab.select(handlers.refreshed, checkpoint, checkpoint, **CHEAP)
    checkpoint.change(handlers.picked, checkpoint, suited, **CHEAP).then(lambda: "", None, kept, **CHEAP)


def _wire_line(handlers: TagHandlers, line: Line, kept: gr.Textbox, notice: gr.HTML) -> None:
    line.threshold.input(None, line.threshold, None, js="(value) => tagging.threshold(value)")
    saved = gr.Textbox("", visible="hidden", elem_id="tag-saved")
    for kind, button in line.exports.items():

        def export(carried: str, least: float, kind: str = kind) -> tuple[str, str]:
            return handlers.export(carried, least, kind)

        button.click(export, [kept, line.threshold], [saved, notice], **CHEAP).then(
            None, saved, None, js="(saved) => board.save(saved)"
        )


def _parts(mode: str) -> tuple[Any, ...]:
    """Return what is shown for a text and for a file."""
    file = mode == FILE
    return (
        gr.update(visible=not file),
        gr.update(visible=file),
        gr.update(visible=file),
        gr.update(visible=not file),
        gr.update(visible=not file),
        gr.update(visible=not file),
        gr.update(visible=file),
    )
