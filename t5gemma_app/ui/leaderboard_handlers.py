"""The steps of the Leaderboard tab: what is shown for a view, and what a click makes of it."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeVar

from t5gemma_app.benchmarks.records import Example, Sample
from t5gemma_app.errors import InputError, WorkbenchError
from t5gemma_app.evaluation.contexts import Contexts
from t5gemma_app.evaluation.evaluator import Evaluator
from t5gemma_app.evaluation.export import to_csv, to_eval_results, to_json, to_latex, to_markdown
from t5gemma_app.evaluation.leaderboard import Filter, Row, leaderboard, suites
from t5gemma_app.evaluation.published import PUBLISHED, PublishedScore
from t5gemma_app.evaluation.records import Environment
from t5gemma_app.evaluation.results import FinishedRun
from t5gemma_app.ui.leaderboard_charts import charts_html, tasks_html
from t5gemma_app.ui.leaderboard_compare import HINT, chosen_html, comparison_html
from t5gemma_app.ui.leaderboard_samples import page_of, paired, samples_html, selected
from t5gemma_app.ui.leaderboard_table import columns_of, ordered, short_id, size_order, table_html
from t5gemma_app.ui.leaderboard_view import AXES, SHOWN, View, checked
from t5gemma_app.ui.markup import problem

FILTERS = (
    "suite",
    "search",
    "encoder",
    "decoder",
    "parameters",
    "objective",
    "method",
    "dtype",
    "partial",
    "published",
)
NUMERIC_FIRST_UP = (
    "rank",
    "checkpoint",
    "encoder",
    "decoder",
    "objective",
    "stage",
    "method",
    "dtype",
    "attention",
    "device",
)
"""Columns that are ordered from the smallest at first; all others from the largest."""
EXPORTS = ("csv", "json", "md", "tex", "eval_results")
KEPT = 6
"""Comparisons and lists of samples that are kept in memory."""
EMPTY = """
<div class="wb-start wb-board-start"><h2>No finished run yet</h2>
<p>A run measures one checkpoint with one suite; this tab ranks them. Open Evaluate, choose the suite <b>smoke</b> and a
checkpoint, and start: twelve rows a task, which takes minutes on a CPU and needs no network.</p>
<div class="wb-examples"><button type="button" class="wb-example" data-tab="Evaluate">Open Evaluate</button></div></div>
"""
T = TypeVar("T")


class Shown(NamedTuple):
    """The HTML of every part of the tab; None is as it was."""

    charts: str | None
    tasks: str | None
    table: str | None
    compare: str | None
    samples: str | None


class SampleChoices(NamedTuple):
    """What the controls of the sample browser offer."""

    tasks: tuple[str, ...]
    task: str
    shows: tuple[str, ...]
    show: str


class Download(NamedTuple):
    """A file for the browser to save."""

    name: str
    type: str
    content: str


class BoardHandlers:
    """What the tab asks for.

    Args:
        evaluator: Where finished runs are read and compared.
        contexts: What was read for each sample.
    """

    def __init__(self, evaluator: Evaluator, contexts: Contexts) -> None:
        self._evaluator = evaluator
        self._contexts = contexts
        self._kept: OrderedDict[tuple[Any, ...], Any] = OrderedDict()
        self._lock = threading.Lock()  # pages ask from several threads

    def rows(self, chosen: Filter) -> tuple[Row, ...]:
        """Return the rows that pass; ranks are those among all runs of the suite."""
        finished = self._evaluator.finished()
        key = ("rows", chosen.suite, tuple((one.run.id, one.run.finished) for one in finished))
        every = self._once(key, lambda: leaderboard(finished, Filter(suite=chosen.suite)))
        return tuple(row for row in every if chosen.shows(row))

    def shown(self, view: View, before: View | None = None) -> Shown:
        """Return what has to be drawn for a view.

        Args:
            view: What is looked at now.
            before: What is on the screen; None where nothing is.
        """

        def drawn(draw: Callable[[], str], *fields: str, says: bool = False) -> str | None:
            if before is not None and view.same(before, *fields):
                return None
            try:
                return draw()
            except WorkbenchError as error:  # what all parts lack is said once
                return problem(error.what, error.expected, error.remedy) if says else ""

        return Shown(
            drawn(lambda: self._charts(view), *FILTERS, "axis", "a", "b"),
            drawn(lambda: tasks_html(self.rows(view.filter()), view), *FILTERS, "a", "b"),
            drawn(
                lambda: table_html(self.rows(view.filter()), view),
                *FILTERS,
                "columns",
                "sort",
                "down",
                "a",
                "b",
                says=True,
            ),
            drawn(lambda: self._comparison(view), "a", "b", says=True),
            drawn(lambda: self._samples(view), "a", "b", "task", "show", "page"),
        )

    def acted(self, view: View, action: str) -> View:
        """Return the view after a click.

        Args:
            view: The view before.
            action: What was clicked, such as `sort:score` or `pick:r1-0123`.
        """
        verb, _, rest = action[:300].partition(":")
        if verb == "sort":
            up = rest in NUMERIC_FIRST_UP
            down = not view.down if rest == view.sort else not up
            return checked({"sort": rest, "down": down}, view)
        if verb == "axis" and rest in AXES:
            return replace(view, axis=rest)
        if verb == "pick":
            return _picked(view, rest)
        if verb == "page":
            return checked({"page": rest}, view)
        if verb == "show":
            show, _, task = rest.partition(":")
            return checked({"task": task, "show": show, "page": 1}, view)
        if verb == "swap":
            return replace(view, a=view.b, b=view.a)
        if verb == "clear":
            return replace(view, a="", b="", task="", show="all", page=1)
        return view

    def filtered(self, view: View, values: Mapping[str, Any]) -> View:
        """Return the view after a control was used; another suite forgets which runs were chosen."""
        changed = checked(values, view)
        first = next(iter(self.suites()), "")
        if (view.suite or first) == (changed.suite or first):
            return replace(changed, suite=view.suite)  # the suite run last stays so, whichever that will be
        return replace(changed, a="", b="", task="", show="all", page=1)

    def suites(self) -> tuple[str, ...]:
        """Return the suites with finished runs; none where the store can't be read, which the table says."""
        try:
            return suites(self._evaluator.finished())
        except WorkbenchError:
            return ()

    def options(self) -> dict[str, list[str]]:
        """Return what occurs in finished runs of all suites for each filter, and in the published figures."""
        try:
            runs = [one.run for one in self._evaluator.finished()]
        except WorkbenchError:
            runs = []
        known: list[Environment | PublishedScore] = [*(run.environment for run in runs), *PUBLISHED]
        return {
            "encoder": sorted({one.encoder_size for one in known} - {""}, key=size_order),
            "decoder": sorted({one.decoder_size for one in known} - {""}, key=size_order),
            "objective": sorted({one.objective for one in known} - {""}),
            "method": sorted({run.spec.method for run in runs}),
            "dtype": sorted({run.spec.dtype for run in runs}),
        }

    def sample_choices(self, view: View) -> SampleChoices:
        """Return what the sample browser offers for the chosen runs; nothing without one."""
        try:
            first, second = self._chosen(view.a), self._chosen(view.b)
        except WorkbenchError:
            return SampleChoices((), "", (), "all")
        tasks = _common(first, second)
        if not tasks or first is None:
            return SampleChoices((), "", (), "all")
        shows = tuple(SHOWN) if second else tuple(SHOWN)[:4]
        return SampleChoices(
            tasks,
            view.task if view.task in tasks else tasks[0],
            shows,
            view.show if view.show in shows else "all",
        )

    def export(self, view: View, kind: str) -> Download:
        """Return the rows that are shown, in their order, as a file; for `eval_results` one run.

        Raises:
            WorkbenchError: There is nothing of that kind to save.
        """
        rows = self.rows(view.filter())
        rows = tuple(ordered(rows, view, columns_of(view, rows)))
        suite = view.suite or next(iter(self.suites()), "leaderboard")
        name = "".join(letter if letter.isalnum() or letter in "-." else "-" for letter in suite)
        if kind == "eval_results":
            return self._eval_results(view, rows)
        if kind == "json":
            return Download(f"{name}.json", "application/json", json.dumps(to_json(rows), indent=1) + "\n")
        if kind == "md":
            return Download(f"{name}.md", "text/markdown", to_markdown(rows))
        if kind == "tex":
            return Download(f"{name}.tex", "application/x-tex", to_latex(rows))
        return Download(f"{name}.csv", "text/csv", to_csv(rows))

    def _eval_results(self, view: View, rows: Sequence[Row]) -> Download:
        best = next((short_id(row) for row in rows if row.rank == 1), "")
        one = self._chosen(view.a or best)
        if one is None:
            raise InputError("There is no run to save.", remedy="Select a row of the table first.")
        if one.run.spec.partial:
            raise InputError(
                f"The run of {one.run.spec.checkpoint[:80]} is partial, so it has no place on a model's page.",
                expected="A .eval_results file speaks of whole data sets.",
                remedy="Run the suite superglue without a limit, or save the table as json.",
            )
        return Download("t5gemma-workbench.yaml", "application/yaml", to_eval_results(one))

    def _charts(self, view: View) -> str:
        if not self._evaluator.finished():
            return EMPTY
        return charts_html(self.rows(view.filter()), view)

    def _comparison(self, view: View) -> str:
        first, second = self._chosen(view.a), self._chosen(view.b)
        if first is None or second is None:
            return HINT if first is None else chosen_html(first)
        key = ("comparison", first.run.id, first.run.finished, second.run.id, second.run.finished)
        found = self._once(key, lambda: self._evaluator.compare(first.run.id, second.run.id))
        return comparison_html(first, second, found)

    def _samples(self, view: View) -> str:
        first, second = self._chosen(view.a), self._chosen(view.b)
        choices = self.sample_choices(view)
        if first is None or not choices.tasks:
            return ""
        if first.run.shipped or (second is not None and second.run.shipped):
            return (
                '<p class="wb-quiet">Runs that came with the app have no samples; run the suite here to see some.</p>'
            )
        ours = self._answers(first, choices.task)
        theirs = self._answers(second, choices.task) if second else None
        page = page_of(selected(paired(ours, theirs), choices.show), view.page)
        examples, why = self._examples(first, choices.task)
        return samples_html(page, choices.show, examples, why)

    def _answers(self, one: FinishedRun, task: str) -> tuple[Sample, ...]:
        key = ("samples", one.run.id, one.run.finished, task)
        return self._once(key, lambda: self._evaluator.store.journal.samples(one.run.id, task))

    def _examples(self, one: FinishedRun, task: str) -> tuple[Mapping[str, Example], str]:
        try:
            return self._contexts.of(one.run, task), ""
        except (WorkbenchError, OSError) as error:  # rows that are gone must not hide the answers
            return {}, f"What was read can't be shown. {error}" if isinstance(error, WorkbenchError) else ""

    def _chosen(self, beginning: str) -> FinishedRun | None:
        """Return the finished run whose id begins so, or None."""
        if not beginning:
            return None
        found = [one for one in self._evaluator.finished() if one.run.id.startswith(beginning)]
        return found[0] if len(found) == 1 else None

    def _once(self, key: tuple[Any, ...], compute: Callable[[], T]) -> T:
        """Return what was computed for a key before, or compute it; the last few are kept."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        value = compute()
        with self._lock:
            self._kept[key] = value
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return value


@dataclass(frozen=True, slots=True)
class BoardEndpoint:
    """What programs may ask."""

    handlers: BoardHandlers

    def leaderboard(
        self, suite: str = "", search: str = "", partial: bool = True, published: bool = False
    ) -> list[dict[str, Any]]:
        """List finished runs of a suite, best first, as the leaderboard ranks them.

        Args:
            suite: A name, or name@version; the one run last where it is empty.
            search: Part of a checkpoint's name.
            partial: Whether partial runs are listed; they are never ranked with full ones.
            published: Whether the paper's figures are added; they are never ranked.
        """
        chosen = Filter(suite=str(suite), search=str(search), partial=bool(partial), published=bool(published))
        return to_json(self.handlers.rows(chosen))


def _picked(view: View, ident: str) -> View:
    """Return the view after a row was selected or given up; a third one takes the second's place."""
    if ident in (view.a, view.b):
        rest = view.b if ident == view.a else view.a
        return replace(view, a=rest, b="", page=1, show="all")
    chosen = {"a": ident} if not view.a else {"b": ident}
    return checked({**chosen, "page": 1, "show": "all"}, view)


def _common(first: FinishedRun | None, second: FinishedRun | None) -> tuple[str, ...]:
    if first is None:
        return ()
    names = [benchmark.name for benchmark in first.benchmarks]
    return tuple(name for name in names if second is None or second.find(name) is not None)
