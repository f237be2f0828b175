"""`train adapt`: two decoder-only Gemma 2 checkpoints made into one T5Gemma."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from t5gemma_app.checkpoints.memory import in_words
from t5gemma_app.checkpoints.parameters import count_in_words
from t5gemma_app.cli.output import print_json, say, table
from t5gemma_app.errors import InputError

if TYPE_CHECKING:
    from t5gemma_app.services import Services
    from t5gemma_app.training.adapting.adapt import AdaptReport

_SHOWN_LEFT_OUT = 5


def add_adapt(recipes: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to `train`."""
    adapt = recipes.add_parser("adapt", help="make a T5Gemma of two decoder-only Gemma 2 checkpoints")
    adapt.add_argument("folder", nargs="?", type=Path, metavar="OUT", help="where to write it; must be new or empty")
    adapt.add_argument("--output", type=Path, metavar="DIR", help="the same, as a flag")
    adapt.add_argument(
        "--encoder", required=True, metavar="GEMMA", help="a folder, or a Hub id such as google/gemma-2-2b"
    )
    adapt.add_argument("--decoder", required=True, metavar="GEMMA", help="a folder or a Hub id; may be another size")
    adapt.add_argument(
        "--cross-attention",
        choices=("auto", "copy", "new"),
        default="auto",
        help="a copy of self-attention, as balanced pairs take it, or new (default: by the pair)",
    )
    adapt.add_argument(
        "--warm-up-steps", type=int, metavar="N", help="steps a new cross-attention is trained alone (default 1000)"
    )
    adapt.add_argument(
        "--dtype", choices=("auto", "bfloat16", "float32"), default="auto", help="default: the sources' own"
    )
    adapt.add_argument("--seed", type=int, default=0, metavar="N", help="seed of a new cross-attention (default 0)")
    adapt.add_argument("--dry-run", action="store_true", help="read headers only and say what would be written")
    adapt.add_argument("--json", action="store_true", help="print a JSON object with every tensor")
    adapt.set_defaults(run=run)


def run(arguments: argparse.Namespace, services: Services) -> int:
    """Make the checkpoint and print where its weights come from."""
    from t5gemma_app.training.adapting.adapt import WARM_UP_STEPS, AdaptOrder, adapt
    from t5gemma_app.training.adapting.places import source_folder

    output = output_of(arguments)
    encoder, decoder = (
        source_folder(named, services.settings, lambda stage, _: say(stage))
        for named in (arguments.encoder, arguments.decoder)
    )
    steps = WARM_UP_STEPS if arguments.warm_up_steps is None else arguments.warm_up_steps
    order = AdaptOrder(
        encoder=encoder,
        decoder=decoder,
        output=output,
        cross_attention=arguments.cross_attention,
        dtype=arguments.dtype,
        warm_up_steps=steps,
        seed=arguments.seed,
        dry_run=arguments.dry_run,
    )
    report = adapt(order)
    if arguments.json:
        print_json(asdict(report))
    else:
        print(report_page(report))
    say(f"Wrote {output}." if report.written else f"Nothing was written; {output} would be.")
    return 0


def output_of(arguments: argparse.Namespace) -> Path:
    """Return where to write, named as an argument or by its flag.

    Raises:
        InputError: It is named twice, or not at all.
    """
    named = [path for path in (arguments.folder, arguments.output) if path is not None]
    if len(named) != 1:
        raise InputError(
            "The output is named twice." if named else "No output is named.", expected="One of OUT and --output DIR."
        )
    return Path(named[0])


def report_page(report: AdaptReport) -> str:
    """Return a report in words."""
    rows = [(part.part, f"{part.tensors:,}", f"{part.parameters:,}", part.origin) for part in report.parts]
    lines = [
        f"encoder    {report.encoder}",
        f"decoder    {report.decoder}",
        f"pair       {report.pair}, {count_in_words(report.parameters)} parameters, {in_words(report.bytes)}",
        f"tokenizer  {report.tokenizer or 'none; put one beside the weights before use'}",
        *(f"{reason.subject} {reason.choice}: {reason.because}" for reason in report.reasons),
        "",
        table(("part", "tensors", "parameters", "from"), rows, right=(1, 2)),
    ]
    if report.left_out:
        lines += ["", f"Left out: {len(report.left_out)} tensors of the sources"]
        lines += [f"  {one.role} {one.source}: {one.reason}" for one in report.left_out[:_SHOWN_LEFT_OUT]]
        lines += ["  …"] if len(report.left_out) > _SHOWN_LEFT_OUT else []
    if report.warm_up_steps:
        lines += [
            "",
            f"Train its cross-attention alone for the first {report.warm_up_steps:,} steps; its card says so.",
        ]
    return "\n".join(lines)
