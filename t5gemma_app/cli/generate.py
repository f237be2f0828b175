"""`generate`: a file of prompts in, the same file with answers out."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from t5gemma_app.cli.files import whole_file
from t5gemma_app.cli.output import say
from t5gemma_app.cli.sampling import add_sampling, parameters_from
from t5gemma_app.tasks.generation import answer_rows, read_prompts

if TYPE_CHECKING:
    from t5gemma_app.services import Services

SECONDS_BETWEEN_REPORTS = 5.0


def add_generate(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    generate = commands.add_parser("generate", help="answer a file of prompts")
    generate.add_argument("--checkpoint", required=True, metavar="C", help="a name from `models list`, or a folder")
    generate.add_argument(
        "--input", required=True, type=Path, metavar="F.jsonl", help='a line each: {"prompt"} or {"messages"}'
    )
    generate.add_argument("--output", required=True, type=Path, metavar="F.jsonl", help="written when all are answered")
    generate.add_argument("--raw", action="store_true", help="send each prompt as it is, without turns")
    generate.add_argument("--token-ids", action="store_true", help="add the ids of the answer's tokens")
    generate.add_argument("--batch", type=int, default=8, metavar="N", help="prompts at the same time (default 8)")
    add_sampling(generate)
    generate.set_defaults(run=run)


def run(arguments: argparse.Namespace, services: Services) -> int:
    """Answer every row and write the file at the end."""
    parameters = parameters_from(arguments)
    rows = read_prompts(arguments.input)
    checkpoint = services.catalogue.resolve(arguments.checkpoint)
    begun = reported = time.monotonic()
    with whole_file(arguments.output) as output:
        answers = answer_rows(
            services.engine,
            checkpoint,
            rows,
            parameters,
            arguments.batch,
            raw=arguments.raw,
            token_ids=arguments.token_ids,
            warn=say,
        )
        for number, row in enumerate(answers, start=1):
            output.write(_line(row))
            if time.monotonic() - reported >= SECONDS_BETWEEN_REPORTS and number < len(rows):
                reported = time.monotonic()
                say(f"{number:,} of {len(rows):,} answered")
    say(f"Wrote {len(rows):,} answers to {arguments.output} in {time.monotonic() - begun:.1f} s.")
    return 0


def _line(row: dict[str, Any]) -> str:
    """Write a row as readable UTF-8, or with escapes where a field holds an unpaired surrogate."""
    line = json.dumps(row, ensure_ascii=False)
    try:
        line.encode("utf-8")
    except UnicodeEncodeError:
        line = json.dumps(row)
    return line + "\n"
