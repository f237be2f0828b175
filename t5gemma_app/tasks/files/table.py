"""A file of rows as a value: its columns and how many rows it has, and its rows one after the other.

A file is read from its start to its end once before anything is computed, so that what is wrong with it is said first.
Only a few rows are in memory at any time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, Literal, get_args

from t5gemma_app.errors import InputError, did_you_mean
from t5gemma_app.tasks.files import delimited, lines, parquet
from t5gemma_app.tasks.files.sniffing import refuse_other_kinds

Format = Literal["csv", "tsv", "jsonl", "parquet"]
FORMATS: tuple[Format, ...] = get_args(Format)
SUFFIXES: dict[str, Format] = {
    ".csv": "csv", ".tsv": "tsv", ".tab": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet",
    ".pq": "parquet",
}  # fmt: skip

MOST_COLUMNS = 2000
PREVIEW = 10

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Table:
    """A file that was read through and found sound."""

    path: Path
    name: str
    """What people call it."""
    format: Format
    columns: tuple[str, ...]
    rows: int
    delimiter: str = ""
    encoding: str = "utf-8"

    @property
    def note(self) -> str:
        """What was understood of the file that is not plain; mostly empty."""
        notes = []
        usual = {"csv": ",", "tsv": "\t"}.get(self.format, "")
        if self.delimiter != usual:
            notes.append(f"Cells are separated by {delimited.NAMES.get(self.delimiter, repr(self.delimiter))}.")
        if self.encoding == "utf-16":
            notes.append("The text is UTF-16.")
        return " ".join(notes)


def format_of(name: str) -> Format:
    """Return the format that a file's name announces.

    Raises:
        InputError: It is none of those that can be read and written.
    """
    suffix = Path(name).suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(
            f"The file {_short(name)} ends in {suffix!r}." if suffix else f"The file {_short(name)} has no ending.",
            expected=f"It takes {', '.join(f'.{known}' for known in FORMATS)}.",
            remedy="Save it as one of them.",
        )
    return SUFFIXES[suffix]


def open_table(path: Path, *, name: str = "", most_rows: int = 0, delimiter: str = "") -> Table:
    """Read a file through and return what it is.

    Args:
        path: Where it is.
        name: What people call it; its ending says the format.
        most_rows: Rows it may have; 0 is no limit.
        delimiter: What separates its cells; found from its first line when left out.

    Raises:
        InputError: It can't be read, or is not what it seems; the message names the line where there is one.
    """
    name = name or path.name
    found_format = format_of(name)
    try:
        if not path.stat().st_size:
            raise InputError(f"The file {_short(name)} is empty.", expected="A header, and a row for each text.")
        refuse_other_kinds(path, _short(name), found_format)
        table = Table(path, name, found_format, (), 0)
        if found_format == "parquet":
            columns, rows = parquet.survey(path, _short(name))
        elif found_format == "jsonl":
            columns, rows = lines.survey(path, _short(name), most_rows)
        else:
            dialect = delimited.find_dialect(path, _short(name), found_format, delimiter)
            table = replace(table, delimiter=dialect.delimiter, encoding=dialect.encoding)
            columns, rows = delimited.survey(path, _short(name), dialect, most_rows)
    except OSError as error:
        raise InputError(
            f"The file {_short(name)} can't be read: {error.strerror}.", remedy="Check the path."
        ) from error
    _check(_short(name), columns, rows, most_rows)
    return replace(table, columns=tuple(columns), rows=rows)


def read_rows(table: Table) -> Iterator[Row]:
    """Yield the rows of a table in order; at most a few hundred are in memory.

    Raises:
        InputError: The file changed since it was opened.
    """
    if table.format == "parquet":
        yield from parquet.read(table.path, _short(table.name))
    elif table.format == "jsonl":
        yield from lines.read(table.path, _short(table.name))
    else:
        dialect = delimited.Dialect(table.delimiter, table.encoding)
        yield from delimited.read(table.path, _short(table.name), dialect)


def preview(table: Table, count: int = PREVIEW) -> list[Row]:
    """Return the first rows."""
    return list(islice(read_rows(table), count))


def check_columns(table: Table, columns: Sequence[str]) -> tuple[str, ...]:
    """Return columns by their names, one or two different ones.

    Raises:
        InputError: A name is not there, or they are none or too many.
    """
    if not 1 <= len(columns) <= 2 or len(set(columns)) < len(columns):
        raise InputError(
            f"{len(columns)} columns are chosen." if len(set(columns)) == len(columns) else "A column is chosen twice.",
            expected="One column with the text, or two with texts that belong together.",
        )
    for column in columns:
        if column not in table.columns:
            known = ", ".join(table.columns[:12]) + (" …" if len(table.columns) > 12 else "")
            raise InputError(
                f"{_short(table.name)} has no column {column[:80]!r}.",
                expected=f"It has {known}.",
                remedy=other_delimiter(table)
                or did_you_mean(column, table.columns)
                or "The first line of a file must name its columns: add one if yours begins with a text.",
            )
    return tuple(columns)


def other_delimiter(table: Table) -> str:
    """Return a word about the delimiter where the only column's name holds another one; else nothing."""
    marks = [mark for mark in delimited.NAMES if table.delimiter and mark in table.columns[0]]
    if len(table.columns) > 1 or not marks:
        return ""
    return f"Its cells seem to be separated by {delimited.NAMES[marks[0]]}: name that delimiter, or none to find it."


def _check(name: str, columns: Sequence[str], rows: int, most_rows: int) -> None:
    if len(columns) > MOST_COLUMNS:
        raise InputError(f"{name} has {len(columns):,} columns.", expected=f"It may have {MOST_COLUMNS:,}.")
    twice = next((column for at, column in enumerate(columns) if column in columns[:at]), None)
    if twice is not None:
        raise InputError(f"{name} has two columns called {twice[:80]!r}.", remedy="Give each column a name of its own.")
    if not rows:
        raise InputError(f"{name} has a header and no rows." if columns else f"{name} has no rows.")
    if most_rows and rows > most_rows:
        raise InputError(
            f"{name} has more than {most_rows:,} rows.",
            expected=f"Files of up to {most_rows:,} rows are taken.",
            remedy="Split the file, or raise T5GEMMA_MAX_ROWS.",
        )


def _short(name: str) -> str:
    return name if len(name) <= 80 else f"{name[:38]}…{name[-38:]}"
