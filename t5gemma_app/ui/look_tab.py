"""The Look inside tab: where an answer looked in its prompt, and how alike texts are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from t5gemma_app.services import Services
from t5gemma_app.tasks.embedding import POOLINGS
from t5gemma_app.tasks.files.table import SUFFIXES
from t5gemma_app.ui.chat_tab import CHEAP, STREAM
from t5gemma_app.ui.look_handlers import PIECES, START, WORDS, LookHandlers
from t5gemma_app.ui.running import answer_group
from t5gemma_app.ui.similar_handlers import SimilarHandlers

LOOK, SIMILAR = "Cross-attention", "Similarity"
SCRIPT = """
for (const kind of ['mouseover', 'focusin', 'click', 'mouseleave']) {
  element.addEventListener(kind, (event) => looking.used(element, event), true);
}
watch('value', () => looking.redrawn(element));
"""
FIRST_LIST = "The ferry was late.\nThe boat did not come in time.\nBread and butter"
SAVE = "(saved) => board.save(saved)"


@dataclass(frozen=True, slots=True)
class Choosers:
    """Which layer and head are shown, and how."""

    layer: gr.Slider
    head: gr.Slider
    by_word: gr.Radio
    save: gr.Button

    @property
    def inputs(self) -> list[Any]:
        """What a picture is made by."""
        return [self.layer, self.head, self.by_word]


def build_look_tab(services: Services, tab: gr.Tab) -> None:
    """Place the tab and wire it."""
    mode = gr.Radio(
        [LOOK, SIMILAR], value=LOOK, label="What to look at", show_label=False, container=False, elem_id="look-mode",
        elem_classes="wb-segments wb-two",
    )  # fmt: skip
    with gr.Column(elem_id="look-part") as looking:
        _build_look(services, tab)
    with gr.Column(visible=False, elem_id="similar-part") as similar:
        _build_similar(services, tab)
    mode.change(
        lambda chosen: (gr.update(visible=chosen == LOOK), gr.update(visible=chosen == SIMILAR)),
        mode,
        [looking, similar],
        **CHEAP,
    )


def _build_look(services: Services, tab: gr.Tab) -> None:
    handlers = LookHandlers(services)
    opening = handlers.opening()
    with gr.Row(elem_id="look-head", equal_height=False):
        with gr.Column(scale=3, min_width=280):
            prompt = gr.Textbox(label="Prompt", lines=2, max_lines=8, elem_id="look-prompt")
            answer = gr.Textbox(
                label="Answer", placeholder="Leave it empty to let the checkpoint answer", lines=1, max_lines=6,
                elem_id="look-answer",
            )  # fmt: skip
        with gr.Column(scale=2, min_width=260, elem_id="look-how"):
            checkpoint = gr.Dropdown(
                handlers.choices(), value=opening.name if opening else None, label="Checkpoint",
                elem_id="look-checkpoint",
            )  # fmt: skip
            access = gr.HTML("", apply_default_css=False, elem_id="look-access")
            with gr.Row(elem_id="look-buttons"):
                start = gr.Button("Look inside", variant="primary", min_width=96, elem_id="look-start")
                stop = gr.Button("Stop", variant="stop", visible=False, min_width=96, elem_id="look-stop")
    choosers = _choosers()
    notice = gr.HTML("", apply_default_css=False, elem_id="look-notice")
    result = gr.HTML(START, js_on_load=SCRIPT, apply_default_css=False, elem_id="look-result")
    key = gr.Textbox("", visible="hidden", elem_id="look-key")
    saved = gr.Textbox("", visible="hidden", elem_id="look-saved")
    shown = [result, key, choosers.layer, choosers.head, start, stop]
    stream = STREAM | answer_group(services.settings)
    asking = gr.on(
        [start.click, prompt.submit, answer.submit],
        handlers.look,
        [prompt, answer, checkpoint, choosers.by_word],
        shown,
        **stream,
    )
    stop.click(handlers.stopped, None, shown, cancels=[asking], **CHEAP)
    for chooser in choosers.inputs:
        chooser.input(handlers.shown, [key, *choosers.inputs], result, trigger_mode="always_last", **CHEAP)
    choosers.save.click(handlers.saved, [key, *choosers.inputs], [saved, notice], **CHEAP).then(
        None, saved, None, js=SAVE
    )
    tab.select(handlers.refreshed, checkpoint, checkpoint, **CHEAP).then(
        handlers.picked, checkpoint, [access, prompt], **CHEAP
    )
    checkpoint.input(handlers.picked, checkpoint, [access, prompt], **CHEAP)


def _choosers() -> Choosers:
    with gr.Row(elem_id="look-line", equal_height=False):
        layer = gr.Slider(
            0, 1, 0, step=1, label="Layer", info="0 averages over all", buttons=[], min_width=120, elem_id="look-layer"
        )
        head = gr.Slider(
            0, 1, 0, step=1, label="Head", info="0 averages over all", buttons=[], min_width=120, elem_id="look-head-of"
        )
        by_word = gr.Radio(
            [WORDS, PIECES],
            value=WORDS,
            label="Show",
            min_width=140,
            elem_id="look-by",
            elem_classes="wb-segments wb-two",
        )
        with gr.Row(elem_classes="wb-tools", elem_id="look-tools"):
            save = gr.Button("Heat map as SVG", size="sm", elem_classes="wb-quiet-button", elem_id="look-save")
    return Choosers(layer, head, by_word, save)


def _build_similar(services: Services, tab: gr.Tab) -> None:
    handlers = SimilarHandlers(services)
    opening = handlers.opening()
    with gr.Row(elem_id="similar-head", equal_height=False):
        first = gr.Textbox(
            FIRST_LIST, label="Texts, one a line", lines=5, max_lines=14, min_width=240, elem_id="similar-first"
        )
        second = gr.Textbox(
            label="Compared with", placeholder="Leave it empty to compare the texts with each other", lines=5,
            max_lines=14, min_width=240, elem_id="similar-second",
        )  # fmt: skip
        with gr.Column(min_width=240, elem_id="similar-how"):
            checkpoint = gr.Dropdown(
                handlers.choices(), value=opening.name if opening else None, label="Encoder of",
                elem_id="similar-checkpoint",
            )  # fmt: skip
            pooling = gr.Radio(
                list(POOLINGS), value="mean", label="A text is", info="the mean of its tokens, or its last token",
                elem_id="similar-pooling", elem_classes="wb-segments wb-two",
            )  # fmt: skip
            with gr.Row(elem_id="similar-buttons"):
                start = gr.Button("Compare", variant="primary", min_width=96, elem_id="similar-start")
                save = gr.Button("SVG", size="sm", elem_classes="wb-quiet-button", elem_id="similar-save")
    notice = gr.HTML("", apply_default_css=False, elem_id="similar-notice")
    result = gr.HTML("", apply_default_css=False, elem_id="similar-result")
    kept = gr.Textbox("", visible="hidden", elem_id="similar-kept")
    saved = gr.Textbox("", visible="hidden", elem_id="similar-saved")
    start.click(
        handlers.compare,
        [first, second, checkpoint, pooling],
        [result, kept],
        **STREAM,
        **answer_group(services.settings),
    )
    save.click(handlers.saved, kept, [saved, notice], **CHEAP).then(None, saved, None, js=SAVE)
    tab.select(handlers.refreshed, checkpoint, checkpoint, **CHEAP)
    _build_nearest(handlers, checkpoint, pooling)


def _build_nearest(handlers: SimilarHandlers, checkpoint: gr.Dropdown, pooling: gr.Radio) -> None:
    with gr.Accordion("Find the nearest rows of a file", open=False, elem_id="nearest-fold"):
        with gr.Row(elem_id="nearest-head", equal_height=False):
            upload = gr.File(
                label="csv, tsv, jsonl or parquet", file_types=sorted(SUFFIXES), height=148, min_width=240,
                elem_id="nearest-upload", elem_classes="wb-upload",
            )  # fmt: skip
            with gr.Column(min_width=240):
                question = gr.Textbox(label="Look for", lines=2, max_lines=6, elem_id="nearest-question")
                column = gr.Dropdown([], label="Column with the text", visible=False, elem_id="nearest-column")
                start = gr.Button("Find", min_width=96, elem_id="nearest-start")
        notice = gr.HTML("", apply_default_css=False, elem_id="nearest-notice")
        result = gr.HTML("", apply_default_css=False, elem_id="nearest-result")
    upload.change(handlers.looked, upload, [column, notice], **CHEAP)
    start.click(
        handlers.nearest,
        [question, upload, column, checkpoint, pooling],
        result,
        **STREAM,
        **answer_group(handlers.services.settings),
    )
