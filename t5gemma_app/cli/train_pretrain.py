"""`train pretrain`: plain text into an adapted, an existing or a new checkpoint."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from t5gemma_app.cli.train_flags import (
    add_machine,
    add_plan,
    base_folder,
    command_line,
    machine_from,
    plan_from,
    show,
    tell,
)
from t5gemma_app.errors import CheckpointError, InputError

if TYPE_CHECKING:
    from t5gemma_app.services import Services
    from t5gemma_app.training.fresh import Shape

_SHAPE = ("hidden", "intermediate", "heads", "encoder_layers", "decoder_layers")


def add_pretrain(recipes: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to `train`."""
    pretrain = recipes.add_parser("pretrain", help="train on plain text; a killed run goes on")
    source = pretrain.add_mutually_exclusive_group(required=True)
    source.add_argument("--checkpoint", metavar="C", help="a name from `models list`, or a folder")
    source.add_argument("--new", action="store_true", help="a small new model with random weights")
    pretrain.add_argument(
        "--output", required=True, type=Path, metavar="DIR", help="the new checkpoint; DIR.run keeps log"
    )
    pretrain.add_argument(
        "--text", nargs="+", required=True, type=Path, metavar="FILE", help="text files, or jsonl files with texts"
    )
    pretrain.add_argument(
        "--objective",
        choices=("ul2", "prefixlm", "causal"),
        default="ul2",
        help="causal trains a decoder-only Gemma 2 (default ul2)",
    )
    pretrain.add_argument("--eval-share", type=float, default=0.02, metavar="X", help="share held out (default 0.02)")
    pretrain.add_argument(
        "--teacher", type=Path, metavar="DIR", help="a decoder-only Gemma 2 to learn from; PrefixLM only"
    )
    pretrain.add_argument(
        "--teacher-share", type=float, default=1.0, metavar="X", help="how much it counts (default 1)"
    )
    pretrain.add_argument(
        "--cross-attention-steps",
        type=int,
        default=argparse.SUPPRESS,
        metavar="N",
        help="first steps that train cross-attention alone (default: what the checkpoint's card says)",
    )
    pretrain.add_argument("--licence", default="not stated", metavar="TEXT", help="licence of the texts, for the card")
    new = pretrain.add_argument_group("the sizes of a new model")
    for name in _SHAPE:
        new.add_argument(f"--{name.replace('_', '-')}", type=int, default=argparse.SUPPRESS, metavar="N")
    new.add_argument("--pieces", type=int, default=8000, metavar="N", help="word pieces to learn (default 8000)")
    new.add_argument("--tokenizer", type=Path, metavar="DIR", help="a folder whose tokenizer it takes instead")
    add_plan(pretrain)
    add_machine(pretrain)
    pretrain.set_defaults(run=run)


def run(arguments: argparse.Namespace, services: Services) -> int:
    """Train, or go on with a killed run, and print what was reached."""
    from t5gemma_app.training.pretrain import PretrainOrder, pretrain

    base, name = _base(arguments, services)
    order = PretrainOrder(
        output=arguments.output,
        texts=tuple(arguments.text),
        plan=plan_from(arguments, longest=256),
        base=base,
        name=name,
        shape=_shape(arguments),
        pieces=arguments.pieces,
        tokenizer=arguments.tokenizer,
        objective=arguments.objective,
        share=arguments.eval_share,
        teacher=arguments.teacher,
        teacher_share=arguments.teacher_share,
        machine=machine_from(arguments),
        licence=arguments.licence,
        command=command_line(),
    )
    finished = pretrain(order, tell)
    if finished is not None:
        show(finished, arguments.json)
    return 0


def _base(arguments: argparse.Namespace, services: Services) -> tuple[Path | None, str]:
    if arguments.new:
        return None, "nothing"
    if any(name in arguments for name in _SHAPE) or arguments.tokenizer:
        raise InputError("Sizes and a tokenizer are for a new model.", remedy="Pass --new, or leave them out.")
    folder = Path(arguments.checkpoint).expanduser()
    if arguments.objective == "causal":
        # A decoder-only model is no checkpoint of the catalogue.
        if not folder.is_dir():
            raise CheckpointError(f"There is no folder {folder}.", expected="A decoder-only Gemma 2.")
        return folder, folder.name
    return base_folder(arguments.checkpoint, services)


def _shape(arguments: argparse.Namespace) -> Shape:
    from t5gemma_app.training.fresh import Shape

    return Shape(**{name: getattr(arguments, name) for name in _SHAPE if name in arguments})
