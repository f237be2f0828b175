"""`evaluate`: run a suite on one or several checkpoints, or what is missing of it.

The evaluation layer brings numpy; it is imported when a command needs it, so that the others stay quick.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from t5gemma_app.cli.files import whole_file
from t5gemma_app.cli.output import print_json, say
from t5gemma_app.cli.run_words import ProgressLines, result_table
from t5gemma_app.errors import InputError, WorkbenchError
from t5gemma_app.logs import redact
from t5gemma_app.settings import ProcessShard, process_shard, take_own_gpu

if TYPE_CHECKING:
    from t5gemma_app.evaluation.records import RunOrder
    from t5gemma_app.evaluation.results import FinishedRun
    from t5gemma_app.evaluation.store import Store
    from t5gemma_app.services import Services


def add_evaluate(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    evaluate = commands.add_parser(
        "evaluate", help="run a suite, or what is missing of it; several processes by `accelerate launch`"
    )
    evaluate.add_argument("--checkpoint", required=True, nargs="+", metavar="C", help="names, hub ids or folders")
    evaluate.add_argument("--suite", required=True, metavar="FILE", help="a name in eval_suites/, or a YAML file")
    evaluate.add_argument(
        "--data-dir", type=Path, metavar="DIR", help="official SuperGLUE folders; else the owner's, or the Hub"
    )
    evaluate.add_argument("--limit", type=_positive, metavar="N", help="rows a benchmark at most; the run is partial")
    evaluate.add_argument(
        "--tasks", nargs="+", default=[], metavar="TASK", help="some of the suite's benchmarks; the run is partial"
    )
    evaluate.add_argument(
        "--formatter", metavar="F", help="show rows otherwise than the suite says: t5@1 generates, head@1 asks heads"
    )
    evaluate.add_argument(
        "--split-note",
        nargs="+",
        default=[],
        metavar="TASK=WORDS",
        help="what a task's rows are where they are not the official split; a folder with too few rows is noticed",
    )
    evaluate.add_argument("--batch-tokens", type=_positive, metavar="N", help="padded tokens of a batch")
    evaluate.add_argument("--store", type=Path, metavar="FILE", help="the file of results; else the data folder's")
    evaluate.add_argument("--json", action="store_true", help="print a JSON object; a list for several checkpoints")
    evaluate.add_argument("--samples", type=Path, metavar="FILE.jsonl", help="write every sample; one checkpoint only")
    evaluate.set_defaults(run=run)


def run(arguments: argparse.Namespace, services: Services) -> int:
    """Evaluate each checkpoint; 1 when one of several failed."""
    if arguments.samples and len(arguments.checkpoint) > 1:
        raise InputError("--samples takes one checkpoint.", remedy="Use `runs export ID --format samples` for others.")
    shard = process_shard()
    take_own_gpu()
    store = services.open_store(arguments.store)
    done: list[FinishedRun] = []
    try:
        for checkpoint in arguments.checkpoint:
            try:
                done += _evaluate(_order(arguments, checkpoint), services, store, shard)
            except WorkbenchError as error:
                if len(arguments.checkpoint) == 1:
                    raise
                say(f"{checkpoint}: {redact(str(error))}")
        if shard.rank == 0:
            _print(arguments, store, done)
    finally:
        store.close()
    return 0 if shard.rank > 0 or len(done) == len(arguments.checkpoint) else 1


def _evaluate(order: RunOrder, services: Services, store: Store, shard: ProcessShard) -> list[FinishedRun]:
    """Return the finished run; nothing where this is not the first process, or where somebody stopped it."""
    from t5gemma_app.evaluation.records import RunState
    from t5gemma_app.evaluation.results import FinishedRun
    from t5gemma_app.evaluation.runner import Runner

    # Stored as paused: a page that is open on the same file must not begin it first.
    plan = services.planner().draft(order).stored(store.runs, RunState.PAUSED)
    lines = ProgressLines(plan.run.spec.checkpoint, quiet=shard.rank > 0)
    found = Runner(services.engine, store, lines).run(plan, shard.rank, shard.size)
    if shard.rank > 0:
        return []
    if found.state is not RunState.DONE:
        say(f"The run is {found.state}; the same command goes on where it was.")
        return []
    return [FinishedRun(found, store.journal.results(found.id))]


def _print(arguments: argparse.Namespace, store: Store, done: list[FinishedRun]) -> None:
    if arguments.samples and done:
        one = done[0]
        with whole_file(arguments.samples) as output:
            for record in store.journal.records(one.run.id, [benchmark.name for benchmark in one.benchmarks]):
                output.write(json.dumps(record) + "\n")
        say(f"Wrote {sum(benchmark.n for benchmark in one.benchmarks):,} samples to {arguments.samples}.")
    if arguments.json:
        documents = [one.to_dict() for one in done]
        if len(arguments.checkpoint) > 1:
            print_json(documents)
        elif documents:
            print_json(documents[0])
    else:
        for one in done:
            print(result_table(one))
    for name, note in dict(pair for one in done for pair in one.run.order.splits).items():
        say(f"{name}: {note}")
    if any(one.run.spec.partial for one in done):
        say("These numbers are partial: not all rows were used. They are never ranked with full runs.")


def _order(arguments: argparse.Namespace, checkpoint: str) -> RunOrder:
    from t5gemma_app.evaluation.records import RunOrder

    return RunOrder(
        suite=arguments.suite,
        checkpoint=checkpoint,
        data_dir=str(arguments.data_dir or ""),
        formatter=arguments.formatter or "",
        limit=arguments.limit,
        batch_tokens=arguments.batch_tokens,
        tasks=tuple(arguments.tasks),
        splits=tuple(_note(text) for text in arguments.split_note),
    )


def _note(text: str) -> tuple[str, str]:
    name, sign, words = text.partition("=")
    if not sign or not words.strip():
        raise InputError(
            f"The split note {text[:80]!r} can't be read.", expected="TASK=WORDS, such as boolq='cut split'."
        )
    return name.strip(), words.strip()


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


_positive.__name__ = "whole number from 1"
