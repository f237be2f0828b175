"""The Compare tab: a prompt, two to four columns that answer it, and a vote."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.errors import WorkbenchError
from t5gemma_app.services import Services
from t5gemma_app.tasks.chat import PRESETS
from t5gemma_app.tasks.comparison import FEWEST, LETTERS, MOST
from t5gemma_app.ui.access_words import access_html, checkpoint_choices, opening_checkpoint
from t5gemma_app.ui.chat_tab import CHEAP, STREAM
from t5gemma_app.ui.compare_cards import start_html
from t5gemma_app.ui.compare_handlers import SCREEN, CompareHandlers
from t5gemma_app.ui.compare_votes import as_csv, as_json, counted
from t5gemma_app.ui.running import RunningAnswers, answer_group
from t5gemma_app.ui.sampling_form import DIALS, dial, length_dial, preset_values, stop_box, system_box
from t5gemma_app.ui.unchanged import LEAN, lean

CARD_SCRIPT = """
element.addEventListener('click', (event) => {
  const button = event.target.closest('[data-act]');
  if (!button) return;
  if (button.dataset.act === 'copy') workbench.copy(button);
  else if (button.dataset.act === 'stop') {
    button.disabled = true;
    trigger('stop', { index: Number(button.dataset.index) });
  }
});
"""
START_SCRIPT = """
element.addEventListener('click', (event) => {
  const button = event.target.closest('[data-act="example"]');
  if (button) workbench.say(button.dataset.text, '#compare-message textarea', '#compare-send');
});
"""
VOTE_SCRIPT = """
element.addEventListener('click', (event) => {
  const button = event.target.closest('[data-act="vote"]');
  if (button) trigger('vote', { choice: button.dataset.choice });
});
"""
LATER_STYLES = ("Greedy", "Balanced", "Creative", "Precise")
"""The styles of columns that have the same checkpoint at first."""


@dataclass(frozen=True, slots=True)
class Controls:
    """What is asked, and of whom; `columns` hold the controls of one side each."""

    message: gr.Textbox
    shared: list[Any]
    count: gr.Radio
    sides: list[gr.Column]
    pickers: list[gr.Dropdown]
    dials: list[list[Any]]

    @property
    def inputs(self) -> list[Any]:
        """What a prompt is sent with, in the order of the handler."""
        by_side = [[picker, *dials] for picker, dials in zip(self.pickers, self.dials, strict=True)]
        return [self.message, *self.shared, *(control for side in by_side for control in side)]


def build_compare_tab(blocks: gr.Blocks, services: Services, tab: gr.Tab) -> None:
    """Place the tab and wire it."""
    running = RunningAnswers()
    handlers = CompareHandlers(services, running)
    with gr.Column(elem_id="compare"):
        message, send, stop = _message()
        controls = _controls(services, message)
        start = gr.HTML(
            start_html(*_ready(services)), js_on_load=START_SCRIPT, apply_default_css=False, elem_id="compare-start"
        )
        parts = {"send": send, "stop": stop, **_answers()}
        _wire_answers(blocks, handlers, controls, parts)
        _wire_votes(blocks, handlers, parts)
    _wire_pickers(services, tab, controls, start)
    blocks.unload(handlers.left)


def _message() -> tuple[gr.Textbox, gr.Button, gr.Button]:
    with gr.Row(elem_id="compare-box", equal_height=False):
        message = gr.Textbox(
            show_label=False,
            label="Prompt for all columns",
            placeholder="One prompt for all columns",
            lines=1,
            max_lines=8,
            container=False,
            scale=1,
            elem_id="compare-message",
        )
        send = gr.Button("Send", variant="primary", scale=0, min_width=84, elem_id="compare-send")
        stop = gr.Button("Stop", variant="stop", scale=0, min_width=84, visible=False, elem_id="compare-stop")
    return message, send, stop


def _controls(services: Services, message: gr.Textbox) -> Controls:
    with gr.Row(elem_id="compare-line", equal_height=False):
        numbers = [(str(count), count) for count in range(FEWEST, MOST + 1)]
        count = gr.Radio(
            numbers, value=FEWEST, label="Columns", elem_id="compare-count", elem_classes="wb-segments wb-three"
        )
        seed = gr.Textbox(
            "", label="Seed for all", placeholder="A new one every time", max_lines=1, elem_id="compare-seed"
        )
        blind = gr.Checkbox(False, label="Blind: hide who answered until I vote", elem_id="compare-blind")
    with gr.Accordion("More for all columns", open=False, elem_id="compare-more"), gr.Row(equal_height=False):
        length = length_dial(services.settings.max_new_tokens, "compare-")
        system = system_box("compare-")
        stop = stop_box("compare-")
    with gr.Row(elem_id="compare-sides", equal_height=False):
        placed = [_side(services, index) for index in range(MOST)]
    sides, pickers, dials = (list(group) for group in zip(*placed, strict=True))
    return Controls(message, [count, blind, seed, length, system, stop], count, sides, pickers, dials)


def _side(services: Services, index: int) -> tuple[gr.Column, gr.Dropdown, list[Any]]:
    letter, prefix = LETTERS[index], f"compare-{LETTERS[index].lower()}-"
    name, style = opening_sides(services)[index]
    with gr.Column(visible=index < FEWEST, min_width=232, elem_id=f"{prefix}side", elem_classes="wb-side") as side:
        picker = gr.Dropdown(
            checkpoint_choices(services),
            value=name or None,
            label=f"Checkpoint {letter}",
            filterable=True,
            elem_id=f"{prefix}checkpoint",
        )
        access = gr.HTML("", apply_default_css=False, elem_classes="wb-side-access")
        preset = gr.Radio(
            [preset.name for preset in PRESETS],
            value=style,
            label=f"Style {letter}",
            elem_id=f"{prefix}preset",
            elem_classes="wb-segments",
        )
        with gr.Accordion("Fine tuning", open=False, elem_id=f"{prefix}tuning"):
            values = preset_values(style)
            dials = [dial(one, prefix, value) for one, value in zip(DIALS, values, strict=True)]
    preset.input(lambda chosen: preset_values(chosen), preset, dials, **CHEAP)
    picker.change(lambda chosen: _access(services, chosen), picker, access, **CHEAP)
    return side, picker, list(dials)


def _answers() -> dict[str, Any]:
    asked = gr.HTML("", apply_default_css=False, elem_id="compare-asked")
    with gr.Row(elem_id="compare-answers", equal_height=False):
        cards = [
            gr.HTML("", js_on_load=CARD_SCRIPT, apply_default_css=False, elem_id=f"compare-answer-{letter.lower()}")
            for letter in LETTERS
        ]
    verdict = gr.HTML("", js_on_load=VOTE_SCRIPT, apply_default_css=False, elem_id="compare-verdict")
    # Only the browser holds answers and votes; "hidden" keeps the component alive without showing it.
    current = gr.Textbox("", visible="hidden", elem_id="compare-current")
    named = [asked, *cards, verdict, current]
    return dict(zip(SCREEN[: len(named)], named, strict=True))


def _wire_answers(blocks: gr.Blocks, handlers: CompareHandlers, controls: Controls, parts: dict[str, Any]) -> None:
    outputs = [parts[name] for name in SCREEN]
    stream = STREAM | LEAN | answer_group(handlers.services.settings)
    gr.on(
        [controls.message.submit, parts["send"].click],
        lean(handlers.send, outputs),
        controls.inputs,
        outputs,
        js="(...sent) => { ballot.seek(); return sent; }",
        **stream,
    )
    parts["stop"].click(handlers.stop, None, parts["stop"], **CHEAP)
    for name in (part for part in SCREEN if part.startswith("card_")):
        parts[name].stop(handlers.stop_one, None, None, **CHEAP)
    parts["current"].change(None, parts["current"], None, js="(raw) => ballot.remember(raw)")
    blocks.load(handlers.restored, parts["current"], outputs, js="() => [ballot.last()]", **CHEAP)


def _wire_votes(blocks: gr.Blocks, handlers: CompareHandlers, parts: dict[str, Any]) -> None:
    tally = gr.HTML("", apply_default_css=False, elem_id="compare-tally")
    with gr.Row(elem_id="compare-tools", elem_classes="wb-tools"):
        names = {"csv": "Export CSV", "json": "Export JSON", "clear": "Clear votes"}
        tools = {
            key: gr.Button(words, size="sm", elem_id=f"compare-{key}", elem_classes="wb-quiet-button")
            for key, words in names.items()
        }
    kept = gr.Textbox("", visible="hidden", elem_id="compare-kept")
    state = gr.Textbox("", visible="hidden", elem_id="compare-state")
    counting: dict[str, Any] = {"fn": counted, "inputs": [kept, state], "outputs": tally, **CHEAP}
    given = parts["verdict"].vote(handlers.vote, parts["current"], [*(parts[name] for name in SCREEN), kept], **CHEAP)
    given.then(js="(vote) => ballot.keep(vote)", **counting)
    given.then(None, None, None, js="() => ballot.focus()")
    blocks.load(js="() => ballot.all()", **counting)
    tools["clear"].click(js="() => ballot.clear()", **counting)
    for key, write in (("csv", as_csv), ("json", as_json)):
        saved = tools[key].click(write, kept, kept, js="() => [ballot.whole()]", **CHEAP)
        saved.then(None, kept, None, js="(file) => board.save(file)")


def _wire_pickers(services: Services, tab: gr.Tab, controls: Controls, start: gr.HTML) -> None:
    def opened(*chosen: str) -> list[Any]:
        choices = checkpoint_choices(services)
        return [start_html(*_ready(services)), *(gr.update(choices=choices, value=name) for name in chosen)]

    tab.select(opened, controls.pickers, [start, *controls.pickers], **CHEAP)
    controls.count.change(
        lambda count: [gr.update(visible=index < count) for index in range(MOST)],
        controls.count,
        controls.sides,
        **CHEAP,
    )


def _access(services: Services, name: str | None) -> str:
    try:
        return access_html(services.access.of(services.catalogue.find(str(name))))
    except WorkbenchError:
        return ""


def _ready(services: Services) -> tuple[Checkpoint | None, int]:
    writers = (checkpoint for checkpoint in services.catalogue.all() if checkpoint.head == "none")
    return opening_checkpoint(services), sum(services.access.of(checkpoint).ready for checkpoint in writers)


def opening_sides(services: Services) -> list[tuple[str, str]]:
    """Return checkpoint and style of each column at first.

    Every checkpoint that is ready has a column, greedy; the columns that are left vary the first one's style.
    """
    first = opening_checkpoint(services)
    if first is None:
        return [("", LATER_STYLES[0])] * MOST
    writers = [one for one in services.catalogue.all() if one.head == "none" and services.access.of(one).ready]
    others = [one.name for one in writers if one.name != first.name][: MOST - 1]
    sides = [(name, LATER_STYLES[0]) for name in (first.name, *others)]
    return [*sides, *((first.name, style) for style in LATER_STYLES[1:])][:MOST]
