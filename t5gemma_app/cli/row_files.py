"""Files of rows from the command line: worked on durably, by one process or by several, written when all is there.

Results gather in a hidden folder beside the output, so that an interrupted run goes on with `--resume`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.cli.output import say
from t5gemma_app.cli.run_words import duration
from t5gemma_app.errors import InputError, RunFailedError
from t5gemma_app.settings import ProcessShard
from t5gemma_app.tasks.files.journal import Done, Entry, Journal
from t5gemma_app.tasks.files.output import added_names, write_output
from t5gemma_app.tasks.files.running import FileProgress, work_rows
from t5gemma_app.tasks.files.table import Table, check_columns, format_of, open_table, other_delimiter
from t5gemma_app.tasks.files.work import ERROR, RowWork

ORDER = "order.json"
LINES_SECONDS = 5.0
POLL_SECONDS = 0.3
PATIENCE_SECONDS = 120.0
"""How long one process waits for another that has not begun or gave no sign of life."""


Write = Callable[[Iterator[Entry], Path], None]


@dataclass(frozen=True, slots=True)
class RowFile:
    """What a command line says of its files."""

    table: Table
    columns: tuple[str, ...]
    output: Path
    resume: bool = False

    @property
    def folder(self) -> Path:
        """Where results gather."""
        return self.output.with_name(f".{self.output.name[:200]}.work")


def add_row_file(command: argparse.ArgumentParser) -> None:
    """Add the flags that name files and columns."""
    command.add_argument(
        "--file", "--input", dest="file", type=Path, metavar="FILE", help="csv, tsv, jsonl or parquet, a row each"
    )
    command.add_argument(
        "--output", type=Path, metavar="FILE", help="the same rows with what was added; the ending says the format"
    )
    command.add_argument("--column", metavar="NAME", help="the column with the text (default: text)")
    command.add_argument("--pair-column", metavar="NAME", help="a column with a second text that belongs to the first")
    command.add_argument("--delimiter", default="", metavar="C", help="what separates cells, where it is not found")
    command.add_argument("--resume", action="store_true", help="go on with an interrupted run of the same command")


def require_one_source(arguments: argparse.Namespace) -> None:
    """Refuse a command line with neither a text nor a file, or with both.

    Raises:
        InputError: It is one of the two.
    """
    if (arguments.text is None) == (arguments.file is None):
        given = "neither --text nor --file" if arguments.text is None else "both --text and --file"
        raise InputError(f"There is {given}.", expected="Either --text or --file is given.")


def row_file(arguments: argparse.Namespace, usual: Sequence[str] = ("text",), also: Sequence[str] = ()) -> RowFile:
    """Return what the flags say, the file read through.

    Args:
        arguments: The command line.
        usual: Columns that are taken where none is named, the first that is there.
        also: Endings of an output that the command writes itself.

    Raises:
        InputError: The files or columns can't be used.
    """
    if arguments.output is None:
        raise InputError("There is no --output.", expected="A file to write, such as out.csv.")
    if arguments.output.suffix.lower() not in also:
        format_of(arguments.output.name)
    if not arguments.output.resolve().parent.is_dir():
        raise InputError(f"There is no folder {arguments.output.resolve().parent}.", remedy="Make it first.")
    if arguments.output.exists() and arguments.file.exists() and arguments.output.samefile(arguments.file):
        raise InputError("The output is the input.", remedy="Choose another name for the output.")
    delimiter = "\t" if arguments.delimiter in ("tab", "\\t") else arguments.delimiter
    table = open_table(arguments.file, delimiter=delimiter)
    if table.note:
        say(table.note)
    known = next((name for name in usual if name in table.columns), None)
    one = len(table.columns) == 1 and not (delimiter and other_delimiter(table))
    column = arguments.column or known or (table.columns[0] if one else usual[0])
    columns = check_columns(table, [name for name in (column, arguments.pair_column) if name])
    return RowFile(table, columns, arguments.output, arguments.resume)


def work_file(
    chosen: RowFile,
    work: RowWork,
    order: dict[str, Any],
    shard: ProcessShard,
    *,
    write: Write | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Done | None:
    """Work on a file and write it; returns what became of its rows, or None where another process writes it.

    Args:
        chosen: The files.
        work: What is done with each row.
        order: What the results depend on beside the file, as JSON values; a resumed run must have the same.
        shard: Which of several processes this one is.
        write: Writes the output from the results in order; when left out, the rows with their results in the format
            of the output's name.
        clock: Seconds that never go back.

    Raises:
        InputError: An interrupted run is there and was not resumed, or had another order.
        RunFailedError: Another process is gone before its last row.
        WorkbenchError: The work failed; `--resume` goes on.
    """
    whole = order | {"columns": list(chosen.columns), "input": _digest(chosen.table.path), "rows": chosen.table.rows}
    begun = time.time()
    if shard.rank == 0:
        _begin(chosen, whole)
    elif not _joins(chosen, whole, begun, clock):
        return None
    lines = FileLines(chosen.table.name, quiet=shard.rank > 0, clock=clock)
    journal = Journal(chosen.folder)
    try:
        done = work_rows(chosen.table, chosen.columns, work, journal, shard=shard.rank, shards=shard.size, report=lines)
    except BaseException:
        say("What was computed is kept: the same command with --resume goes on.")
        raise
    if shard.rank > 0:
        return None
    _wait(chosen.table, journal, done, clock, lines)
    names = added_names(chosen.table.columns, (*work.fields, ERROR))
    if any(name != field for field, name in names.items()):
        say(f"The file has some of the columns already; what is added is called {', '.join(names.values())}.")
    with whole_path(chosen.output) as partial:
        if write is not None:
            write(journal.entries(), partial)
        else:
            write_output(chosen.table, journal.entries(), work.fields, partial, format_of(chosen.output.name))
    shutil.rmtree(chosen.folder, ignore_errors=True)
    return done


class FileLines:
    """Says on standard error how far a file is, every few seconds."""

    def __init__(self, label: str, *, quiet: bool = False, clock: Callable[[], float] = time.monotonic) -> None:
        self._label = label
        self._quiet = quiet
        self._clock = clock
        self._said = clock()

    def __call__(self, progress: FileProgress) -> None:
        """Take the newest progress."""
        if self._quiet or self._clock() - self._said < LINES_SECONDS:
            return
        self._said = self._clock()
        say(f"{self._label}: {progress_line(progress)}")


def progress_line(progress: FileProgress) -> str:
    """Return one line on how far a file is."""
    if progress.stage:
        return progress.stage
    parts = [f"{progress.done:,} of {progress.total:,} rows"]
    if progress.rows_per_second:
        parts.append(f"{progress.rows_per_second:,.1f} rows/s")
    if progress.seconds_left:
        parts.append(f"{duration(progress.seconds_left)} left")
    if progress.errors:
        parts.append(f"{progress.errors:,} without a result")
    return " · ".join(parts)


def checkpoint_order(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return what tells a checkpoint from another of the same name."""
    weights = sorted(Path(checkpoint.location).glob("*.safetensors")) if checkpoint.source != "hub" else []
    return {
        "checkpoint": checkpoint.name,
        "revision": checkpoint.revision,
        "weights": [[path.name, path.stat().st_size] for path in weights],
    }


@contextmanager
def whole_path(path: Path) -> Iterator[Path]:
    """Yield a path beside another one, whose name it takes when the block ends well.

    Raises:
        InputError: The file can't be written there.
    """
    target = path.resolve()
    partial = target.with_name(f".{target.name[:200]}.{os.getpid()}.part")
    try:
        yield partial
        partial.replace(target)
    except OSError as error:
        raise InputError(f"The file {path} can't be written: {error.strerror}.", remedy="Choose another.") from error
    finally:
        partial.unlink(missing_ok=True)


def _begin(chosen: RowFile, order: dict[str, Any]) -> None:
    """Note what is to be done, or check that an interrupted run was to do the same."""
    path = chosen.folder / ORDER
    if (kept := _kept(path)) is not None:
        other = next((name for name in order if kept.get(name) != order[name]), None)
        if other is not None:
            raise InputError(
                f"An interrupted run to {chosen.output} had another {_SAID.get(other, other)}.",
                expected=f"It was {_short(kept.get(other))} and is {_short(order[other])}.",
                remedy=f"Give the same command, or delete {chosen.folder} to begin anew.",
            )
        if not chosen.resume:
            raise InputError(
                f"An interrupted run to {chosen.output} is there.",
                remedy=f"Add --resume to go on with it, or delete {chosen.folder} to begin anew.",
            )
        return
    if chosen.resume:
        say("There is nothing to resume; it begins.")
    try:
        chosen.folder.mkdir(exist_ok=True)
        with whole_path(path) as partial:
            partial.write_text(json.dumps(order), encoding="utf-8")
    except OSError as error:
        raise InputError(f"The folder {chosen.folder} can't be written: {error.strerror}.") from error


def _joins(chosen: RowFile, order: dict[str, Any], begun: float, clock: Callable[[], float]) -> bool:
    """Wait for the first process to begin; False where all was done without this one."""
    deadline = clock() + PATIENCE_SECONDS
    while (kept := _kept(chosen.folder / ORDER)) != order:
        if kept is None and chosen.output.exists() and chosen.output.stat().st_mtime >= begun - 1:
            return False
        if clock() > deadline:
            raise RunFailedError("The first process has not begun.", remedy="Start all of them with the same command.")
        time.sleep(POLL_SECONDS)
    return True


def _wait(table: Table, journal: Journal, done: Done, clock: Callable[[], float], lines: FileLines) -> None:
    """Wait for the rows of the other processes."""
    places: dict[Path, int] = {}
    count, silent_since = done.count, clock()
    while done.count < table.rows:
        journal.follow(done, places)
        if done.count != count:
            count, silent_since = done.count, clock()
        elif clock() - silent_since > PATIENCE_SECONDS:
            raise RunFailedError(
                f"{table.rows - count:,} of {table.rows:,} rows are missing and no process works on them.",
                remedy="The same command with --resume goes on.",
            )
        lines(FileProgress(table.rows, done.count, done.errors, stage="waiting for the other processes"))
        time.sleep(0 if done.count == table.rows else POLL_SECONDS)


def _kept(path: Path) -> dict[str, Any] | None:
    try:
        value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return value
    except (OSError, ValueError):
        return None


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _short(value: Any) -> str:
    said = json.dumps(value, ensure_ascii=False)
    return said if len(said) <= 120 else f"{said[:117]}…"


_SAID = {"input": "input file", "columns": "choice of columns", "options": "choice of options"}
