"""`train family`: small Gemma 2 models from nothing, their combinations, and what those are taught; resumable."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from t5gemma_app.cli.output import print_json
from t5gemma_app.cli.train_flags import tell
from t5gemma_app.errors import InputError

if TYPE_CHECKING:
    from t5gemma_app.services import Services
    from t5gemma_app.training.family.ledger import Entry

_OUTPUT = Path("build") / "family"


def add_family(recipes: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to `train`."""
    family = recipes.add_parser(
        "family", help="two sizes from nothing, four combinations, their chat and heads; a killed run goes on"
    )
    family.add_argument(
        "--data", type=Path, metavar="DIR", help="a local folder with text, chat, classification, tagging, superglue"
    )
    family.add_argument(
        "--output", type=Path, default=_OUTPUT, metavar="DIR", help=f"where all is written (default {_OUTPUT})"
    )
    family.add_argument("--quick", action="store_true", help="every step with next to nothing in it, to see it work")
    family.add_argument("--times", action="store_true", help="train nothing; print what the steps in DIR took")
    family.add_argument("--replicas", type=int, metavar="N", help="CPU threads that share a step (default: all)")
    family.add_argument("--json", action="store_true", help="print a JSON list of the steps")
    family.set_defaults(run=run)


def run(arguments: argparse.Namespace, services: Services) -> int:
    """Make the family, or what is left of it, and print the checkpoints with their scores."""
    from t5gemma_app.training.family.ledger import FILE, read_entries
    from t5gemma_app.training.family.times import score_lines, time_table

    entries = read_entries(arguments.output / FILE) if arguments.times else _made(arguments)
    if arguments.json:
        print_json([asdict(entry) for entry in entries])
    elif arguments.times:
        print(time_table(entries))
    else:
        print("\n".join(score_lines(entries)))
    return 0


def _made(arguments: argparse.Namespace) -> tuple[Entry, ...]:
    from t5gemma_app.training.family.family import FamilyOrder, train_family
    from t5gemma_app.training.family.recipe import FULL, QUICK, SHARD_BYTES
    from t5gemma_app.training.machine import Machine

    if arguments.data is None:
        raise InputError("No data are named.", remedy="Pass --data DIR.")
    machine = Machine(cpu=True, replicas=arguments.replicas, shard_bytes=SHARD_BYTES)
    quick = " --quick" if arguments.quick else ""
    order = FamilyOrder(
        data=arguments.data,
        output=arguments.output,
        recipe=QUICK if arguments.quick else FULL,
        machine=machine,
        command=f"python -m t5gemma_app train family --data DIR --output {_OUTPUT}{quick}",
    )
    return train_family(order, tell)
