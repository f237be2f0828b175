"""`train finetune`: a checkpoint taught to classify, tag or answer."""

from __future__ import annotations

import argparse
import os
import sys
import threading
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from t5gemma_app.cli.train_flags import (
    add_machine,
    add_plan,
    base_folder,
    command_line,
    machine_from,
    pairs_from,
    plan_from,
    show,
    tell,
)
from t5gemma_app.errors import InputError

if TYPE_CHECKING:
    from t5gemma_app.services import Services
    from t5gemma_app.training.data.rows import Columns
    from t5gemma_app.training.finetune import FinetuneOrder

_HEADS = {"none": "chat", "sequence": "classify", "token": "tag"}


def add_finetune(recipes: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to `train`."""
    finetune = recipes.add_parser(
        "finetune", help="teach a checkpoint to classify, tag or answer; a killed run goes on"
    )
    task = finetune.add_mutually_exclusive_group(required=True)
    task.add_argument("--task", metavar="T", help="classify, tag, chat, text (pairs without turns) or superglue:NAME")
    task.add_argument("--head", choices=tuple(_HEADS), help="the same by the head: none chats, sequence classifies")
    finetune.add_argument("--limit", type=int, metavar="N", help="training rows at most, the first ones")
    finetune.add_argument(
        "--until-eof", action="store_true", help="end with the state saved when standard input ends; it goes on later"
    )
    add_data(finetune)
    add_plan(finetune)
    add_machine(finetune)
    finetune.set_defaults(run=run)


def add_data(parser: argparse.ArgumentParser) -> None:
    """Add the flags that name checkpoint, rows and columns."""
    parser.add_argument("--checkpoint", required=True, metavar="C", help="a name from `models list`, or a folder")
    parser.add_argument(
        "--output", required=True, type=Path, metavar="DIR", help="the new checkpoint; DIR.run keeps log"
    )
    rows = parser.add_argument_group("what it is trained on")
    rows.add_argument(
        "--train",
        nargs="+",
        default=[],
        metavar="FILE",
        help="jsonl, csv, tsv, a folder, or hub:OWNER/NAME@COMMIT#SPLIT",
    )
    rows.add_argument(
        "--eval", nargs="+", default=[], metavar="FILE", help="else dev.jsonl beside it, or held-out rows"
    )
    rows.add_argument("--eval-share", type=float, default=0.1, metavar="X", help="share held out (default 0.1)")
    rows.add_argument("--data-dir", type=Path, metavar="DIR", help="official SuperGLUE folders; else the Hub")
    rows.add_argument("--labels", nargs="+", default=[], metavar="OLD=NEW", help="names for the file's labels")
    rows.add_argument("--licence", default="not stated", metavar="TEXT", help="licence of the rows, for the card")
    rows.add_argument("--max-characters", type=int, default=100_000, metavar="N", help="longest text (default 100000)")
    for name, usual in (("text", "text"), ("pair", "none"), ("label", "label"), ("tokens", "tokens")):
        rows.add_argument(f"--{name}-column", metavar="NAME", help=f"default {usual}")
    rows.add_argument("--tags-column", metavar="NAME", help="default tags, or upos")
    rows.add_argument("--prompt-column", metavar="NAME", help="default prompt")
    rows.add_argument("--response-column", metavar="NAME", help="default response")


def run(arguments: argparse.Namespace, services: Services) -> int:
    """Train, or go on with a killed run, and print what was reached."""
    stopped = _input_ended() if arguments.until_eof else None  # watched while libraries are loaded
    from t5gemma_app.training.finetune import finetune

    order = order_from(arguments, services, arguments.task or _HEADS[arguments.head])
    order = replace(order, data=replace(order.data, limit=arguments.limit))
    finished = finetune(order, tell, stopped=stopped.is_set if stopped else lambda: False)
    if finished is not None:
        show(finished, arguments.json)
    return 0


def _input_ended() -> threading.Event:
    """Return what is set once standard input has ended, as it does when the process that holds it is gone."""
    ended = threading.Event()

    def watch() -> None:
        # Not by sys.stdin, whose lock this thread would still hold while the interpreter ends.
        while os.read(sys.stdin.fileno(), 4096):
            pass
        ended.set()

    threading.Thread(target=watch, name="input", daemon=True).start()
    return ended


def order_from(arguments: argparse.Namespace, services: Services, task: str) -> FinetuneOrder:
    """Return what is asked for.

    Raises:
        InputError: A flag is wrong.
    """
    from t5gemma_app.training.data.reading import DataOrder, kind_of
    from t5gemma_app.training.finetune import FinetuneOrder

    if kind_of(task) and not task.startswith("superglue:") and not arguments.train:
        raise InputError("No training rows are named.", remedy="Pass --train FILE.")
    plan = plan_from(arguments)
    folder, name = base_folder(arguments.checkpoint, services)
    data = DataOrder(
        task=task,
        train=tuple(arguments.train),
        evaluation=tuple(arguments.eval),
        columns=_columns(arguments),
        data_dir=arguments.data_dir or services.settings.superglue_dir,
        share=arguments.eval_share,
        renamed=pairs_from(arguments.labels),
        max_characters=arguments.max_characters,
    )
    return FinetuneOrder(
        base=folder,
        name=name,
        output=arguments.output,
        data=data,
        plan=plan,
        machine=machine_from(arguments),
        licence=arguments.licence,
        command=command_line(),
    )


def _columns(arguments: argparse.Namespace) -> Columns:
    from t5gemma_app.training.data.rows import Columns

    named = {field.name: getattr(arguments, f"{field.name}_column") for field in fields(Columns)}
    return Columns(**{name: column for name, column in named.items() if column})
