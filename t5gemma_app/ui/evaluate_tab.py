"""The Evaluate tab: what to run as a sentence, and the runs below."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from t5gemma_app.services import Services
from t5gemma_app.ui.chat_tab import CHEAP
from t5gemma_app.ui.evaluate_api import ORDERS
from t5gemma_app.ui.evaluate_board import RunBoard
from t5gemma_app.ui.evaluate_handlers import SMOKE, EvaluateHandlers, ordered_suites
from t5gemma_app.ui.run_desk import HEAD, METHODS, RunDesk

TICK_SECONDS = 1.0
METHODS_AT_FIRST = [method for method in METHODS if method != HEAD]
"""What is offered until the page has asked which heads there are."""
RUNS_SCRIPT = """
element.addEventListener('click', (event) => {
  const button = event.target.closest('[data-act]');
  if (!button) return;
  const sent = { act: button.dataset.act, run: button.dataset.run };
  if (sent.act === 'leaderboard') trigger('leaderboard', sent);
  else if (sent.act !== 'cancel' || confirm('Cancel this run? Its samples are kept.')) trigger('steer', sent);
});
"""


@dataclass(frozen=True, slots=True)
class Form:
    """The controls, in the order in which handlers take them."""

    checkpoints: gr.Dropdown
    suite: gr.Dropdown
    tasks: gr.Dropdown
    limit: gr.Number
    method: gr.Radio
    sweep: gr.Dropdown

    @property
    def inputs(self) -> list[Any]:
        """What an order is made of."""
        return [self.checkpoints, self.suite, self.tasks, self.limit, self.method]


def build_evaluate_tab(
    blocks: gr.Blocks, services: Services, tab: gr.Tab, banner: gr.HTML, desk: RunDesk, board: RunBoard
) -> gr.HTML:
    """Place the tab and wire it; returns the runs, whose event `leaderboard` asks for the other tab."""
    handlers = EvaluateHandlers(services, desk, board, ordered_suites(services))
    with gr.Row(elem_id="evaluate-head", equal_height=False):
        with gr.Column(scale=1, min_width=280, elem_id="evaluate-order"):
            sentence = gr.HTML("", apply_default_css=False, elem_id="evaluate-sentence")
            cost = gr.HTML("", apply_default_css=False, elem_id="evaluate-cost")
        smoke = gr.Button("Use the smoke suite", visible=False, scale=0, min_width=96, elem_id="evaluate-smoke")
        start = gr.Button(
            "Start", variant="primary", interactive=False, scale=0, min_width=96, elem_id="evaluate-start"
        )
    form = _form(handlers)
    no_head = gr.HTML("", apply_default_css=False, elem_id="evaluate-no-head")
    gr.HTML(handlers.closed_html(), apply_default_css=False, elem_id="evaluate-closed")
    notice = gr.HTML("", apply_default_css=False, elem_id="evaluate-notice")
    runs = gr.HTML("", js_on_load=RUNS_SCRIPT, apply_default_css=False, elem_id="runs")
    timer = gr.Timer(TICK_SECONDS, active=False)
    shown = [runs, timer, gr.State(None)]
    _wire_form(handlers, tab, form, (sentence, start), (cost, smoke), no_head)
    starting = start.click(
        handlers.start,
        [*form.inputs, shown[-1]],
        [notice, start, *shown],
        show_progress="hidden",
        api_visibility="private",
        trigger_mode="once",
        **ORDERS,
    )
    starting.then(handlers.cost, form.inputs, [cost, smoke], **CHEAP)
    runs.steer(handlers.steer, shown[-1], [notice, *shown], **CHEAP)
    # The banner changes when anybody's run does, which wakes the timer of pages that were at rest.
    for event in (blocks.load, tab.select, timer.tick, banner.change):
        event(handlers.refresh, shown[-1], shown, **CHEAP)
    return runs


def _form(handlers: EvaluateHandlers) -> Form:
    suites = list(handlers.suites)
    first = handlers.opening_suite()
    tasks = [entry.name for entry in handlers.suites[first].entries] if first else []
    with gr.Row(elem_id="evaluate-form", equal_height=False):
        checkpoints = gr.Dropdown(
            handlers.checkpoints(),
            value=handlers.opening(),
            multiselect=True,
            label="Checkpoints",
            scale=5,
            min_width=240,
            elem_id="evaluate-checkpoints",
        )
        sweep = gr.Dropdown(
            handlers.sweeps(), value=None, label="Add a sweep", scale=2, min_width=140, elem_id="evaluate-sweep"
        )
        suite = gr.Dropdown(
            suites, value=first or None, label="Suite", scale=3, min_width=140, elem_id="evaluate-suite"
        )
        chosen = gr.Dropdown(
            tasks,
            value=[],
            multiselect=True,
            label="Tasks, none for all",
            scale=3,
            min_width=160,
            elem_id="evaluate-tasks",
        )
        limit = gr.Number(
            0,
            label="Rows, 0 for all",
            precision=0,
            minimum=0,
            scale=1,
            min_width=96,
            elem_id="evaluate-limit",
        )
        method = gr.Radio(
            METHODS_AT_FIRST,
            value=next(iter(METHODS)),
            label="Method",
            scale=2,
            min_width=160,
            elem_id="evaluate-method",
            elem_classes="wb-segments",
        )
    return Form(checkpoints, suite, chosen, limit, method, sweep)


def _wire_form(
    handlers: EvaluateHandlers, tab: gr.Tab, form: Form, said: tuple[Any, Any], costs: tuple[Any, Any], no_head: gr.HTML
) -> None:
    # Counting rows may take a download, so it waits in the queue while the sentence is there at once.
    counting = {**CHEAP, "queue": True, "trigger_mode": "always_last", **ORDERS}
    suited = form.suite.change(handlers.tasks_of, form.suite, form.tasks, **CHEAP)
    swept = form.sweep.input(handlers.swept, [form.sweep, form.checkpoints], [form.checkpoints, form.sweep], **CHEAP)
    costs[1].click(lambda: SMOKE, None, form.suite, **CHEAP)
    shown = gr.State(METHODS_AT_FIRST)
    offering = [form.checkpoints, form.suite, form.tasks, form.method, shown]
    offered = [form.method, no_head, shown]
    # Not by `change`: lists with several values report one whenever a control beside them is drawn anew.
    for event in (suited.then, swept.then, form.checkpoints.input, form.tasks.input):
        event(handlers.methods, offering, offered, **CHEAP)
    changes = [control.change for control in form.inputs]
    gr.on(changes, handlers.sentence, form.inputs, list(said), **CHEAP)
    gr.on(changes, handlers.cost, form.inputs, list(costs), **counting)
    opened = tab.select(handlers.opened, form.checkpoints, form.checkpoints, **CHEAP)
    opened.then(lambda: gr.update(choices=handlers.sweeps()), None, form.sweep, **CHEAP)
    opened.then(handlers.methods, offering, offered, **CHEAP)
    opened.then(handlers.sentence, form.inputs, list(said), **CHEAP)
    opened.then(handlers.cost, form.inputs, list(costs), **counting)
