"""`runs`: list, show, cancel, pause, resume and export them."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from t5gemma_app.cli.files import whole_file
from t5gemma_app.cli.output import print_json, say
from t5gemma_app.cli.run_words import ProgressLines, progress_line, result_table, run_table, short
from t5gemma_app.errors import InputError

if TYPE_CHECKING:
    from t5gemma_app.evaluation.records import Run
    from t5gemma_app.evaluation.results import FinishedRun
    from t5gemma_app.evaluation.store import Store
    from t5gemma_app.services import Services

FORMATS = ("json", "samples", "csv", "md", "latex", "eval-results")


def add_runs(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands to the parser."""
    runs = commands.add_parser("runs", help="list, show, steer and export evaluation runs")
    actions = runs.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, function, about in (
        ("list", run_list, "all runs, with their states"),
        ("show", run_show, "one run: how far, with what result, computed with what"),
        ("cancel", run_cancel, "end a run after its batch; its samples are kept"),
        ("pause", run_pause, "stop a run after its batch"),
        ("resume", run_resume, "compute here what a run is missing"),
        ("export", run_export, "write a run for elsewhere"),
    ):
        action = actions.add_parser(name, help=about)
        if name != "list":
            action.add_argument("id", metavar="ID", help="a run's id, or its first characters")
        if name in ("list", "show"):
            action.add_argument("--json", action="store_true", help="print JSON")
        if name == "export":
            action.add_argument("--format", choices=FORMATS, default="json", help="default json")
            action.add_argument("--output", type=Path, metavar="FILE", help="standard output when left out")
        action.add_argument("--store", type=Path, metavar="FILE", help="the file of results; else the data folder's")
        action.set_defaults(run=function)


def run_list(arguments: argparse.Namespace, services: Services) -> int:
    """Print all runs."""
    with _opened(arguments, services) as store:
        runs = [(run, _done(store, run)) for run in store.runs.all()]
        if arguments.json:
            print_json([_entry(run, done) for run, done in runs])
        else:
            print(run_table(runs))
    return 0


def run_show(arguments: argparse.Namespace, services: Services) -> int:
    """Print one run."""
    from t5gemma_app.evaluation.progress import progress_of
    from t5gemma_app.evaluation.results import FinishedRun

    with _opened(arguments, services) as store:
        run = store.runs.get(arguments.id)
        counts = store.journal.counts(run.id)
        one = FinishedRun(run, store.journal.results(run.id))
        if arguments.json:
            details = {"spec": asdict(run.spec), "order": asdict(run.order), "environment": asdict(run.environment)}
            print_json({**_entry(run, _done(store, run)), **details, "result": one.to_dict()})
            return 0
        print(f"{run.id}\n{run.state}: {progress_line(progress_of(run, counts))}")
        if run.failure:
            print(run.failure)
        if one.benchmarks:
            print("\n" + result_table(one))
        for benchmark in run.spec.benchmarks:
            if benchmark.head is not None:
                print(f"head of {benchmark.name}: {benchmark.head.name}, {benchmark.head.revision}")
        for name, note in run.order.splits:
            print(f"rows of {name}: {note}")
        for name, value in asdict(run.environment).items():
            print(f"{name}: {value}")
    return 0


def run_cancel(arguments: argparse.Namespace, services: Services) -> int:
    """Cancel a run."""
    return _ask(arguments, services, "cancelled")


def run_pause(arguments: argparse.Namespace, services: Services) -> int:
    """Pause a run."""
    return _ask(arguments, services, "paused")


def run_resume(arguments: argparse.Namespace, services: Services) -> int:
    """Compute what a run is missing, in this process; 1 when somebody stopped it."""
    from t5gemma_app.evaluation.records import RunState
    from t5gemma_app.evaluation.runner import Runner

    with _opened(arguments, services) as store:
        run = store.runs.get(arguments.id)
        if run.state is not RunState.DONE:
            plan = services.planner().again(run)
            run = Runner(services.engine, store, ProgressLines(run.spec.checkpoint)).run(plan)
        say(f"Run {short(run)} is {run.state}.")
        if run.state is RunState.DONE:
            print(result_table(_finished(store, run)))
    return 0 if run.state is RunState.DONE else 1


def run_export(arguments: argparse.Namespace, services: Services) -> int:
    """Write a finished run; samples of any run."""
    with _opened(arguments, services) as store:
        run = store.runs.get(arguments.id)
        lines = _samples(store, run) if arguments.format == "samples" else _document(arguments.format, store, run)
        if arguments.output is None:
            sys.stdout.writelines(lines)
        else:
            with whole_file(arguments.output) as output:
                output.writelines(lines)
            say(f"Wrote run {short(run)} to {arguments.output}.")
    return 0


@contextmanager
def _opened(arguments: argparse.Namespace, services: Services) -> Iterator[Store]:
    store = services.open_store(arguments.store)
    try:
        yield store
    finally:
        store.close()


def _ask(arguments: argparse.Namespace, services: Services, wish: str) -> int:
    from t5gemma_app.evaluation.records import RunState

    with _opened(arguments, services) as store:
        run = store.runs.ask(store.runs.get(arguments.id).id, RunState(wish))
    say(f"Run {short(run)} is {run.state}" + ("." if run.state == wish else f" and will be {wish} after its batch."))
    return 0


def _done(store: Store, run: Run) -> int:
    return sum(counts.done for counts in store.journal.counts(run.id).values())


def _entry(run: Run, done: int) -> dict[str, Any]:
    return {
        "run_id": run.id,
        "checkpoint": run.spec.checkpoint,
        "suite": run.spec.suite,
        "partial": run.spec.partial,
        "state": run.state.value,
        "done": done,
        "total": run.total,
        "created": run.created,
        "started": run.started,
        "finished": run.finished,
        "failure": run.failure,
        "shipped": run.shipped,
    }


def _samples(store: Store, run: Run) -> Iterator[str]:
    names = [benchmark.name for benchmark in run.spec.benchmarks]
    return (json.dumps(record) + "\n" for record in store.journal.records(run.id, names))


def _finished(store: Store, run: Run) -> FinishedRun:
    from t5gemma_app.evaluation.results import FinishedRun

    return FinishedRun(run, store.journal.results(run.id))


def _document(form: str, store: Store, run: Run) -> list[str]:
    from t5gemma_app.evaluation.export import to_csv, to_eval_results, to_latex, to_markdown
    from t5gemma_app.evaluation.leaderboard import Filter, leaderboard
    from t5gemma_app.evaluation.shipped import to_document

    one = _finished(store, run)
    if not one.benchmarks:
        raise InputError(f"Run {short(run)} is {run.state} and has no result.", expected="`samples` can be exported.")
    if form == "json":
        return [json.dumps(to_document(one), indent=1), "\n"]
    if form == "eval-results":
        return [to_eval_results(one)]
    rows = leaderboard([one], Filter(published=False))
    return [{"csv": to_csv, "md": to_markdown, "latex": to_latex}[form](rows)]
