"""The Models tab: the catalogue as a table, and the chosen checkpoint beside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

from t5gemma_app.services import Services
from t5gemma_app.ui.chat_tab import CHEAP
from t5gemma_app.ui.models_handlers import HEADERS, Filters, ModelsHandlers
from t5gemma_app.ui.running import answer_group

WIDTHS = ("310px", "150px", "100px", "100px", "130px", "120px", "150px", "150px", "140px")
HINT = (
    '<div class="wb-detail"><p class="wb-quiet">Select a row to see what it needs and whether it runs here.</p></div>'
)


def build_models_tab(services: Services, tab: gr.Tab) -> None:
    """Place the tab and wire it."""
    handlers = ModelsHandlers(services)
    filters = _filters(handlers.options())
    table = gr.Dataframe(
        handlers.rows(Filters()),
        headers=list(HEADERS),
        datatype="str",
        type="array",
        interactive=False,
        show_label=False,
        label="Checkpoints",
        max_height=340,
        column_widths=list(WIDTHS),
        buttons=[],
        elem_id="models-table",
    )
    with gr.Row(elem_id="models-head", equal_height=False):
        heading = gr.HTML(HINT, apply_default_css=False, elem_id="detail-heading")
        load = gr.Button("Load", variant="primary", visible=False, scale=0, min_width=96, elem_id="load")
        unload = gr.Button("Unload", visible=False, scale=0, min_width=96, elem_id="unload")
    progress = gr.HTML("", apply_default_css=False, elem_id="load-progress")
    detail = gr.HTML("", apply_default_css=False, elem_id="detail")
    name = gr.Textbox("", visible="hidden", elem_id="chosen-model")
    shown = [heading, load, unload, detail]

    def filtered(*values: Any) -> list[list[str]]:
        return handlers.rows(Filters(*values))

    for control in filters:
        control.change(filtered, filters, table, **CHEAP)
    tab.select(filtered, filters, table, **CHEAP)
    table.select(_row_name, None, name, **CHEAP).then(handlers.detail, name, shown, **CHEAP)
    _wire_loading(handlers, name, (load, unload), progress, shown, (filtered, filters, table))


def _wire_loading(
    handlers: ModelsHandlers,
    name: gr.Textbox,
    buttons: tuple[gr.Button, gr.Button],
    progress: gr.HTML,
    shown: list[Any],
    refresh: tuple[Any, ...],
) -> None:
    load, unload = buttons

    def loading(chosen: str) -> Iterator[tuple[str, Any]]:
        for html in handlers.load(chosen):
            yield html, gr.update(interactive=False)

    events = [
        load.click(
            loading,
            name,
            [progress, load],
            show_progress="hidden",
            api_visibility="private",
            **answer_group(handlers.services.settings),
        ),
        unload.click(handlers.unload, name, progress, **CHEAP),
    ]
    for event in events:
        event.then(handlers.detail, name, shown, **CHEAP).then(*refresh, **CHEAP)


def _row_name(event: gr.SelectData) -> str:
    """Return the name in the selected row."""
    row = event.row_value
    return str(row[0]) if row else ""


def _filters(options: dict[str, list[str]]) -> list[Any]:
    """Place search and filters; in the order of `Filters`."""
    with gr.Row(elem_id="models-filters", equal_height=False):
        search = gr.Textbox(
            label="Search", placeholder="Name or label", max_lines=1, min_width=160, elem_id="models-search"
        )
        pickers = [
            gr.Dropdown(options[key], value=options[key][0], label=label, min_width=120, elem_id=f"models-{key}")
            for key, label in (
                ("kind", "Kind"),
                ("size", "Size"),
                ("stage", "Stage"),
                ("objective", "Objective"),
                ("source", "Source"),
            )
        ]
        fits = gr.Checkbox(False, label="Fits here", min_width=110, elem_id="models-fits")
    return [search, *pickers, fits]
