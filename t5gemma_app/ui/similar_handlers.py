"""The steps around similarity on the Look inside tab: two lists, and the nearest rows of a file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from t5gemma_app.checkpoints.records import Checkpoint, Head
from t5gemma_app.errors import InputError, WorkbenchError
from t5gemma_app.services import Services
from t5gemma_app.tasks.embedding import nearest, similarities
from t5gemma_app.tasks.files.table import Table, check_columns, open_table, read_rows
from t5gemma_app.ui.access_words import checkpoint_choices, opening_checkpoint
from t5gemma_app.ui.look_view import nearest_html, similarity_html, similarity_svg
from t5gemma_app.ui.markup import problem
from t5gemma_app.ui.thread import loading_html, progress_html
from t5gemma_app.ui.visitors import visitor_of_page

ANY_HEAD: tuple[Head, ...] = ("none", "encoder", "token", "sequence")
MOST_LINES = 40
"""Texts of a list; a heat map of more shows nothing."""
MOST_ROWS = 2_000
"""Rows of a file that are read for one question; somebody waits for it."""
CHUNK = 64
NEAREST = 10
_USUAL = ("text", "sentence", "review", "content", "body", "message", "question")


@dataclass(frozen=True, slots=True)
class SimilarHandlers:
    """The steps of the tab's second part."""

    services: Services

    def choices(self) -> list[tuple[str, str]]:
        """Return (label, name) of all checkpoints: each has an encoder."""
        return checkpoint_choices(self.services, ANY_HEAD)

    def opening(self) -> Checkpoint | None:
        """Return what the part opens with."""
        return opening_checkpoint(self.services)

    def refreshed(self, chosen: str | None) -> Any:
        """Return the list of checkpoints as it is now."""
        choices, opening = self.choices(), self.opening()
        kept = chosen if chosen in {name for _, name in choices} else opening.name if opening else None
        return gr.update(choices=choices, value=kept)

    def compare(
        self, request: gr.Request, first: Any, second: Any, name: Any, pooling: Any
    ) -> Iterator[tuple[str, str]]:
        """Compare two lists, or one with itself; yields the heat map and what the browser keeps of it."""
        try:
            rows = lines_of(first, "first")
            columns = lines_of(second, "second") if str(second or "").strip() else rows
            checkpoint = self._ready(name)
            for loading in self.services.engine.load(checkpoint):
                yield loading_html(loading), ""
            yield progress_html("Reading the texts …"), ""
            texts = list(dict.fromkeys([*rows, *columns]))
            visitor = visitor_of_page(request)
            vectors = self.services.embedder.embed(checkpoint, texts, str(pooling), urgent=True, visitor=visitor)
            of = dict(zip(texts, vectors, strict=True))
            table = similarities([of[row] for row in rows], [of[column] for column in columns])
        except WorkbenchError as error:
            yield problem(error.what, error.expected, error.remedy), ""
            return
        rounded = [[round(value, 5) for value in row] for row in table]
        yield similarity_html(rows, columns, table), json.dumps({"rows": rows, "columns": columns, "table": rounded})

    def saved(self, kept: str) -> tuple[str, str]:
        """Return the heat map for the browser to save as JSON (name, type, content), and what went wrong."""
        try:
            rows, columns, table = _unpacked(kept)
            svg = similarity_svg(rows, columns, table)
        except WorkbenchError as error:
            return "", problem(error.what, error.expected, error.remedy)
        return json.dumps({"name": "similarity.svg", "type": "image/svg+xml", "content": svg}), ""

    def looked(self, path: Any) -> tuple[Any, str]:
        """Return the columns of an uploaded file, and what is wrong with it."""
        hidden = gr.update(choices=[], value=None, visible=False)
        if not path:
            return hidden, ""
        try:
            table = self._table(path)
        except WorkbenchError as error:
            return hidden, problem(error.what, error.expected, error.remedy)
        column = next((name for name in _USUAL if name in table.columns), table.columns[0])
        return gr.update(choices=list(table.columns), value=column, visible=True), ""

    def nearest(
        self, request: gr.Request, question: Any, path: Any, column: Any, name: Any, pooling: Any
    ) -> Iterator[str]:
        """Find the rows of a file that are most like a question; yields progress, then the rows."""
        try:
            asked = str(question or "")
            if not asked.strip():
                raise InputError("The question is empty.", remedy="Write what to look for.")
            table = self._table(path)
            check_columns(table, [str(column or "")])
            checkpoint = self._ready(name)
            for loading in self.services.engine.load(checkpoint):
                yield loading_html(loading)
            embedder, texts = self.services.embedder, first_texts(table, str(column))
            visitor, chosen = visitor_of_page(request), embedder.pooling(str(pooling))
            (wanted,) = embedder.embed(checkpoint, [asked], chosen, urgent=True, visitor=visitor)
            vectors = []
            for begin in range(0, len(texts), CHUNK):
                yield progress_html(f"Reading row {begin + 1:,} of {len(texts):,} …")
                part = [text or "–" for text in texts[begin : begin + CHUNK]]
                vectors += self.services.engine.embed(checkpoint, part, chosen, urgent=True, visitor=visitor)
        except WorkbenchError as error:
            yield problem(error.what, error.expected, error.remedy)
            return
        readable = [at for at, (text, vector) in enumerate(zip(texts, vectors, strict=True)) if text and vector]
        found = nearest(wanted, [vectors[at] for at in readable], NEAREST)
        placed = [near._replace(row=readable[near.row]) for near in found]
        yield nearest_html(placed, texts, len(texts), table.rows)

    def _ready(self, name: Any) -> Checkpoint:
        checkpoint = self.services.catalogue.find(str(name or ""))
        access = self.services.access.of(checkpoint)
        if not access.ready:
            raise InputError(f"{checkpoint.name} can't be used yet.", expected=access.sentence)
        return checkpoint

    def _table(self, path: Any) -> Table:
        if not path or not Path(str(path)).is_file():
            raise InputError("There is no file.", remedy="Choose one first.")
        return open_table(Path(str(path)), most_rows=self.services.settings.max_rows)


def lines_of(written: Any, which: str) -> list[str]:
    """Return the texts of a list, one a line.

    Raises:
        InputError: There are none or too many.
    """
    lines = [line.strip() for line in str(written or "").splitlines() if line.strip()]
    if not 1 <= len(lines) <= MOST_LINES:
        raise InputError(
            f"The {which} list has {len(lines)} texts." if lines else f"The {which} list is empty.",
            expected=f"1 to {MOST_LINES} texts, each on a line of its own.",
        )
    return lines


def first_texts(table: Table, column: str) -> list[str]:
    """Return a column's first texts; rows without one are empty."""
    texts = []
    for row in read_rows(table):
        value = row.get(column)
        texts.append(str(value) if isinstance(value, str | int | float) and str(value).strip() else "")
        if len(texts) == MOST_ROWS:
            break
    return texts


def _unpacked(kept: str) -> tuple[list[str], list[str], list[list[float]]]:
    """Return what the browser kept of a comparison; it may have been changed there."""
    if not kept:
        raise InputError("Nothing was compared yet.", remedy="Compare two lists first.")
    try:
        data = json.loads(kept)
        rows, columns = ([str(text) for text in data[side]][:MOST_LINES] for side in ("rows", "columns"))
        table = [[float(value) for value in row] for row in data["table"]]
        if not table or len(table) != len(rows) or any(len(row) != len(columns) for row in table):
            raise ValueError(kept)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError("What this browser kept is damaged.", remedy="Compare the lists again.") from error
    return rows, columns, table
