"""The part of a tab that works on files: choosing one, its first rows, and what becomes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from t5gemma_app.tasks.files.table import SUFFIXES
from t5gemma_app.ui.chat_tab import CHEAP
from t5gemma_app.ui.file_handlers import NO_PAIR, FileHandlers

TICK_SECONDS = 1.0
JOBS_SCRIPT = """
element.addEventListener('click', (event) => {
  const button = event.target.closest('[data-act]');
  if (!button) return;
  const sent = { act: button.dataset.act, job: button.dataset.job };
  if (sent.act !== 'remove' || confirm('Delete this file and its labels from the server?')) trigger('steer', sent);
});
"""
KEY_WORD = "t5gemma-workbench"
"""The word only keeps Gradio from making a new one at each start."""
FLAGS = {"concurrency_id": "files", "concurrency_limit": 2, "show_progress": "hidden", "api_visibility": "private"}


@dataclass(frozen=True, slots=True)
class FileSource:
    """A file and its columns."""

    folder: gr.Column
    upload: gr.File
    column: gr.Dropdown
    second: gr.Dropdown

    @property
    def inputs(self) -> list[Any]:
        """What is chosen."""
        return [self.upload, self.column, self.second]


@dataclass(frozen=True, slots=True)
class Following:
    """What keeps a browser's files; made outside of what is hidden at first.

    Gradio makes hidden parts when they are shown, too late for what is kept.
    """

    kept: gr.BrowserState
    timer: gr.Timer


def build_file_source(prefix: str) -> FileSource:
    """Place the choice of a file, hidden at first; `prefix` begins the ids of its parts."""
    with gr.Column(visible=False, elem_id=f"{prefix}-file", elem_classes="wb-file-source") as folder:
        upload = gr.File(
            label="csv, tsv, jsonl or parquet", file_types=sorted(SUFFIXES), height=148, elem_id=f"{prefix}-upload",
            elem_classes="wb-upload",
        )  # fmt: skip
        with gr.Row(elem_classes="wb-columns", equal_height=False):
            column = gr.Dropdown(
                [], label="Column with the text", visible=False, min_width=120, elem_id=f"{prefix}-column"
            )
            second = gr.Dropdown(
                [NO_PAIR], value=NO_PAIR, label="A second one that belongs to it", visible=False, min_width=120,
                elem_id=f"{prefix}-second",
            )  # fmt: skip
    return FileSource(folder, upload, column, second)


def build_following(key: str) -> Following:
    """Place what keeps a browser's files under a key."""
    return Following(
        gr.BrowserState([], storage_key=key, secret=KEY_WORD),
        gr.Timer(TICK_SECONDS, active=False),
    )


def build_file_part(
    blocks: gr.Blocks,
    handlers: FileHandlers,
    prefix: str,
    source: FileSource,
    start: gr.Button,
    options: Sequence[Any],
    following: Following,
    shown: Any,
) -> None:
    """Place the first rows and the files that are worked on, and wire them.

    Args:
        blocks: The page.
        handlers: The steps.
        prefix: Begins the ids of the parts.
        source: The choice of a file.
        start: The button that starts one.
        options: The controls that say how, as the handlers' order takes them.
        following: What keeps the browser's files.
        shown: An event that shows the part.
    """
    notice = gr.HTML("", apply_default_css=False, elem_id=f"{prefix}-file-notice", elem_classes="wb-file-notice")
    first_rows = gr.HTML("", apply_default_css=False, elem_id=f"{prefix}-preview", elem_classes="wb-file-preview")
    download = gr.File(label="Ready", interactive=False, visible=False, height=64, elem_id=f"{prefix}-download")
    jobs = gr.HTML("", js_on_load=JOBS_SCRIPT, apply_default_css=False, elem_id=f"{prefix}-jobs")
    before = gr.State("")
    kept, timer = following.kept, following.timer
    follow = (handlers.shown, [kept, before], [jobs, timer, before])
    source.upload.change(
        handlers.looked, source.upload, [first_rows, source.column, source.second, start, notice], **FLAGS
    )
    for picker in (source.column, source.second):
        picker.input(handlers.marked, source.inputs, first_rows, **FLAGS)
    starting = start.click(
        handlers.start,
        [kept, *source.inputs, *options],
        [kept, notice, source.upload],
        trigger_mode="once",
        **FLAGS,
    )
    steering = jobs.steer(handlers.steered, kept, [kept, notice, download], **FLAGS)
    steering.then(None, download, None, js=f"() => classifying.fetch('#{prefix}-download')")
    for event in (starting.then, steering.then, blocks.load, timer.tick, shown):
        event(*follow, **CHEAP)
