"""`train`: the recipes, and `train demo`, the one of the embedded checkpoint.

torch and the recipe are imported by the command itself, so that no other command waits for them.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from t5gemma_app.cli.output import print_json, say
from t5gemma_app.cli.train_adapt import add_adapt
from t5gemma_app.cli.train_family import add_family
from t5gemma_app.cli.train_finetune import add_finetune
from t5gemma_app.cli.train_grid import add_grid
from t5gemma_app.cli.train_pretrain import add_pretrain

if TYPE_CHECKING:
    from t5gemma_app.services import Services
    from t5gemma_app.training.demo.recipe import Order


def add_train(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands to the parser."""
    train = commands.add_parser("train", help="train checkpoints")
    recipes = train.add_subparsers(dest="recipe", required=True, metavar="RECIPE")
    for add in (add_adapt, add_pretrain, add_finetune, add_grid, add_family):
        add(recipes)

    demo = recipes.add_parser("demo", help="the embedded chat checkpoint, from nothing, on a CPU; a killed run goes on")
    demo.add_argument("--data", type=Path, metavar="DIR", help="a local folder of .jsonl files that adds to training")
    demo.add_argument("--output", type=Path, metavar="DIR", help="where the checkpoint is written")
    demo.add_argument("--state", type=Path, metavar="DIR", help="where an unfinished run is kept")
    length = demo.add_mutually_exclusive_group()
    length.add_argument("--minutes", type=float, metavar="M", help="training time")
    length.add_argument("--steps", type=int, metavar="N", help="number of steps instead of a time")
    demo.add_argument("--seed", type=int, metavar="N", help="decides data, split and first weights")
    demo.add_argument("--measure", type=Path, metavar="DIR", help="train nothing; answer the held-out prompts with DIR")
    demo.add_argument("--json", action="store_true", help="print the held-out scores as a JSON list")
    demo.set_defaults(run=run_demo)


def run_demo(arguments: argparse.Namespace, services: Services) -> int:
    """Train the demo checkpoint, or measure one, and print the held-out scores."""
    from t5gemma_app.training.demo.__main__ import as_row, table
    from t5gemma_app.training.demo.recipe import measure, run

    order = order_from(arguments)
    results = measure(arguments.measure, order.seed) if arguments.measure else run(order, say)
    if arguments.json:
        print_json([as_row(score) for score in results])
    else:
        print(table(results))
    return 0


def order_from(arguments: argparse.Namespace) -> Order:
    """Return what the recipe is asked for: the flags that were given, and its own values for the rest."""
    from t5gemma_app.training.demo.recipe import Order

    names = ("data", "output", "state", "minutes", "steps", "seed")
    return Order(**{name: getattr(arguments, name) for name in names if getattr(arguments, name) is not None})
