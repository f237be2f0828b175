"""The steps of the Tag tab: values of the page in, HTML out; the browser keeps what was found for the exports."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import gradio as gr

from t5gemma_app.checkpoints.records import Checkpoint, Head
from t5gemma_app.engine.types import Loading, Waiting
from t5gemma_app.errors import InputError, WorkbenchError
from t5gemma_app.services import Services
from t5gemma_app.tasks.annotations import to_conll, to_json
from t5gemma_app.tasks.extraction import Asking, Extracted
from t5gemma_app.tasks.files.jobs import FileOrder
from t5gemma_app.tasks.files.table import Table, preview
from t5gemma_app.tasks.schemes import label_map
from t5gemma_app.tasks.tag_rows import TASK, TagOrder, holds_words, tag_rows
from t5gemma_app.tasks.tagging import TagOptions, text_input
from t5gemma_app.ui.access_words import access_html, checkpoint_choices, opening_checkpoint
from t5gemma_app.ui.markup import problem, text
from t5gemma_app.ui.picker import refreshed
from t5gemma_app.ui.tag_carried import pack, unpack
from t5gemma_app.ui.tag_view import tagged_html
from t5gemma_app.ui.thread import loading_html, progress_html, waiting_html
from t5gemma_app.ui.visitors import visitor_of_page

HEADS: tuple[Head, ...] = ("token", "none")
EVERY, FIRST = "every place", "the first place"
EXPORTS = {"json": ("JSON", "application/json"), "conll": ("CoNLL", "text/plain")}
EXAMPLES = (
    "Ada Lovelace wrote to Charles Babbage from London in 1843.",
    "The ferry from Bergen to Oslo was late, so Mia and Jon Bell missed the concert in Drammen.",
    "Anna bought three tickets to Madrid and gave two of them to her sister Clara.",
    "On Monday the Nobel committee in Stockholm will call Tu Youyou.",
)
RANDOM = "The head's weights are random: these labels mean nothing."


class Shown(NamedTuple):
    """What a step changes: the result, what the browser keeps of it, and the two buttons."""

    result: Any
    carried: Any
    start: Any
    stop: Any


@dataclass(frozen=True, slots=True)
class TagHandlers:
    """The steps of the tab."""

    services: Services

    def choices(self) -> list[tuple[str, str]]:
        """Return (label, name): checkpoints with a token head first, then those that can be asked for labels."""
        return checkpoint_choices(self.services, HEADS)

    def opening(self) -> Checkpoint | None:
        """Return what the tab opens with: a token head where one can be used, else what chats."""
        heads = (c for c in self.services.catalogue.all() if c.head == "token" and not c.random_head)
        return next((c for c in heads if self.services.access.of(c).ready), None) or opening_checkpoint(self.services)

    def refreshed(self, chosen: str | None) -> Any:
        """Return the list of checkpoints as it is now."""
        return refreshed(self.choices(), chosen, self.opening())

    def picked(self, name: str | None) -> tuple[str, Any, Any, str]:
        """Return what stands in a checkpoint's way, the controls that suit it, and what it can do."""
        checkpoint = self._found(name)
        asks = checkpoint is not None and checkpoint.head == "none"
        access = access_html(self.services.access.of(checkpoint)) if checkpoint else ""
        return access, gr.update(visible=asks), gr.update(visible=not asks), start_html(checkpoint)

    def tag(self, request: gr.Request, *values: Any) -> Iterator[Shown]:
        """Tag a text; yields progress, then the result.

        Args:
            request: Whose page it is.
            values: Text, checkpoint, labels, places, aggregation, scheme, and whether random heads are taken.
        """
        written, name, labels, places, aggregation, scheme, random_head = values
        busy = gr.update(visible=False), gr.update(visible=True)
        idle = gr.update(visible=True), gr.update(visible=False)
        try:
            checkpoint = self.services.catalogue.find(str(name or ""))
            options = TagOptions(aggregation, str(scheme), random_head=bool(random_head))
            visitor = visitor_of_page(request)
            steps = (
                self._asked(checkpoint, str(written), labels, places != FIRST, visitor)
                if checkpoint.head == "none"
                else self._read(checkpoint, str(written), options, visitor)
            )
            for step in steps:
                if isinstance(step, str):
                    yield Shown(step, gr.skip(), *busy)
                else:
                    warning = RANDOM if checkpoint.random_head else ""
                    html = tagged_html(step.tagged, step.dropped, warning)
                    yield Shown(html, pack(step.tagged), *idle)
        except WorkbenchError as error:
            yield Shown(problem(error.what, error.expected, error.remedy), "", *idle)

    def stopped(self) -> Shown:
        """Return the tab after Stop."""
        return Shown("", "", gr.update(visible=True), gr.update(visible=False))

    def export(self, carried: str, threshold: Any, kind: str) -> tuple[str, str]:
        """Return a file for the browser to save as JSON (name, type, content), and what went wrong."""
        try:
            if not carried:
                raise InputError("Nothing was tagged yet.", remedy="Tag a text first.")
            tagged = unpack(carried).above(float(threshold or 0))
            content = to_json([tagged]) if kind == "json" else to_conll([tagged])
        except WorkbenchError as error:
            return "", problem(error.what, error.expected, error.remedy)
        ending = "json" if kind == "json" else "conll"
        return json.dumps({"name": f"tags.{ending}", "type": EXPORTS[kind][1], "content": content}), ""

    def file_order(self, table: Table, columns: tuple[str, ...], values: tuple[Any, ...]) -> FileOrder:
        """Return what is to be done with a file.

        Args:
            table: The file; its first row says whether it holds words in place of texts.
            columns: The chosen column.
            values: Checkpoint, labels, places, aggregation, scheme, whether random heads are taken, and a threshold.

        Raises:
            WorkbenchError: It can't be done; the message says why.
        """
        name, labels, places, aggregation, scheme, random_head, threshold = values
        checkpoint = self.services.catalogue.find(str(name or ""))
        asks = checkpoint.head == "none"
        options = TagOptions(aggregation, str(scheme), float(threshold or 0), bool(random_head))
        first = preview(table, 1)
        order = TagOrder(
            options=TagOptions() if asks else options,
            labels=str(labels or "") if asks else "",
            every=places != FIRST,
            words=bool(columns and first) and holds_words(first[0].get(columns[0])),
        )
        tag_rows(self.services.tagger, self.services.extractor, checkpoint, order)
        self._require_access(checkpoint)
        return FileOrder(TASK, checkpoint.name, columns, order.to_data())

    def _read(
        self, checkpoint: Checkpoint, written: str, options: TagOptions, visitor: str
    ) -> Iterator[str | Extracted]:
        """Tag with a head."""
        one = text_input(written)
        self.services.tagger.labels(checkpoint, options)
        self._require_access(checkpoint)
        for event in self.services.engine.load(checkpoint):
            yield loading_html(event)
        yield progress_html("Reading the text …")
        (tagged,) = self.services.tagger.tag(checkpoint, [one], options, urgent=True, visitor=visitor)
        yield Extracted(tagged, ())

    def _asked(
        self, checkpoint: Checkpoint, written: str, labels: Any, every: bool, visitor: str
    ) -> Iterator[str | Extracted]:
        """Tag by asking for each label."""
        self.services.extractor.checked(checkpoint, written, str(labels or ""))
        self._require_access(checkpoint)
        asking = ""
        for step in self.services.extractor.ask(checkpoint, written, str(labels or ""), every=every, visitor=visitor):
            if isinstance(step, Extracted):
                yield step
            elif isinstance(step, Asking):
                asking = progress_html(f"Looking for {step.label}, {step.number} of {step.of} …")
                yield asking
            elif isinstance(step, Loading):
                yield loading_html(step)
            elif isinstance(step, Waiting):
                yield waiting_html(step)
            else:
                yield asking

    def _require_access(self, checkpoint: Checkpoint) -> None:
        access = self.services.access.of(checkpoint)
        if not access.ready:
            raise InputError(f"{checkpoint.name} can't be used yet.", expected=access.sentence)

    def _found(self, name: str | None) -> Checkpoint | None:
        try:
            return self.services.catalogue.find(str(name or ""))
        except WorkbenchError:
            return None


def start_html(checkpoint: Checkpoint | None) -> str:
    """Return what the tab shows before anything was tagged: what the checkpoint does, and texts to try."""
    if checkpoint is None:
        return '<div class="wb-start"><h2>No checkpoint yet</h2><p>Choose one above.</p></div>'
    if checkpoint.head == "token":
        about = f"Labels the words of a text: {', '.join(_kinds(checkpoint))}."
    else:
        about = (
            "It has no token head. It is asked for each label you name, and what it answers is looked up in the text: "
            "what the text does not hold is left out."
        )
    texts = checkpoint.examples if checkpoint.head == "token" and checkpoint.examples else EXAMPLES
    buttons = "".join(
        f'<button type="button" class="wb-example" data-tag-text="{text(one)}">{text(one)}</button>'
        for one in texts[:4]
    )
    return (
        f'<div class="wb-start wb-tag-start"><h2>{text(checkpoint.name)}</h2><p>{text(about)}</p>'
        f'<div class="wb-examples">{buttons}</div></div>'
    )


def _kinds(checkpoint: Checkpoint) -> list[str]:
    """Return what a head tells apart, as far as the names of its labels say it."""
    try:
        return list(label_map(checkpoint.labels).names)[:40]
    except WorkbenchError:
        return list(checkpoint.labels[:40])
