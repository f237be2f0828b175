"""Rows of csv and tsv files."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from t5gemma_app.errors import InputError
from t5gemma_app.tasks.files.sniffing import is_utf16, not_utf8

LARGEST_CELL = 16_000_000
"""Characters of a cell; more means that a quote was never closed, or that the file is something else."""
NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
LONGEST_NAME = 200
"""Characters of a column's name; more is a text."""

_NUMBER = re.compile(r"[-+]?[\d.,]+%?$")


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a file separates and encodes its cells."""

    delimiter: str
    encoding: str


def find_dialect(path: Path, name: str, format_name: str, delimiter: str = "") -> Dialect:
    """Return how a file is written, told from its first line.

    Raises:
        InputError: The delimiter that somebody wishes is none, or the first line can't be read.
    """
    if delimiter and (len(delimiter) != 1 or delimiter in '"\r\n'):
        raise InputError(f"The delimiter is {delimiter!r}.", expected="It is one character, such as ; or a tab.")
    with path.open("rb") as file:
        encoding = "utf-16" if is_utf16(file.read(2)) else "utf-8-sig"
    if not delimiter:
        with path.open(encoding=encoding, newline="") as text:
            line = _first_line(text, name)
        usual = "\t" if format_name == "tsv" else ","
        counts = {mark: _outside_quotes(line).count(mark) for mark in NAMES}
        best = max(counts, key=lambda mark: (counts[mark], mark == usual))
        delimiter = usual if counts[usual] or not counts[best] else best
    return Dialect(delimiter, encoding)


def survey(path: Path, name: str, dialect: Dialect, most_rows: int) -> tuple[list[str], int]:
    """Read a file through and return its columns and how many rows it has, counting no further than needed.

    Raises:
        InputError: A line can't be read, or the first one names no columns.
    """
    columns: list[str] = []
    rows = 0
    for _, cells in _records(path, name, dialect):
        if not columns:
            columns = _header(name, cells)
            continue
        rows += 1
        if most_rows and rows > most_rows:
            break
    return columns, rows


def read(path: Path, name: str, dialect: Dialect) -> Iterator[dict[str, Any]]:
    """Yield the rows; cells that a short line lacks are empty."""
    columns: list[str] = []
    for _, cells in _records(path, name, dialect):
        if not columns:
            columns = _header(name, cells)
        else:
            yield dict(zip(columns, cells + [""] * (len(columns) - len(cells)), strict=True))


def _records(path: Path, name: str, dialect: Dialect) -> Iterator[tuple[int, list[str]]]:
    """Yield the number of the line at which it ends and the cells of each record, blank lines left out."""
    csv.field_size_limit(LARGEST_CELL)  # a setting of the module; everybody who reads here sets the same
    width = 0
    with path.open(encoding=dialect.encoding, newline="") as text:
        reader = csv.reader(_lines(text, name), delimiter=dialect.delimiter, strict=True)
        try:
            for cells in reader:
                if not cells:
                    continue
                width = width or len(cells)
                if len(cells) > width:
                    raise InputError(
                        f"{name}, line {reader.line_num:,} has {len(cells)} cells and the header has {width}.",
                        expected=f"Cells are separated by {NAMES.get(dialect.delimiter, repr(dialect.delimiter))}.",
                        remedy="Put quotes around texts that hold one, or name another delimiter.",
                    )
                yield reader.line_num, cells
        except UnicodeError as error:
            raise not_utf8(name, reader.line_num + 1, error) from error
        except csv.Error as error:
            raise _broken(name, reader.line_num, str(error)) from error


def _lines(text: TextIO, name: str) -> Iterator[str]:
    number = 0
    while line := text.readline(LARGEST_CELL + 1):
        number += 1
        if len(line) > LARGEST_CELL:
            raise InputError(f"{name}, line {number:,} has more than {LARGEST_CELL:,} characters.")
        yield line


def _broken(name: str, line: int, why: str) -> InputError:
    if "unexpected end" in why or "field larger" in why:
        return InputError(
            f"{name}: a quote is opened and not closed before line {line:,}.",
            remedy='Close it, or double the quotes that belong to a text: "" inside "…".',
        )
    if "expected after" in why:
        return InputError(
            f"{name}, line {line:,}: text follows a closing quote.",
            remedy='Double the quotes that belong to a text: "" inside "…".',
        )
    return InputError(f"{name}, line {line:,} can't be read: {why}.")


def _header(name: str, cells: list[str]) -> list[str]:
    """Return the names in a first line, or refuse one that looks like data."""
    columns = [cell.strip() for cell in cells]
    odd = next((c for c in columns if not c or len(c) > LONGEST_NAME or "\n" in c or _NUMBER.match(c)), None)
    if odd is not None:
        said = "a name is missing in it" if not odd else f"{odd[:60]!r} is no name of a column"
        raise InputError(
            f"{name} seems to have no header: {said}.",
            expected="The first line names the columns.",
            remedy="Add such a line, for example: text.",
        )
    return columns


def _first_line(text: TextIO, name: str) -> str:
    try:
        return next(_lines(text, name), "")
    except UnicodeError as error:
        raise not_utf8(name, 1, error) from error


def _outside_quotes(line: str) -> str:
    return re.sub(r'"[^"]*"', "", line)
