"""The flags that training commands share, and the plan and machine they make."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from t5gemma_app.checkpoints.download import snapshot
from t5gemma_app.cli.output import print_json, say
from t5gemma_app.errors import InputError
from t5gemma_app.settings import process_shard

if TYPE_CHECKING:
    from t5gemma_app.services import Services
    from t5gemma_app.training.machine import Machine
    from t5gemma_app.training.plan import Plan
    from t5gemma_app.training.results import Finished

_PLAN: tuple[tuple[str, type, str], ...] = (
    ("epochs", float, "times every row is seen (default 3)"),
    ("steps", int, "number of steps instead of epochs"),
    ("batch-rows", int, "rows of one step, over all processes (default 32)"),
    ("part-tokens", int, "padded tokens that are computed at once; larger steps are computed in parts (default 8192)"),
    ("longest", int, "tokens of an input; longer ones are cut (default 512)"),
    ("rate", float, "learning rate (default 3e-4)"),
    ("matrix-rate", float, "Muon's learning rate of matrices (default 3e-3)"),
    ("warm-up", float, "share of the steps, or a number of steps, over which the rate rises (default 0.06)"),
    ("weight-decay", float, "default 0.01"),
    ("clip", float, "largest norm of a gradient, 0 for any (default 1)"),
    ("dropout", float, "share of values that training drops (default 0.1)"),
    ("word-dropout", float, "share of input words that training replaces by the unknown word (default 0)"),
    ("smoothing", float, "share of a label's weight that goes to all labels (default 0)"),
    ("consistency", float, "weight of R-Drop, which reads each batch twice with other dropout (default 0)"),
    ("evaluate-every", int, "steps between evaluations (default: one epoch)"),
    ("patience", int, "evaluations without a better one after which training ends; 0 never (default)"),
    ("lora-rank", int, "train low-rank changes by peft in place of the weights; 0 trains the weights (default)"),
    ("lora-alpha", float, "scale of low-rank changes (default 32)"),
    ("seed", int, "decides order, dropout, held-out rows and new weights (default 0)"),
)


def add_plan(parser: argparse.ArgumentParser) -> None:
    """Add the flags of a plan; those that are left out keep the plan's own values."""
    group = parser.add_argument_group("how it is trained")
    for name, kind, help_text in _PLAN:
        metavar = "N" if kind is int else "X"
        group.add_argument(f"--{name}", type=kind, default=argparse.SUPPRESS, metavar=metavar, help=help_text)
    group.add_argument(
        "--optimiser", choices=("adamw", "muon"), default=argparse.SUPPRESS, help="muon suits small new models"
    )
    group.add_argument("--schedule", choices=("cosine", "linear", "constant"), default=argparse.SUPPRESS)
    group.add_argument(
        "--checkpointing",
        action="store_true",
        default=argparse.SUPPRESS,
        help="compute activations again instead of keeping them",
    )


def add_machine(parser: argparse.ArgumentParser) -> None:
    """Add the flags that say how the machine is used."""
    group = parser.add_argument_group("where it is trained; several processes by `accelerate launch`")
    group.add_argument("--precision", choices=("auto", "float32", "bfloat16"), default="auto")
    group.add_argument("--cpu", action="store_true", help="stay on the CPU")
    group.add_argument("--replicas", type=int, metavar="N", help="CPU threads that share a step (default: all)")
    group.add_argument("--tracker", default="", metavar="NAME", help="tensorboard or trackio, beside log.jsonl")
    group.add_argument("--save-seconds", type=float, default=90.0, metavar="S", help="time between saved states")
    group.add_argument("--shard-bytes", type=int, metavar="N", help="largest file of weights (default 5000000000)")
    group.add_argument("--json", action="store_true", help="print a JSON object")


def plan_from(arguments: argparse.Namespace, **other: Any) -> Plan:
    """Return the plan of the flags that were given; `other` are the command's own values for the rest."""
    from t5gemma_app.training.plan import Plan

    names = {field.name for field in fields(Plan)}
    given = {name: value for name, value in vars(arguments).items() if name in names}
    return Plan(**{**other, **given}).checked()


def machine_from(arguments: argparse.Namespace) -> Machine:
    """Return how the machine is used."""
    from t5gemma_app.training.machine import Machine
    from t5gemma_app.training.shards import SHARD_BYTES

    return Machine(
        precision=arguments.precision,
        replicas=arguments.replicas,
        cpu=arguments.cpu,
        tracker=arguments.tracker,
        save_seconds=arguments.save_seconds,
        shard_bytes=SHARD_BYTES if arguments.shard_bytes is None else arguments.shard_bytes,
    )


def base_folder(named: str, services: Services) -> tuple[Path, str]:
    """Return the folder of a checkpoint, fetched where it is the Hub's, and what to call it."""
    checkpoint = services.catalogue.resolve(named)
    return snapshot(checkpoint, services.settings, lambda stage, _: tell(stage)), checkpoint.name


def command_line(words: Sequence[str] | None = None) -> str:
    """Return the command as it was typed, for a card; of absolute paths the last two parts, without this machine's."""
    typed = sys.argv[1:] if words is None else words
    shown = ["/".join(Path(word).parts[-2:]) if Path(word).is_absolute() else word for word in typed]
    return " ".join(["python -m t5gemma_app", *map(shlex.quote, shown)])


def tell(text: str) -> None:
    """Print words for a person, by the first of several processes."""
    if process_shard().rank == 0:
        say(text)


def show(finished: Finished, as_json: bool) -> None:
    """Print what a run found, by the first of several processes."""
    from t5gemma_app.training.cards import score_words

    if process_shard().rank:
        return
    if as_json:
        print_json(finished.to_dict())
        return
    for score in finished.scores:
        print(score_words(score))
    minutes = f"{finished.seconds / 60:.1f} minutes"
    if not Path(finished.output).exists():
        say(
            f"The run is finished, and {finished.output} was removed since; "
            f"what is left of it is in {finished.output}.run."
        )
        return
    say(f"Wrote {finished.output}: step {finished.best_step:,} of {finished.steps:,}, trained for {minutes}.")


def pairs_from(words: list[str]) -> tuple[tuple[str, str], ...]:
    """Read `OLD=NEW` words.

    Raises:
        InputError: A word is no pair.
    """
    pairs = []
    for word in words:
        old, equals, new = word.partition("=")
        if not (old and equals and new):
            raise InputError(f"--labels {word} is no pair.", expected="It is written OLD=NEW, such as 1=positive.")
        pairs.append((old, new))
    return tuple(pairs)
