"""The steps of the Evaluate tab: an order as a sentence with its cost, runs as rows, and what the buttons do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import gradio as gr

from t5gemma_app.benchmarks.suites import Suite
from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.errors import BusyError, InputError, WorkbenchError
from t5gemma_app.evaluation.records import RunState
from t5gemma_app.services import Services
from t5gemma_app.ui.access_words import checkpoint_choices, opening_checkpoint
from t5gemma_app.ui.evaluate_board import RunBoard
from t5gemma_app.ui.evaluate_table import runs_html
from t5gemma_app.ui.evaluate_words import Memory, cost_html, sentence_html
from t5gemma_app.ui.markup import problem, text
from t5gemma_app.ui.models_handlers import ModelsHandlers
from t5gemma_app.ui.run_desk import CLOSED, HEAD, METHODS, OPEN_IT, RunDesk, Wish, checked_wish

SMOKE = "smoke"
QUICK = "superglue-quick"
FIRST = (SMOKE, QUICK, "superglue")
"""Suites that stand first in the list; single tasks follow."""
MOST_CHECKPOINTS = 200
NO_ROWS = (
    "Connect this machine to the network, or let the owner name a folder of official files (BoolQ, CB, …) in the "
    "variable T5GEMMA_SUPERGLUE_DIR. The smoke suite needs neither."
)


class Shown(NamedTuple):
    """The runs, the timer that keeps them fresh, and what the page has; `gr.skip()` where nothing changed."""

    runs: Any
    timer: Any
    seen: Any


@dataclass(frozen=True, slots=True)
class EvaluateHandlers:
    """The steps of the tab."""

    services: Services
    desk: RunDesk
    board: RunBoard
    suites: dict[str, Suite]

    def checkpoints(self) -> list[tuple[str, str]]:
        """Return (label, name) of what can be chosen."""
        return checkpoint_choices(self.services, ("none", "sequence"))

    def opening(self) -> list[str]:
        """Return the checkpoints that are chosen at first."""
        first = opening_checkpoint(self.services)
        return [first.name] if first else []

    def opening_suite(self) -> str:
        """Return the suite that is chosen at first: the quick one where its rows can be had without asking."""
        settings = self.services.settings
        reachable = settings.superglue_dir is not None or not settings.offline
        return QUICK if reachable and QUICK in self.suites else next(iter(self.suites), "")

    def sweeps(self) -> list[tuple[str, str]]:
        """Return (label, key) of groups worth running together; only checkpoints that can be used now are counted."""
        usable = self._usable()
        groups = {"all that can be used here": usable}
        for one in usable:
            if one.stage != "unknown":
                about = " ".join(word for word in (one.objective, one.stage) if word != "unknown")
                groups.setdefault(about, []).append(one)
        return [(f"{name} ({len(found)})", name) for name, found in groups.items() if len(found) > 1]

    def swept(self, sweep: str | None, chosen: list[str] | None) -> tuple[Any, Any]:
        """Return the choice with a group added, and the group's list put back."""
        usable = self._usable()
        about = {one.name: " ".join(word for word in (one.objective, one.stage) if word != "unknown") for one in usable}
        whole = sweep == "all that can be used here"
        added = [one.name for one in usable if whole or about[one.name] == sweep]
        if not sweep or not added:
            return gr.skip(), gr.skip()
        return gr.update(value=list(dict.fromkeys([*(chosen or []), *added]))), None

    def _usable(self) -> list[Checkpoint]:
        models = ModelsHandlers(self.services)
        return [
            checkpoint
            for checkpoint in self.services.catalogue.all()
            if checkpoint.head == "none"
            and self.services.access.of(checkpoint).ready
            and models.fits_here(checkpoint) is not False
        ]

    def opened(self, chosen: list[str] | None) -> Any:
        """Return the list of checkpoints as the access states are by now, when the tab is opened."""
        choices = self.checkpoints()
        kept = [name for name in chosen or [] if name in {name for _, name in choices}]
        return gr.update(choices=choices, value=kept or self.opening())

    def tasks_of(self, suite: str) -> Any:
        """Return the list of a suite's tasks, none chosen, which means all."""
        found = self.suites.get(str(suite))
        names = [entry.name for entry in found.entries] if found else []
        return gr.update(choices=names, value=[], interactive=len(names) > 1)

    def methods(self, names: Any, suite: Any, tasks: Any, method: Any, shown: Any) -> tuple[Any, str, list[str]]:
        """Return the methods that the chosen checkpoints offer on these tasks, and why `head` is not among them.

        Args:
            names: The chosen checkpoints.
            suite: The chosen suite.
            tasks: The chosen tasks.
            method: The chosen method.
            shown: The methods that the page offers; the control is left alone where they stay.
        """
        chosen, found = _names(names), self.suites.get(str(suite))
        problems = self._head_problems(chosen, found, tasks) if found else []
        only_heads = bool(chosen) and all(name in self._heads() for name in chosen)
        offered = [one for one in METHODS if one != HEAD and not (only_heads and not problems)]
        offered += [HEAD] if chosen and found and not problems else []
        about = f'<p class="wb-quiet">Not by head: {text(problems[0])}</p>' if problems else ""
        if offered == shown:
            return gr.skip(), about, offered
        changed = {} if method in offered else {"value": offered[0]}
        return gr.update(choices=offered, **changed), about, offered

    def _head_problems(self, names: Sequence[str], suite: Suite, tasks: Any) -> list[str]:
        planner = self.services.planner()
        chosen = [str(task) for task in tasks] if isinstance(tasks, list | tuple) else []
        said = (planner.head_problem(name, suite, chosen) for name in names)
        return [problem for problem in said if problem]

    def _heads(self) -> set[str]:
        return {checkpoint.name for checkpoint in self.services.catalogue.all() if checkpoint.head == "sequence"}

    def sentence(self, names: Any, suite: Any, tasks: Any, limit: Any, method: Any) -> tuple[str, Any]:
        """Return the order to be read aloud, and whether it can be started; reads no rows."""
        try:
            wish = checked_wish(suite, tasks, limit, method)
            html = sentence_html(_names(names), self._suite(wish), wish.tasks, wish.limit or 0, wish.method)
        except WorkbenchError as error:
            return problem(error.what, error.expected, error.remedy), gr.update(interactive=False)
        return html, gr.update(interactive=bool(names) and self.desk.open, value=_start_words(_names(names)))

    def cost(self, names: Any, suite: Any, tasks: Any, limit: Any, method: Any) -> tuple[str, Any]:
        """Return what the order will cost, and whether to offer the smoke suite; reads rows once for each suite."""
        hidden = gr.update(visible=False)
        try:
            wish = checked_wish(suite, tasks, limit, method)
            needs_rows = self._suite(wish).needs_rows
        except WorkbenchError:
            return "", hidden  # the sentence says it already
        chosen = _names(names)
        try:
            cost = self.services.evaluator().cost(wish.order(""), chosen or ["?"])
        except WorkbenchError as error:
            if needs_rows:
                return problem(error.what, NO_ROWS), gr.update(visible=SMOKE in self.suites)
            return problem(error.what, error.expected, error.remedy), hidden
        return cost_html(cost, self._memory(chosen), max(1, len(chosen))), hidden

    def start(
        self, names: Any, suite: Any, tasks: Any, limit: Any, method: Any, seen: Any
    ) -> Iterator[tuple[Any, ...]]:
        """Queue a run for each checkpoint; yields what to say, the Start button and the runs."""
        busy = gr.update(interactive=False)
        problems, known = [], []
        chosen = _names(names)
        try:
            wish = checked_wish(suite, tasks, limit, method)
            self._suite(wish)
            if not chosen:
                raise InputError("No checkpoint is chosen.", remedy="Choose one or several above.")
        except WorkbenchError as error:
            yield problem(error.what, error.expected, error.remedy), gr.update(), *self.refresh(seen)
            return
        for number, name in enumerate(chosen, start=1):
            count = f" ({number} of {len(chosen)})" if len(chosen) > 1 else ""
            said = f'<p class="wb-quiet">Reading rows and weights of {text(name)}{count} …</p>'
            shown = self.refresh(seen)
            seen = seen if shown.seen == gr.skip() else shown.seen
            yield said, busy, *shown
            try:
                run = self.desk.start(name, wish)
                if run.state is RunState.DONE:
                    known.append(name)
            except BusyError as error:
                problems.append(problem(error.what, f"{number - 1} of {len(chosen)} were queued.", error.remedy))
                break  # the others would find no place either
            except WorkbenchError as error:
                problems.append(problem(error.what, error.expected, error.remedy))
        yield "".join(problems) + _known(known), gr.update(interactive=self.desk.open), *self.refresh(None)

    def steer(self, seen: Any, event: gr.EventData) -> tuple[Any, ...]:
        """Do what a row's button says; returns what to say and the runs."""
        sent = event._data if isinstance(event._data, dict) else {}
        try:
            self.desk.steer(str(sent.get("run", "")), str(sent.get("act", "")))
        except WorkbenchError as error:
            return problem(error.what, error.expected, error.remedy), *self.refresh(seen)
        return "", *self.refresh(seen)

    def refresh(self, seen: Any) -> Shown:
        """Return the runs unless the page has them already.

        Args:
            seen: The pulse that the page has seen; None sends them in any case.
        """
        try:
            pulse = list(self.board.snapshot().pulse)
            if pulse == seen:
                return Shown(gr.skip(), gr.skip(), gr.skip())
            snapshot, html = self.board.drawn(lambda found: runs_html(found, steerable=self.desk.open))
        except WorkbenchError as error:
            return Shown(problem(error.what, error.expected, error.remedy), gr.update(active=False), None)
        return Shown(html, gr.update(active=bool(snapshot.going)), list(snapshot.pulse))

    def closed_html(self) -> str:
        """Return why nothing can be started here; empty where it can."""
        if self.desk.open:
            return ""
        return f'<p class="wb-access">{text(" ".join((CLOSED, *OPEN_IT)))}</p>'

    def _suite(self, wish: Wish) -> Suite:
        if wish.suite not in self.suites:
            raise InputError(f"There is no suite {wish.suite!r}.", expected=f"The suites are {', '.join(self.suites)}.")
        return self.suites[wish.suite]

    def _memory(self, names: Sequence[str]) -> Memory | None:
        models, status = ModelsHandlers(self.services), self.services.engine.status()
        needs = []
        for name in names:
            try:
                checkpoint = self.services.catalogue.find(name)
            except WorkbenchError:
                continue
            if need := models.need(checkpoint):
                needs.append(need.bytes_by_dtype[models.auto_dtype(checkpoint)])
        return Memory(max(needs), status.budget_bytes) if needs else None


def ordered_suites(services: Services) -> dict[str, Suite]:
    """Return the suites by the name of their file, those for everybody first."""
    found = {suite.path.stem: suite for suite in services.planner().suites()}
    return {name: found[name] for name in [*(name for name in FIRST if name in found), *sorted(found)]}


def _names(names: Any) -> list[str]:
    listed = names if isinstance(names, list | tuple) else [names] if names else []
    return [str(name) for name in listed[:MOST_CHECKPOINTS]]


def _start_words(names: Sequence[str]) -> str:
    return "Start" if len(names) < 2 else f"Start {len(names)} runs"


def _known(names: Sequence[str]) -> str:
    if not names:
        return ""
    who = names[0] if len(names) == 1 else f"{len(names)} of these"
    return f'<p class="wb-quiet">{text(who)} {"was" if len(names) == 1 else "were"} measured like this already.</p>'
