"""The Leaderboard tab: charts first, then the table, what two runs differ in, and their samples."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import gradio as gr

from t5gemma_app.errors import WorkbenchError
from t5gemma_app.evaluation.contexts import Contexts
from t5gemma_app.services import Services
from t5gemma_app.ui.chat_tab import CHEAP
from t5gemma_app.ui.leaderboard_handlers import BoardEndpoint, BoardHandlers, Shown
from t5gemma_app.ui.leaderboard_view import ANY, OPTIONAL, PARAMETERS, SHOWN, View, from_query, to_query
from t5gemma_app.ui.markup import problem

# One script for every part: what is clicked goes to the server by name, and the focus survives the redrawing.
SCRIPT = """
element.addEventListener('click', (event) => {
  const button = event.target.closest('[data-board]');
  if (!button || button.disabled) return;
  board.clicked(element, button);
  trigger('act', { act: button.dataset.board });
});
watch('value', () => board.redrawn(element));
"""
PICKERS = (
    ("encoder", "Encoder"),
    ("decoder", "Decoder"),
    ("parameters", "Parameters"),
    ("objective", "Objective"),
    ("method", "Method"),
    ("dtype", "Numbers"),
)
EXPORTS = (("csv", "csv"), ("json", "json"), ("md", "Markdown"), ("tex", "LaTeX"), ("eval_results", ".eval_results"))
NOTE = """
<p class="wb-quiet">Scores × 100, small beside them their 95 % intervals. Equal ranks (=) are ties: no test tells them
apart. Partial runs are never ranked with full ones. Figures in italics are printed in the paper, after fine-tuning, and
not ranked.</p>
"""


@dataclass(frozen=True, slots=True)
class Controls:
    """What the visitor sets."""

    suite: gr.Dropdown
    search: gr.Textbox
    pickers: tuple[gr.Dropdown, ...]
    partial: gr.Checkbox
    published: gr.Checkbox
    columns: gr.CheckboxGroup
    task: gr.Dropdown
    show: gr.Dropdown

    def filters(self) -> list[Any]:
        """Return the controls above the table, in the order of `NAMES`."""
        return [self.suite, self.search, *self.pickers, self.partial, self.published, self.columns]


NAMES = ("suite", "search", *(key for key, _ in PICKERS), "partial", "published", "columns")


@dataclass(frozen=True, slots=True)
class Parts:
    """What is drawn."""

    charts: gr.HTML
    tasks: gr.HTML
    table: gr.HTML
    compare: gr.HTML
    samples: gr.HTML

    def all(self) -> list[gr.HTML]:
        """Return the parts in the order of `Shown`."""
        return [self.charts, self.tasks, self.table, self.compare, self.samples]


def build_leaderboard_tab(services: Services, tab: gr.Tab) -> None:
    """Place the tab, wire it, and name the endpoint."""
    handlers = BoardHandlers(services.evaluator(), Contexts(services.planner()))
    query = gr.Textbox("", visible="hidden", elem_id="board-query")
    with gr.Column(elem_id="board"):
        controls, parts, exports, link, notice = _place()
    _wire(handlers, tab, query, controls, parts)
    _wire_exports(handlers, query, exports, link, notice)
    gr.api(BoardEndpoint(handlers).leaderboard, api_name="leaderboard", queue=False)


def _place() -> tuple[Controls, Parts, list[gr.Button], gr.Button, gr.HTML]:
    with gr.Row(elem_id="board-top", equal_height=False):
        suite = gr.Dropdown([], label="Suite", min_width=160, elem_id="board-suite")
        search = gr.Textbox(
            label="Search", placeholder="Checkpoint", max_lines=1, min_width=140, elem_id="board-search"
        )
        pickers = tuple(
            gr.Dropdown(
                [ANY, *PARAMETERS] if key == "parameters" else [ANY],
                value=ANY,
                label=label,
                min_width=100,
                elem_id=f"board-{key}",
            )
            for key, label in PICKERS
        )
    charts = _html("board-charts")
    with gr.Row(elem_id="board-line", equal_height=False):
        gr.HTML("<h3>Runs</h3>", apply_default_css=False, elem_id="board-heading")
        partial = gr.Checkbox(True, label="Partial runs", container=False, elem_id="board-partial")
        published = gr.Checkbox(True, label="Published figures", container=False, elem_id="board-published")
        with gr.Row(elem_id="board-tools", elem_classes="wb-tools"):
            link = gr.Button("Copy link", size="sm", elem_classes="wb-quiet-button", elem_id="board-link")
            exports = [
                gr.Button(title, size="sm", elem_classes="wb-quiet-button", elem_id=f"board-export-{kind}")
                for kind, title in EXPORTS
            ]
    with gr.Accordion("Columns", open=False, elem_id="board-columns-fold"):
        columns = gr.CheckboxGroup(
            [(title, key) for key, title in OPTIONAL.items()],
            value=list(View().columns),
            label="Columns",
            show_label=False,
            container=False,
            elem_id="board-columns",
        )
    notice = gr.HTML("", apply_default_css=False, elem_id="board-notice")
    table = _html("board-table")
    gr.HTML(NOTE, apply_default_css=False)
    tasks = _html("board-tasks")
    gr.HTML("<h3>Compare two runs</h3>", apply_default_css=False, elem_id="board-compare-head")
    compare = _html("board-compare")
    with gr.Row(elem_id="board-browse", equal_height=False):
        task = gr.Dropdown([], label="Samples of", visible=False, min_width=140, elem_id="board-task")
        show = gr.Dropdown(
            [(words, key) for key, words in SHOWN.items()],
            value="all",
            label="Show",
            visible=False,
            min_width=160,
            elem_id="board-show",
        )
    samples = _html("board-samples")
    controls = Controls(suite, search, pickers, partial, published, columns, task, show)
    return controls, Parts(charts, tasks, table, compare, samples), exports, link, notice


def _html(ident: str) -> gr.HTML:
    return gr.HTML("", apply_default_css=False, js_on_load=SCRIPT, elem_id=ident)


def _wire(handlers: BoardHandlers, tab: gr.Tab, query: gr.Textbox, controls: Controls, parts: Parts) -> None:
    browse = [controls.task, controls.show]
    drawn = [query, *browse, *parts.all()]

    def answer(view: View, before: View | None) -> list[Any]:
        changed = before is None or not view.same(before, "a", "b", "task", "show")
        sampled = _browse_updates(handlers, view) if changed else [gr.skip(), gr.skip()]
        return [to_query(view), *sampled, *_updates(handlers.shown(view, before))]

    def opened(sent: str) -> list[Any]:
        view = from_query(sent)
        return [*answer(view, None), *_filter_updates(handlers, view)]

    def acted(sent: str, event: gr.EventData) -> list[Any]:
        before = from_query(sent)
        return answer(handlers.acted(before, _asked(event)), before)

    def filtered(sent: str, *values: Any) -> list[Any]:
        before = from_query(sent)
        return answer(handlers.filtered(before, dict(zip(NAMES, values, strict=True))), before)

    def browsed(sent: str, task: str | None, show: str | None) -> list[Any]:
        before = from_query(sent)
        return answer(handlers.filtered(before, {"task": task or "", "show": show or "all", "page": 1}), before)

    tab.select(opened, query, [*drawn, *controls.filters()], js="(kept) => [kept || location.search]", **CHEAP).then(
        None, query, None, js="(query) => board.remember(query)"
    )
    for part in parts.all():
        part.act(acted, query, drawn, **CHEAP)
    for control in controls.filters():
        # A text box tells of typing by `change`; the others by `input`, which is silent while a link sets them.
        used = control.change if control is controls.search else control.input
        used(filtered, [query, *controls.filters()], drawn, trigger_mode="always_last", **CHEAP)
    for control in browse:
        control.input(browsed, [query, *browse], drawn, **CHEAP)
    query.change(None, query, None, js="(query) => board.remember(query)")


def _wire_exports(
    handlers: BoardHandlers, query: gr.Textbox, exports: list[gr.Button], link: gr.Button, notice: gr.HTML
) -> None:
    carried = gr.Textbox("", visible="hidden", elem_id="board-carried")
    link.click(None, query, None, js="(query) => board.copyLink(query)")
    for button, (kind, _) in zip(exports, EXPORTS, strict=True):

        def export(sent: str, kind: str = kind) -> tuple[str, str]:
            try:
                return json.dumps(handlers.export(from_query(sent), kind)._asdict()), ""
            except WorkbenchError as error:
                return "", problem(error.what, error.expected, error.remedy)

        button.click(export, query, [carried, notice], **CHEAP).then(
            None, carried, None, js="(carried) => board.save(carried)"
        )


def _asked(event: gr.EventData) -> str:
    """Return what was clicked; a forged event may carry anything."""
    data = event._data if isinstance(event._data, dict) else {}
    return str(data.get("act", ""))


def _updates(shown: Shown) -> list[Any]:
    return [gr.skip() if html is None else html for html in shown]


def _filter_updates(handlers: BoardHandlers, view: View) -> list[Any]:
    """Return the filters as a link wants them; a value that no longer occurs stays in its list."""
    names, options = list(handlers.suites()), handlers.options()
    if view.suite and view.suite not in names:
        match = next((name for name in names if name.rpartition("@")[0] == view.suite), "")
        names = names if match else [*names, view.suite]
        suite = match or view.suite
    else:
        suite = view.suite or (names[0] if names else "")
    updates: list[Any] = [gr.update(choices=names, value=suite or None), view.search]
    for key, _ in PICKERS:
        value = getattr(view, key)
        offered = list(PARAMETERS) if key == "parameters" else options[key]
        updates.append(gr.update(choices=[ANY, *offered, *({value} - {ANY, *offered})], value=value))
    return [*updates, view.partial, view.published, list(view.columns)]


def _browse_updates(handlers: BoardHandlers, view: View) -> list[Any]:
    offered = handlers.sample_choices(view)
    visible = bool(offered.tasks)
    shows = [(SHOWN[show], show) for show in offered.shows]
    return [
        gr.update(choices=list(offered.tasks), value=offered.task or None, visible=visible),
        gr.update(choices=shows, value=offered.show if shows else None, visible=visible),
    ]
