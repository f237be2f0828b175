"""`models list` and `models init`; `models show` has its own file."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from t5gemma_app.checkpoints.parameters import count_in_words
from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.checkpoints.sizes import SIZES, VOCABULARY
from t5gemma_app.cli.models_show import add_show, entry
from t5gemma_app.cli.output import print_json, say, table
from t5gemma_app.errors import InputError

if TYPE_CHECKING:
    from t5gemma_app.services import Services


def add_models(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands to the parser."""
    models = commands.add_parser("models", help="list, describe and make checkpoints")
    actions = models.add_subparsers(dest="action", required=True, metavar="ACTION")

    lists = actions.add_parser("list", help="the catalogue")
    lists.add_argument("--json", action="store_true", help="print a JSON list")
    lists.add_argument("--size", metavar="S", help="an encoder's or decoder's size (`b`), or a pair (`b-s`)")
    lists.add_argument("--objective", metavar="O", help="prefixlm or ul2")
    lists.add_argument("--stage", metavar="S", help="pretrained or instruction-tuned")
    lists.add_argument("--check", action="store_true", help="ask the Hub which of them the token reaches")
    lists.set_defaults(run=run_list)

    add_show(actions)

    init = actions.add_parser("init", help="a checkpoint with random weights, for dry runs")
    sizes = ", ".join(SIZES)
    init.add_argument("folder", type=Path, metavar="DIR", help="where to write it; must be new or empty")
    init.add_argument("--encoder", required=True, metavar="SIZE", help=f"one of {sizes}")
    init.add_argument("--decoder", required=True, metavar="SIZE", help=f"one of {sizes}")
    init.add_argument("--vocab-size", type=int, default=VOCABULARY, metavar="N", help=f"default {VOCABULARY}")
    init.add_argument("--tokenizer", type=Path, metavar="DIR", help="a folder with a tokenizer to put beside it")
    init.add_argument("--dtype", choices=("bfloat16", "float32"), default="bfloat16", help="default bfloat16")
    init.add_argument("--seed", type=int, default=0, metavar="N", help="default 0")
    init.set_defaults(run=run_init)


def run_list(arguments: argparse.Namespace, services: Services) -> int:
    """Print the catalogue."""
    every = services.catalogue.all()
    _known("--objective", arguments.objective, {c.objective for c in every})
    _known("--stage", arguments.stage, {c.stage for c in every})
    sizes = {word for c in every for word in (c.encoder_size.lower(), c.decoder_size.lower(), c.pair.lower())}
    _known("--size", arguments.size, sizes)
    chosen = [checkpoint for checkpoint in every if _wanted(checkpoint, arguments)]
    services.access.refresh(chosen if arguments.check else _told_without_asking(chosen, services))
    for problem in services.catalogue.problems:
        say(f"Left out: {problem}")
    if arguments.json:
        print_json([entry(checkpoint, services) for checkpoint in chosen])
        return 0
    header = ("name", "source", "encoder", "decoder", "parameters", "objective", "stage", "head", "access")
    rows = [
        (
            c.name,
            c.source,
            c.encoder_size,
            c.decoder_size,
            count_in_words(c.parameters.total) if c.parameters else "?",
            c.objective,
            c.stage,
            c.head,
            str(services.access.of(c).state),
        )
        for c in chosen
    ]
    print(table(header, rows, right=(4,)))
    return 0


def run_init(arguments: argparse.Namespace, services: Services) -> int:
    """Write a checkpoint with random weights."""
    checkpoint = services.initialise(
        arguments.folder,
        arguments.encoder,
        arguments.decoder,
        arguments.vocab_size,
        arguments.tokenizer,
        arguments.dtype,
        arguments.seed,
    )
    total = count_in_words(checkpoint.parameters.total) if checkpoint.parameters else "?"
    say(f"Wrote {arguments.folder}: {total} parameters with random weights, {arguments.dtype}.")
    return 0


def _told_without_asking(checkpoints: Sequence[Checkpoint], services: Services) -> list[Checkpoint]:
    """Return those whose access is certain without the network: all when offline, gated ones when there is no token."""
    settings = services.settings
    return [c for c in checkpoints if settings.offline or (c.gated and settings.token is None)]


def _known(flag: str, value: str | None, known: set[str]) -> None:
    if value is not None and value.lower() not in known:
        raise InputError(f"{flag} {value} matches no checkpoint.", expected=f"There is {', '.join(sorted(known))}.")


def _wanted(checkpoint: Checkpoint, arguments: argparse.Namespace) -> bool:
    sizes = (checkpoint.encoder_size, checkpoint.decoder_size, checkpoint.pair)
    return (
        (arguments.size is None or arguments.size.lower() in (size.lower() for size in sizes))
        and (arguments.objective is None or checkpoint.objective == arguments.objective.lower())
        and (arguments.stage is None or checkpoint.stage == arguments.stage.lower())
    )
