"""The Classify tab: a text or a file, what labels it, and what it says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from t5gemma_app.services import Services
from t5gemma_app.tasks.classification import THRESHOLD
from t5gemma_app.tasks.labels import NONE
from t5gemma_app.tasks.wordings import WORDINGS
from t5gemma_app.ui.chat_tab import CHEAP, STREAM
from t5gemma_app.ui.classify_handlers import FILE, FIRST_LABELS, MODES, PAIR, TEXT, ClassifyHandlers
from t5gemma_app.ui.classify_view import start_html
from t5gemma_app.ui.file_handlers import FileHandlers
from t5gemma_app.ui.file_part import FileSource, build_file_part, build_file_source, build_following
from t5gemma_app.ui.picker import Picker
from t5gemma_app.ui.running import answer_group

EXAMPLE_SCRIPT = "element.addEventListener('click', (event) => classifying.clicked(event.target));"
KEY = "t5gemma-files"
"""Where the browser keeps the ids of its files."""
ABOUT_WORDING = "A name, or a text of your own with {text} and {label}: what stands before {label} is read once."


@dataclass(frozen=True, slots=True)
class Source:
    """What is classified."""

    mode: gr.Radio
    text: gr.Textbox
    pair: gr.Textbox
    file: FileSource


@dataclass(frozen=True, slots=True)
class How:
    """What classifies it."""

    access: gr.HTML
    asking: gr.Column
    wishes: gr.Accordion
    options: tuple[Any, ...]
    """In the order of `Options`."""
    start: gr.Button
    start_file: gr.Button
    stop: gr.Button


def build_classify_tab(blocks: gr.Blocks, services: Services, tab: gr.Tab) -> Picker:
    """Place the tab and wire it."""
    handlers = ClassifyHandlers(services)
    with gr.Row(elem_id="classify-head", equal_height=False):
        with gr.Column(scale=3, min_width=280, elem_id="classify-input"):
            source = _source()
        with gr.Column(scale=2, min_width=260, elem_id="classify-how"):
            how = _how(handlers)
    result = gr.HTML(
        start_html(handlers.opening()), js_on_load=EXAMPLE_SCRIPT, apply_default_css=False, elem_id="classify-result"
    )
    ask_why = gr.Button("Which words mattered", size="sm", visible=False, elem_id="classify-ask-why")
    why = gr.HTML("", apply_default_css=False, elem_id="classify-why")
    said = gr.Textbox("", visible="hidden", elem_id="classify-said")
    shown = [result, why, how.start, how.stop, ask_why, said]
    _wire_texts(handlers, tab, source, how, shown)
    following = build_following(KEY)
    with gr.Column(visible=False, elem_id="classify-files") as files:
        build_file_part(
            blocks,
            FileHandlers(services, handlers.file_order),
            "classify",
            source.file,
            how.start_file,
            how.options,
            following,
            source.mode.change,
        )
    source.mode.change(
        _parts, source.mode, [source.text, source.pair, source.file.folder, files, how.start, how.start_file], **CHEAP
    )
    source.mode.change(lambda mode, name: handlers.picked(name, mode)[-3:], [source.mode, how.options[0]],
                       [result, why, ask_why], **CHEAP)  # fmt: skip
    return Picker("classify", how.options[0], handlers.choices)


def _source() -> Source:
    mode = gr.Radio(
        list(MODES), value=TEXT, label="What to label", show_label=False, container=False, elem_id="classify-mode",
        elem_classes="wb-segments wb-three",
    )  # fmt: skip
    text = gr.Textbox(label="Text", placeholder="Write or paste a text", lines=5, max_lines=14, elem_id="classify-text")
    pair = gr.Textbox(
        label="Second text", placeholder="The one that belongs to it", lines=3, max_lines=10, visible=False,
        elem_id="classify-pair",
    )  # fmt: skip
    return Source(mode, text, pair, build_file_source("classify"))


def _how(handlers: ClassifyHandlers) -> How:
    opening = handlers.opening()
    asks = opening is not None and opening.head == "none"
    checkpoint = gr.Dropdown(
        handlers.choices(), value=opening.name if opening else None, label="Checkpoint", elem_id="classify-checkpoint"
    )
    access = gr.HTML("", apply_default_css=False, elem_id="classify-access")
    with gr.Column(visible=asks, elem_id="classify-asking") as asking:
        labels = gr.Dropdown(
            list(FIRST_LABELS),
            value=list(FIRST_LABELS),
            multiselect=True,
            allow_custom_value=True,
            label="Labels",
            info="Write one and press Enter; several at once with commas between.",
            elem_id="classify-labels",
        )
    with gr.Accordion("More", open=False, visible=asks, elem_id="classify-more") as wishes:
        wording = gr.Dropdown(
            [(f"{one.name}: {one.about}", one.name) for one in WORDINGS], value="topic", allow_custom_value=True,
            label="Wording", info=ABOUT_WORDING, elem_id="classify-wording",
        )  # fmt: skip
        several = gr.Checkbox(False, label="Several labels may fit; each is asked for", elem_id="classify-several")
        none = gr.Checkbox(False, label=f"Offer “{NONE}”", elem_id="classify-none")
        calibrate = gr.Checkbox(
            False, label="Calibrate by texts without content", info="Contextual calibration, Zhao et al. 2021",
            elem_id="classify-calibrate",
        )  # fmt: skip
        normalise = gr.Checkbox(False, label="Divide by the labels' length", elem_id="classify-normalise")
        whole = gr.Checkbox(
            False, label="Score the labels' ends too", info="Fair to “art history” beside “art”",
            elem_id="classify-whole",
        )  # fmt: skip
        threshold = gr.Slider(
            0, 1, THRESHOLD, step=0.01, label="From which share on one of several labels fits", buttons=[],
            elem_id="classify-threshold",
        )  # fmt: skip
    random_head = gr.Checkbox(
        False, label="Use its head although its weights are random", visible=False, elem_id="classify-random"
    )
    with gr.Row(elem_id="classify-buttons"):
        start = gr.Button("Classify", variant="primary", min_width=96, elem_id="classify-start")
        start_file = gr.Button(
            "Classify the file", variant="primary", visible=False, interactive=False, min_width=96,
            elem_id="classify-start-file",
        )  # fmt: skip
        stop = gr.Button("Stop", variant="stop", visible=False, min_width=96, elem_id="classify-stop")
    options = (checkpoint, labels, wording, several, none, calibrate, normalise, whole, threshold, random_head)
    return How(access, asking, wishes, options, start, start_file, stop)


def _wire_texts(handlers: ClassifyHandlers, tab: gr.Tab, source: Source, how: How, shown: list[Any]) -> None:
    result, why, _, _, ask_why, said = shown
    checkpoint, several, random_head = how.options[0], how.options[3], how.options[-1]
    written = [source.text, source.pair, source.mode, *how.options]
    stream = STREAM | answer_group(handlers.services.settings)
    reading = how.start.click(handlers.classify, written, shown, **stream)
    asking = ask_why.click(handlers.why, [said, *written], why, **stream)
    how.stop.click(handlers.stopped, None, shown, cancels=[reading, asking], **CHEAP)
    tab.select(handlers.refreshed, checkpoint, checkpoint, **CHEAP)
    suited = [how.access, how.asking, how.wishes, random_head, result, why, ask_why]
    checkpoint.change(handlers.picked, [checkpoint, source.mode], suited, **CHEAP)
    # A continuation can't ask for several labels, and a question need not ask for one.
    several.input(lambda on: "question" if on else "topic", several, how.options[2], **CHEAP)


def _parts(mode: str) -> tuple[Any, ...]:
    """Return what is shown for texts and for files."""
    file = mode == FILE
    return (
        gr.update(visible=not file),
        gr.update(visible=mode == PAIR),
        gr.update(visible=file),
        gr.update(visible=file),
        gr.update(visible=not file),
        gr.update(visible=file),
    )
