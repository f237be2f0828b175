"""The steps of a tab for files: looking at one, starting it, and following it while it is worked on."""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr

from t5gemma_app.errors import InputError, UnknownRunError, WorkbenchError
from t5gemma_app.services import Services
from t5gemma_app.tasks.files.jobs import FileJob, FileOrder
from t5gemma_app.tasks.files.running import FileProgress
from t5gemma_app.tasks.files.table import FORMATS, Format, Table, open_table, preview
from t5gemma_app.ui.file_view import jobs_html, preview_html
from t5gemma_app.ui.markup import problem
from t5gemma_app.ui.visitors import visitor_of_page

LISTED = 8
"""Files of one browser that are followed."""
NO_PAIR = "none"
DOWNLOADS, DOWNLOAD_SECONDS = "t5gemma-downloads", 600.0
"""Folder of the system's temporary ones in which files to download are written, and how long they stay."""
USUAL = ("text", "sentence", "review", "content", "body", "message", "question")
"""Columns that hold the text in most files."""

OrderOf = Callable[[Table, tuple[str, ...], tuple[Any, ...]], FileOrder]
"""Makes an order of a file, its chosen columns and the tab's controls; raises `WorkbenchError` where it can't."""


class Looked(NamedTuple):
    """What choosing a file changes: the preview, the two columns, the start button, and a notice."""

    preview: Any
    column: Any
    second: Any
    start: Any
    notice: Any


@dataclass(frozen=True, slots=True)
class FileHandlers:
    """The steps around files."""

    services: Services
    order_of: OrderOf
    pairs: bool = True
    """Whether a second column may belong to the first."""
    usual: tuple[str, ...] = USUAL
    """Columns that are chosen at first, the first that is there."""

    def looked(self, path: Any) -> Looked:
        """Return the first rows of an uploaded file and its columns."""
        hidden = gr.update(choices=[], value=None, visible=False)
        if not path:
            return Looked("", hidden, hidden, gr.update(interactive=False), "")
        try:
            table = self._table(path)
            column = next((name for name in self.usual if name in table.columns), table.columns[0])
            return Looked(
                preview_html(table, preview(table), [column]),
                gr.update(choices=list(table.columns), value=column, visible=True),
                gr.update(
                    choices=[NO_PAIR, *table.columns], value=NO_PAIR, visible=self.pairs and len(table.columns) > 1
                ),
                gr.update(interactive=True),
                "",
            )
        except WorkbenchError as error:
            return Looked("", hidden, hidden, gr.update(interactive=False), _said(error))

    def marked(self, path: Any, column: Any, second: Any) -> Any:
        """Return the first rows with other columns chosen."""
        try:
            table = self._table(path)
            return preview_html(table, preview(table), _columns(column, second))
        except WorkbenchError:
            return gr.skip()

    def start(
        self, request: gr.Request, ids: Any, path: Any, column: Any, second: Any, *values: Any
    ) -> tuple[Any, str, Any]:
        """Queue a file; returns this browser's files, a notice, and the upload, emptied where all went well."""
        try:
            table = self._table(path)
            order = self.order_of(table, _columns(column, second), values)
            owner = "" if self.services.settings.local else visitor_of_page(request)
            job = self.services.files().add(table, order, owner)
        except WorkbenchError as error:
            return gr.skip(), _said(error), gr.skip()
        return [job.id, *_ids(ids)][:LISTED], "", None

    def shown(self, ids: Any, before: Any) -> tuple[Any, Any, Any]:
        """Return this browser's files, whether to look again soon, and what was shown; nothing where it is the same."""
        jobs = self._jobs(ids)
        html = jobs_html(jobs)
        going = any(job.state.open for job, _ in jobs)
        if html == before:
            return gr.skip(), gr.Timer(active=going), gr.skip()
        return html, gr.Timer(active=going), html

    def steered(self, ids: Any, event: gr.EventData) -> tuple[Any, str, Any]:
        """Do what a button of a file says; returns this browser's files, a notice, and a file to download."""
        act, job_id = str(event._data.get("act", "")), str(event._data.get("job", ""))
        kept, files = _ids(ids), self.services.files()
        try:
            if job_id not in kept:
                raise UnknownRunError("This file is not here any more.")
            if act.startswith("get-"):
                return gr.skip(), "", gr.update(value=self._written(job_id, act.removeprefix("get-")), visible=True)
            steps = {"cancel": files.cancel, "resume": files.resume, "remove": files.remove}
            if act not in steps:
                raise InputError(f"A file can't be {act[:40]!r}.")
            steps[act](job_id)
        except WorkbenchError as error:
            return gr.skip(), _said(error), gr.skip()
        return [one for one in kept if act != "remove" or one != job_id], "", gr.update(visible=False)

    def _written(self, job_id: str, kind: str) -> str:
        """Write a file with what was found and return where; Gradio takes a copy, and deletes that after a day."""
        if kind not in FORMATS:
            raise InputError(f"There is no format {kind[:40]!r}.", expected=", ".join(FORMATS))
        chosen: Format = kind
        job = self.services.files().get(job_id)
        stem = "".join(c if c.isalnum() or c in "-_. " else "_" for c in Path(job.table.name).stem)[:60] or "file"
        folder = _fresh_folder()
        path = folder / f"{stem}-labelled.{kind}"
        try:
            self.services.files().write(job_id, chosen, path)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return str(path)

    def _jobs(self, ids: Any) -> list[tuple[FileJob, FileProgress]]:
        files, found = self.services.files(), []
        for job_id in _ids(ids):
            try:
                found.append((files.get(job_id), files.progress(job_id)))
            except WorkbenchError:
                continue  # it was deleted, here or because newer ones came
        return found

    def _table(self, path: Any) -> Table:
        if not path or not Path(str(path)).is_file():
            raise InputError("There is no file.", remedy="Choose one first.")
        return open_table(Path(str(path)), most_rows=self.services.settings.max_rows)


def _fresh_folder() -> Path:
    """Return an empty folder for one file, and remove earlier ones whose files Gradio has copied long since."""
    home = Path(tempfile.gettempdir()) / DOWNLOADS
    home.mkdir(exist_ok=True)
    for old in home.iterdir():
        with contextlib.suppress(OSError):  # another download may have removed it
            if time.time() - old.stat().st_mtime > DOWNLOAD_SECONDS:
                shutil.rmtree(old, ignore_errors=True)
    return Path(tempfile.mkdtemp(dir=home))


def _columns(column: Any, second: Any) -> tuple[str, ...]:
    return tuple(str(name) for name in (column, second) if name and name != NO_PAIR)


def _ids(value: Any) -> list[str]:
    """Return the ids that the browser keeps; whatever else is stored there is left out."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return []
    return [one for one in value if isinstance(one, str)][:LISTED] if isinstance(value, list) else []


def _said(error: WorkbenchError) -> str:
    return problem(error.what, error.expected, error.remedy)
