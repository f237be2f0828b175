"""`embed`: a file of texts as vectors, in a numpy array or beside the texts."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from t5gemma_app.cli.output import print_json, say
from t5gemma_app.cli.row_files import add_row_file, checkpoint_order, require_one_source, row_file, work_file
from t5gemma_app.errors import InputError
from t5gemma_app.settings import process_shard, take_own_gpu
from t5gemma_app.tasks.embed_rows import EMBEDDING, TASK, EmbedRows
from t5gemma_app.tasks.embedding import POOLINGS
from t5gemma_app.tasks.files.journal import Entry

if TYPE_CHECKING:
    from t5gemma_app.services import Services

ARRAY = ".npy"


def add_embed(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    embed = commands.add_parser(
        "embed", help="turn a file of texts into vectors; several processes by `accelerate launch`"
    )
    embed.add_argument("--checkpoint", required=True, metavar="C", help="any; its encoder alone is used")
    embed.add_argument("--text", metavar="TEXT", help="a text; its vector is printed as JSON")
    add_row_file(embed)
    embed.add_argument("--pooling", default="mean", choices=POOLINGS, help="of the tokens, or the last one's state")
    embed.add_argument("--json", action="store_true", help="print a JSON object")
    embed.set_defaults(run=run)


def run(arguments: argparse.Namespace, services: Services) -> int:
    """Print the vector of a text, or write those of a file."""
    require_one_source(arguments)
    if arguments.pair_column:
        raise InputError("--pair-column is there.", expected="One column is embedded.")
    checkpoint = services.catalogue.resolve(arguments.checkpoint)
    if arguments.file is None:
        (vector,) = services.embedder.embed(checkpoint, [arguments.text], arguments.pooling, urgent=True)
        print_json({"embedding": list(vector)} if arguments.json else list(vector))
        return 0
    chosen = row_file(arguments, also=(ARRAY,))
    shard = process_shard()
    take_own_gpu()
    order = {"task": TASK, **checkpoint_order(checkpoint), "options": {"pooling": arguments.pooling}}
    work = EmbedRows(services.embedder, checkpoint, services.embedder.pooling(arguments.pooling))
    write = partial(write_array, chosen.table.rows) if chosen.output.suffix.lower() == ARRAY else None
    done = work_file(chosen, work, order, shard, write=write)
    if done is None:
        return 0
    if arguments.json:
        print_json({"rows": done.count, "without_result": done.errors})
    missing = f"; {done.errors:,} have no vector{' and are NaN' if write else ', and say why'}" if done.errors else ""
    say(f"Wrote {done.count:,} vectors to {arguments.output}{missing}.")
    return 0


def write_array(rows: int, entries: Iterator[Entry], path: Path) -> None:
    """Write vectors as a float32 array [rows, width]; rows without one are NaN.

    Raises:
        InputError: No row has a vector.
    """
    import numpy as np

    array = None
    for entry in entries:
        vector = entry.result.values.get(EMBEDDING.name)
        if vector is None:
            continue
        if array is None:
            array = np.lib.format.open_memmap(path, "w+", np.float32, (rows, len(vector)))
            array[:] = np.nan
        array[entry.number] = vector
    if array is None:
        raise InputError("No row has a vector.", remedy="Write to a .jsonl, which says why.")
    array.flush()
