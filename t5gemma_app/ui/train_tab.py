"""The Train tab: what to teach as a sentence, the rows with their check, and the runs below."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from t5gemma_app.services import Services
from t5gemma_app.training.jobs import ENDINGS
from t5gemma_app.training.plan import Plan
from t5gemma_app.ui.chat_tab import CHEAP
from t5gemma_app.ui.train_form import CONTROLS, FILE, HUB, KNOWN, NONE, SHARE, SOURCES, TASKS
from t5gemma_app.ui.train_handlers import TrainHandlers

TICK_SECONDS = 1.0
RUNS_SCRIPT = """
element.addEventListener('click', (event) => {
  const button = event.target.closest('[data-act]');
  if (!button) return;
  const sent = { act: button.dataset.act, run: button.dataset.run, tab: button.dataset.tab };
  if (sent.act === 'open') trigger('use', sent);
  else if (sent.act !== 'remove' || confirm('Delete the run, its rows and its checkpoint?')) trigger('steer', sent);
});
"""
# Reading rows takes a moment; at most two do, so that answers and runs of others are not held up.
READS = {"concurrency_id": "train-rows", "concurrency_limit": 2, "show_progress": "hidden", "api_visibility": "private"}
USUAL = Plan()


@dataclass(frozen=True, slots=True)
class Form:
    """The controls by the names of a wish."""

    controls: dict[str, Any]
    boxes: dict[str, gr.Column]
    """What belongs to each source of rows."""

    @property
    def inputs(self) -> list[Any]:
        """All controls in the order in which handlers take them."""
        return [self.controls[name] for name in CONTROLS]

    def of(self, *names: str) -> list[Any]:
        """Return controls by their names."""
        return [self.controls[name] for name in names]


def build_train_tab(blocks: gr.Blocks, services: Services, tab: gr.Tab) -> gr.HTML:
    """Place the tab and wire it; returns the runs, whose event `use` asks for another tab."""
    handlers = TrainHandlers(services)
    with gr.Row(elem_id="train-head", equal_height=False):
        sentence = gr.HTML("", apply_default_css=False, elem_id="train-sentence")
        start = gr.Button("Train", variant="primary", interactive=False, scale=0, min_width=96, elem_id="train-start")
    closed = gr.HTML(handlers.closed_html(), apply_default_css=False, elem_id="train-closed")
    with gr.Column(visible=handlers.open, elem_id="train-form"):
        form, said, preview = _form(handlers)
    notice = gr.HTML("", apply_default_css=False, elem_id="train-notice")
    runs = gr.HTML("", js_on_load=RUNS_SCRIPT, apply_default_css=False, elem_id="trainings")
    timer = gr.Timer(TICK_SECONDS, active=False)
    shown = [runs, timer, gr.State(None)]
    _wire_form(handlers, form, (sentence, said, preview, start))
    opened = tab.select(
        handlers.opened, form.of("teach", "checkpoint", "name"), [*form.of("checkpoint", "known", "name"), closed],
        **CHEAP,
    )  # fmt: skip
    opened.then(handlers.sentence, form.inputs, sentence, **CHEAP)
    start.click(
        handlers.start, [shown[-1], *form.inputs], [notice, form.controls["name"], *shown], trigger_mode="once", **READS
    )
    runs.steer(handlers.steer, shown[-1], [notice, *shown], **CHEAP)
    for event in (blocks.load, tab.select, timer.tick):
        event(handlers.refresh, shown[-1], shown, **CHEAP)
    return runs


def _form(handlers: TrainHandlers) -> tuple[Form, gr.HTML, gr.HTML]:
    controls: dict[str, Any] = {}
    with gr.Row(elem_classes="wb-train-line", equal_height=False):
        controls["checkpoint"] = gr.Dropdown(
            handlers.bases(), value=handlers.opening(), label="Checkpoint to begin with", min_width=200,
            elem_id="train-checkpoint",
        )  # fmt: skip
        controls["teach"] = gr.Radio(
            list(TASKS), value=next(iter(TASKS)), label="What to teach", min_width=220, elem_id="train-teach",
            elem_classes="wb-segments wb-three",
        )  # fmt: skip
        controls["name"] = gr.Textbox(
            label="Name of the new checkpoint", max_lines=1, min_width=160, elem_id="train-name"
        )
    with gr.Row(elem_id="train-data", equal_height=False):
        with gr.Column(scale=2, min_width=280, elem_id="train-rows"):
            boxes = _sources(handlers, controls)
        with gr.Column(scale=3, min_width=280, elem_id="train-check"):
            said = gr.HTML("", apply_default_css=False, elem_id="train-said")
            preview = gr.HTML("", apply_default_css=False, elem_id="train-preview")
    _settings(controls)
    return Form(controls, boxes), said, preview


def _sources(handlers: TrainHandlers, controls: dict[str, Any]) -> dict[str, gr.Column]:
    boxes = {}
    controls["source"] = gr.Radio(
        list(SOURCES), value=FILE, label="Rows", elem_id="train-source", elem_classes="wb-segments wb-three"
    )
    with gr.Column(elem_classes="wb-file-source") as boxes[FILE]:
        controls["train"] = gr.File(
            label="csv, tsv or jsonl to learn from", file_types=list(ENDINGS), height=140, elem_id="train-upload",
            elem_classes="wb-upload",
        )  # fmt: skip
        controls["evaluation"] = gr.File(
            label="One to be judged by, if there is one", file_types=list(ENDINGS), height=140,
            elem_id="train-upload-evaluation", elem_classes="wb-upload",
        )  # fmt: skip
    with gr.Column(visible=False) as boxes[KNOWN]:
        controls["known"] = gr.Dropdown(
            handlers.known(), value=None, label="Set", elem_id="train-known",
            info="Folders that the owner names in T5GEMMA_TRAIN_DATA, and SuperGLUE's tasks for labels.",
        )  # fmt: skip
    with gr.Column(visible=False, elem_classes="wb-file-source") as boxes[HUB]:
        controls["hub"] = gr.Textbox(
            label="Table to learn from", placeholder="OWNER/NAME@COMMIT#SPLIT", max_lines=1, elem_id="train-hub",
            info="The commit's 40 characters pin the rows; :CONFIG before # where there are several. Press Enter.",
        )  # fmt: skip
        controls["hub_evaluation"] = gr.Textbox(
            label="One to be judged by; else a tenth is held out", placeholder="OWNER/NAME@COMMIT#SPLIT", max_lines=1,
            elem_id="train-hub-evaluation",
        )  # fmt: skip
    with gr.Row(elem_classes="wb-columns", equal_height=False):
        # While they are hidden the browser keeps their last value, which Gradio would refuse as none of the choices.
        hidden: dict[str, Any] = {"visible": False, "min_width": 120, "allow_custom_value": True}
        for name, label in (("first", "Column with the text"), ("second", "Column with the label")):
            controls[name] = gr.Dropdown([], value=None, label=label, elem_id=f"train-{name}", **hidden)
        controls["pair"] = gr.Dropdown([NONE], value=NONE, label="A second text", elem_id="train-pair", **hidden)
    return boxes


def _settings(controls: dict[str, Any]) -> None:
    def number(name: str, label: str, value: float | None, minimum: float = 0) -> None:
        controls[name] = gr.Number(
            value, label=label, minimum=minimum, min_width=104, elem_id=f"train-{name.replace('_', '-')}"
        )

    with gr.Row(elem_classes="wb-train-numbers", equal_height=False):
        number("epochs", "Epochs", USUAL.epochs)
        number("batch_rows", "Rows a step", USUAL.batch_rows, 1)
        number("rate", "Learning rate", USUAL.rate)
        number("dropout", "Dropout", USUAL.dropout)
        number("seed", "Seed", USUAL.seed)
    with gr.Accordion("More", open=False, elem_id="train-more"):
        with gr.Row(elem_classes="wb-train-numbers", equal_height=False):
            number("steps", "Steps instead of epochs", None, 1)
            number("longest", "Tokens of an input", USUAL.longest, 4)
            number("warm_up", "Warm-up, share or steps", USUAL.warm_up)
            number("weight_decay", "Weight decay", USUAL.weight_decay)
            number("smoothing", "Label smoothing", USUAL.smoothing)
            number("word_dropout", "Word dropout", USUAL.word_dropout)
            number("evaluate_every", "Steps between evaluations", None, 1)
            number("patience", "Evaluations without gain until it ends", USUAL.patience)
            number("share", "Share held out", SHARE)
            number("limit", "Rows at most", None, 1)
            controls["schedule"] = gr.Dropdown(
                ["cosine", "linear", "constant"], value=USUAL.schedule, label="Schedule", min_width=104,
                elem_id="train-schedule",
            )  # fmt: skip
            controls["optimiser"] = gr.Dropdown(
                [("AdamW", "adamw"), ("Muon, for small new models", "muon")], value=USUAL.optimiser, label="Optimiser",
                min_width=104, elem_id="train-optimiser",
            )  # fmt: skip
            number("matrix_rate", "Muon's rate of matrices", USUAL.matrix_rate)
            number("lora_rank", "LoRA rank, 0 trains all weights", USUAL.lora_rank)
            controls["licence"] = gr.Textbox(
                label="Licence of the rows", placeholder="not stated", max_lines=1, min_width=104,
                elem_id="train-licence",
            )  # fmt: skip
        controls["cpu"] = gr.Checkbox(False, label="Stay on the CPU", elem_id="train-cpu")


def _wire_form(handlers: TrainHandlers, form: Form, said: tuple[gr.HTML, gr.HTML, gr.HTML, gr.Button]) -> None:
    sentence, check, preview, start = said
    inputs, columns = form.inputs, form.of("first", "second", "pair")
    source, teach = form.controls["source"], form.controls["teach"]
    boxes = list(form.boxes.values())
    source.change(lambda chosen: [gr.update(visible=chosen == name) for name in form.boxes], source, boxes, **CHEAP)
    teach.change(handlers.taught, form.of("teach", "checkpoint", "name"), form.of("checkpoint", "name"), **CHEAP)
    rows = [source.change, teach.change, form.controls["known"].change, *(box.change for box in form.of("train"))]
    rows += [form.controls["hub"].submit, form.controls["hub"].blur]
    looked = gr.on(rows, handlers.looked, inputs, [*columns, preview], trigger_mode="always_last", **READS)
    marked = gr.on([column.input for column in columns], handlers.marked, inputs, preview,
                   trigger_mode="always_last", **READS)  # fmt: skip
    again = form.of("evaluation", "epochs", "steps", "batch_rows", "seed", "share", "limit", "dropout", "rate")
    later = gr.on([*(box.change for box in again), *(box.submit for box in form.of("hub_evaluation"))],
                  lambda: None, None, None, **CHEAP)  # fmt: skip
    for event in (looked, marked, later):
        event.then(handlers.checked, inputs, [check, start], trigger_mode="always_last", **READS)
    told = [box.change for box in form.of("checkpoint", "teach", "name", "source", "train", "known", "hub")]
    gr.on(told, handlers.sentence, inputs, sentence, trigger_mode="always_last", **CHEAP)
