"""The steps of the Classify tab for texts: values of the page in, HTML out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import gradio as gr

from t5gemma_app.checkpoints.records import Checkpoint, Head
from t5gemma_app.engine.types import HeadInput
from t5gemma_app.errors import InputError, WorkbenchError
from t5gemma_app.services import Services
from t5gemma_app.tasks.classification import Classifier, ClassifyOptions
from t5gemma_app.tasks.classify_rows import TASK
from t5gemma_app.tasks.files.jobs import FileOrder
from t5gemma_app.tasks.files.table import Table
from t5gemma_app.tasks.labels import NONE
from t5gemma_app.tasks.occlusion import occlude
from t5gemma_app.tasks.verdicts import Unread
from t5gemma_app.ui.access_words import access_html, checkpoint_choices, opening_checkpoint
from t5gemma_app.ui.classify_view import start_html, verdict_html, why_html
from t5gemma_app.ui.markup import bar, problem
from t5gemma_app.ui.picker import refreshed
from t5gemma_app.ui.thread import loading_html, progress_html
from t5gemma_app.ui.visitors import visitor_of_page

HEADS: tuple[Head, ...] = ("sequence", "none")
TEXT, PAIR, FILE = "A text", "Two texts", "A file"
MODES = (TEXT, PAIR, FILE)
FIRST_LABELS = ("positive", "negative")


class Options(NamedTuple):
    """The controls that say how, in their order."""

    checkpoint: Any
    labels: Any
    wording: Any
    several: Any
    none: Any
    calibrate: Any
    normalise: Any
    whole: Any
    threshold: Any
    random_head: Any


class Shown(NamedTuple):
    """What a step changes: the result, the view of its words, the buttons, and the label that was said."""

    result: Any
    why: Any
    start: Any
    stop: Any
    ask_why: Any
    said: Any


BUSY = gr.update(visible=False), gr.update(visible=True), gr.update(visible=False)
IDLE = gr.update(visible=True), gr.update(visible=False), gr.update(visible=False)
ANSWERED = gr.update(visible=True), gr.update(visible=False), gr.update(visible=True)


@dataclass(frozen=True, slots=True)
class ClassifyHandlers:
    """The steps of the tab."""

    services: Services

    def choices(self) -> list[tuple[str, str]]:
        """Return (label, name): checkpoints with a sequence head first, then those that write."""
        return checkpoint_choices(self.services, HEADS)

    def opening(self) -> Checkpoint | None:
        """Return what the tab opens with: a sequence head where one can be used, else what chats."""
        heads = (c for c in self.services.catalogue.all() if c.head == "sequence" and not c.random_head)
        return next((c for c in heads if self.services.access.of(c).ready), None) or opening_checkpoint(self.services)

    def refreshed(self, chosen: str | None) -> Any:
        """Return the list of checkpoints as it is now."""
        return refreshed(self.choices(), chosen, self.opening())

    def picked(self, name: str | None, mode: str) -> tuple[Any, ...]:
        """Return what suits a checkpoint: access, the labels, the wishes, the random head, the empty state."""
        checkpoint = self.found(name)
        asks = checkpoint is not None and checkpoint.head == "none"
        access = access_html(self.services.access.of(checkpoint)) if checkpoint else ""
        random = checkpoint is not None and checkpoint.random_head
        return (
            access,
            gr.update(visible=asks),
            gr.update(visible=asks),
            gr.update(visible=random, value=False),
            "" if mode == FILE else start_html(checkpoint),
            "",
            gr.update(visible=False),
        )

    def classify(self, request: gr.Request, written: Any, second: Any, mode: Any, *values: Any) -> Iterator[Shown]:
        """Classify a text, or two; yields progress, then the verdict."""
        try:
            checkpoint, classifier = self.classifier(Options(*values))
            one = self._input(written, second, mode)
            for event in self.services.engine.load(checkpoint):
                yield Shown(loading_html(event), "", *BUSY, "")
            yield Shown(progress_html("Reading the text …"), "", *BUSY, "")
            verdict = classifier.classify([one], urgent=True, visitor=visitor_of_page(request))[0]
            if isinstance(verdict, Unread):
                raise InputError(verdict.why)
            html = verdict_html(verdict, classifier.notes)
            said = (verdict.chosen or tuple(score.label for score in verdict.ranked[:1]) or ("",))[0]
            if not verdict.chosen and verdict.none_probability is not None:
                said = NONE
            yield Shown(html, "", *(ANSWERED if verdict.scores else IDLE), said)
        except WorkbenchError as error:
            yield Shown(problem(error.what, error.expected, error.remedy), "", *IDLE, "")

    def why(self, request: gr.Request, said: Any, written: Any, second: Any, mode: Any, *values: Any) -> Iterator[str]:
        """Leave each word out once; yields progress, then the words that mattered."""
        try:
            _, classifier = self.classifier(Options(*values))
            one = self._input(written, second, mode)
            label = str(said)
            if label not in (*classifier.labels, NONE):
                raise InputError("The labels have changed since.", remedy="Classify again.")
            yield progress_html("Leaving words out …")
            found = None
            for found in occlude(classifier, one, label, visitor_of_page(request)):
                words = f"Leaving words out, {found.done} of {found.total} …"
                yield progress_html(words, bar(found.done / max(1, found.total), f"{found.done} of {found.total}"))
            yield why_html(found, one.text, one.pair or "", label) if found else ""
        except WorkbenchError as error:
            yield problem(error.what, error.expected, error.remedy)

    def stopped(self) -> Shown:
        """Return the tab after Stop."""
        return Shown("", "", *IDLE, "")

    def classifier(self, wishes: Options) -> tuple[Checkpoint, Classifier]:
        """Return what the controls ask for.

        Raises:
            WorkbenchError: It can't be had; the message says why.
        """
        checkpoint = self.services.catalogue.find(str(wishes.checkpoint or ""))
        access = self.services.access.of(checkpoint)
        classifier = self.services.classification.classifier(checkpoint, options_of(checkpoint, wishes))
        if not access.ready:
            raise InputError(f"{checkpoint.name} can't be used yet.", expected=access.sentence)
        return checkpoint, classifier

    def file_order(self, table: Table, columns: tuple[str, ...], values: tuple[Any, ...]) -> FileOrder:
        """Return what is to be done with a file.

        Raises:
            WorkbenchError: It can't be done; the message says why.
        """
        wishes = Options(*values)
        checkpoint, _ = self.classifier(wishes)
        return FileOrder(TASK, checkpoint.name, columns, asdict(options_of(checkpoint, wishes)))

    def found(self, name: str | None) -> Checkpoint | None:
        """Return a checkpoint by its name, or nothing."""
        try:
            return self.services.catalogue.find(str(name or ""))
        except WorkbenchError:
            return None

    def _input(self, written: Any, second: Any, mode: Any) -> HeadInput:
        return self.services.classification.checked(str(written or ""), str(second or "") if mode == PAIR else None)


def options_of(checkpoint: Checkpoint, wishes: Options) -> ClassifyOptions:
    """Return the controls as options; a checkpoint with a head has labels of its own."""
    if checkpoint.head == "sequence":
        return ClassifyOptions(random_head=bool(wishes.random_head), threshold=_share(wishes.threshold))
    return ClassifyOptions(
        labels=chips(wishes.labels),
        wording=str(wishes.wording or ""),
        several=bool(wishes.several),
        none=bool(wishes.none),
        calibrate=bool(wishes.calibrate),
        normalise=bool(wishes.normalise),
        whole=bool(wishes.whole),
        threshold=_share(wishes.threshold),
    )


def chips(values: Any) -> tuple[str, ...]:
    """Return the labels of chips; one that was pasted with commas is several."""
    listed: Sequence[Any] = values if isinstance(values, list | tuple) else [values] if values else []
    return tuple(part for value in listed for part in str(value).replace("\n", ",").split(",") if part.strip())


def _share(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.5
