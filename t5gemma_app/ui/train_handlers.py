"""The steps of the Train tab: looking at rows, checking them, starting a run, and steering it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import gradio as gr

from t5gemma_app.checkpoints.records import Head
from t5gemma_app.errors import InputError, WorkbenchError
from t5gemma_app.services import Services
from t5gemma_app.training.checking import data_order
from t5gemma_app.training.data.reading import SUPERGLUE
from t5gemma_app.training.data.superglue import superglue_names
from t5gemma_app.training.data.tables import Record, first_records
from t5gemma_app.training.desk import TrainDesk
from t5gemma_app.training.jobs import TrainJob, free_name
from t5gemma_app.ui.access_words import checkpoint_choices, opening_checkpoint
from t5gemma_app.ui.markup import problem, text
from t5gemma_app.ui.train_form import FILE, HEADINGS, HUB, KNOWN, NONE, TASKS, TrainWish, usual_columns
from t5gemma_app.ui.train_view import (
    CLOSED,
    OPEN_IT,
    SHARES_GPU,
    TrainView,
    facts_html,
    preview_html,
    runs_html,
    sentence_html,
)

PREVIEW = 8
NAMES = {"classify": "my-classifier", "tag": "my-tagger", "chat": "my-chat"}
HEADS: dict[str, tuple[Head, ...]] = {"chat": ("none",)}
ANY_HEAD: tuple[Head, ...] = ("none", "encoder", "sequence", "token")


class Looked(NamedTuple):
    """What other rows change: the three columns and the first rows."""

    first: Any
    second: Any
    pair: Any
    preview: Any


class Shown(NamedTuple):
    """The runs, the timer that keeps them fresh, and what the page has; `gr.skip()` where nothing changed."""

    runs: Any
    timer: Any
    seen: Any


@dataclass(frozen=True, slots=True)
class TrainHandlers:
    """The steps of the tab."""

    services: Services

    @property
    def open(self) -> bool:
        """Whether whoever opens the page may train."""
        return self.services.settings.visitors_may_train

    @property
    def desk(self) -> TrainDesk:
        """Where runs are ordered and steered, for those who may."""
        return self.services.training()

    def bases(self, teach: Any = "Labels") -> list[tuple[str, str]]:
        """Return (label, name) of checkpoints that can learn so; T5Gemma 2 is not trained here."""
        heads = HEADS.get(TASKS.get(str(teach), ""), ANY_HEAD)
        second = {one.name for one in self.services.catalogue.all() if one.family != "t5gemma"}
        return [(label, name) for label, name in checkpoint_choices(self.services, heads) if name not in second]

    def opening(self) -> str | None:
        """Return the checkpoint that is chosen at first."""
        names = [name for _, name in self.bases()]
        first = opening_checkpoint(self.services)
        return first.name if first and first.name in names else next(iter(names), None)

    def known(self) -> list[tuple[str, str]]:
        """Return (label, key) of sets that can be chosen by name."""
        if not self.open:
            return []
        sets = [(name, name) for name in self.desk.sets.names()]
        settings = self.services.settings
        if settings.superglue_dir is None and settings.offline:
            return sets
        return sets + [(f"SuperGLUE: {name}", SUPERGLUE + name) for name in superglue_names()]

    def suggested(self, teach: Any) -> str:
        """Return a name for a new checkpoint that nobody has yet."""
        wish = NAMES.get(TASKS.get(str(teach), ""), "trained")
        if not self.open:
            return wish
        return free_name(wish, self.desk.taken())

    def closed_html(self) -> str:
        """Return why the tab can't be used, or what a run shares."""
        if not self.open:
            return problem(CLOSED, *OPEN_IT)
        facts = self.services.engine.status().facts
        if facts is not None and any(device.kind == "cuda" for device in facts.devices):
            return f'<p class="wb-quiet">{text(SHARES_GPU)}</p>'
        return ""

    def opened(self, teach: Any, chosen: Any, name: Any) -> tuple[Any, Any, Any, str]:
        """Return what may have changed since: checkpoints, sets, the suggested name, and whether this is closed."""
        choices = self.bases(teach)
        kept = chosen if chosen in {value for _, value in choices} else self.opening()
        suggestion = gr.skip() if name else self.suggested(teach)
        return gr.update(choices=choices, value=kept), gr.update(choices=self.known()), suggestion, self.closed_html()

    def taught(self, teach: Any, chosen: Any, name: Any) -> tuple[Any, Any]:
        """Return the checkpoints that suit another choice of what to teach, and a name unless a person chose one."""
        choices = self.bases(teach)
        kept = chosen if chosen in {name for _, name in choices} else next((name for _, name in choices), None)
        own = bool(name) and not str(name).startswith(tuple(NAMES.values()))
        return gr.update(choices=choices, value=kept), gr.skip() if own else self.suggested(teach)

    def sentence(self, *values: Any) -> str:
        """Return the order to be read aloud; reads no rows."""
        try:
            wish = TrainWish(*values)
            train, _ = wish.uploads()
            rows = train.name if train else wish.rows
            return sentence_html(str(wish.checkpoint or ""), wish.task, rows.removeprefix("hub:"), str(wish.name or ""))
        except WorkbenchError as error:
            return _said(error)

    def looked(self, *values: Any) -> Looked:
        """Return the columns and the first rows of other data; nothing where they can't be read, the check says why."""
        hidden = gr.update(choices=[], value=None, visible=False)
        try:
            wish = self._allowed(values)
            columns, records = self._first(wish)
        except WorkbenchError:
            return Looked(hidden, hidden, hidden, "")
        if not columns:
            return Looked(hidden, hidden, hidden, "")
        task = wish.task
        first, second = usual_columns(task, columns)
        pair = gr.update(choices=[NONE, *columns], value=NONE, visible=task == "classify")
        heading = HEADINGS[task]
        return Looked(
            gr.update(choices=columns, value=first, visible=True, label=heading[0]),
            gr.update(choices=columns, value=second, visible=True, label=heading[1]),
            pair,
            preview_html([record.values for record in records], columns, [c for c in (first, second) if c]),
        )

    def marked(self, *values: Any) -> Any:
        """Return the first rows with other columns chosen."""
        try:
            wish = self._allowed(values)
            columns, records = self._first(wish)
        except WorkbenchError:
            return gr.skip()
        chosen = [str(c) for c in (wish.first, wish.pair, wish.second) if c and c != NONE]
        return preview_html([record.values for record in records], columns, chosen)

    def checked(self, *values: Any) -> tuple[str, Any]:
        """Return what the rows are like, or what is wrong with them, and whether a run can be started."""
        wait = gr.update(interactive=False)
        try:
            wish = self._allowed(values)
            train, evaluation = wish.uploads()
            if not (train or wish.rows or wish.task.startswith(SUPERGLUE)):
                return "", wait
            order = wish.order()
            facts = self.desk.check(order, train, evaluation)
        except WorkbenchError as error:
            return _said(error), wait
        return facts_html(facts, order.plan.total_steps(facts.rows)), gr.update(interactive=True)

    def start(self, seen: Any, *values: Any) -> tuple[Any, ...]:
        """Queue a run; returns a notice, the name for a next one, and the runs."""
        try:
            wish = self._allowed(values).named()
            self.desk.add(wish.order(), *wish.uploads())
        except WorkbenchError as error:
            return _said(error), gr.skip(), *self.refresh(seen)
        return "", self.suggested(wish.teach), *self.refresh(None)

    def steer(self, seen: Any, event: gr.EventData) -> tuple[Any, ...]:
        """Do what a run's button says; returns what to say and the runs."""
        sent = event._data if isinstance(event._data, dict) else {}
        act, name = str(sent.get("act", "")), str(sent.get("run", ""))
        try:
            self._check_rights()
            steps = {"cancel": self.desk.cancel, "resume": self.desk.resume, "remove": self.desk.remove}
            if act not in steps:
                raise InputError(f"A run can't be {act[:40]!r}.")
            steps[act](name)
            if act == "remove":
                self.services.engine.unload(name)
        except WorkbenchError as error:
            return _said(error), *self.refresh(seen)
        return "", *self.refresh(seen)

    def refresh(self, seen: Any) -> Shown:
        """Return the runs unless the page has them already.

        Args:
            seen: What the page has; None sends them in any case.
        """
        jobs = self.desk.jobs()
        html = runs_html([self._view(job) for job in reversed(jobs)], steerable=self.open)
        going = gr.Timer(active=any(job.state.open for job in jobs))
        # The page keeps a digest: drawings of many runs would be much to hold for every visitor.
        digest = hashlib.sha256(html.encode()).hexdigest()
        return Shown(gr.skip(), going, gr.skip()) if digest == seen else Shown(html, going, digest)

    def _view(self, job: TrainJob) -> TrainView:
        return TrainView(job, self.desk.progress(job), self.desk.outcome(job), self.desk.ending(job.name))

    def _allowed(self, values: Sequence[Any]) -> TrainWish:
        """Return the controls' values, for those who may train."""
        self._check_rights()
        wish = TrainWish(*values)
        if wish.source == HUB and not self.services.settings.local:
            # They would be read with the owner's token, private ones too.
            raise InputError(
                "Visitors can't name tables of the Hub here.", remedy="Bring a file, or choose a set of the owner's."
            )
        if wish.source not in (FILE, KNOWN, HUB):
            raise InputError(f"The rows come from {str(wish.source)[:80]!r}.")
        return wish

    def _check_rights(self) -> None:
        if not self.open:
            raise InputError(CLOSED, expected=OPEN_IT[0], remedy=OPEN_IT[1])

    def _first(self, wish: TrainWish) -> tuple[list[str], tuple[Record, ...]]:
        """Return the columns and the first rows; none for SuperGLUE, which has its own."""
        train, _ = wish.uploads()
        if wish.task.startswith(SUPERGLUE) or not (train or wish.rows):
            return [], ()
        data = data_order(wish.order(), self.desk.sets, train.path if train else None, None)
        records = first_records(data.train[0], PREVIEW)
        return list(dict.fromkeys(column for record in records for column in record.values)), records


def _said(error: WorkbenchError) -> str:
    return problem(error.what, error.expected, error.remedy)
