"""Rows of JSON Lines files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from t5gemma_app.errors import InputError
from t5gemma_app.tasks.files.sniffing import not_utf8

LARGEST_LINE = 64_000_000
"""Bytes of a line."""


def survey(path: Path, name: str, most_rows: int) -> tuple[list[str], int]:
    """Read a file through and return its columns in order of appearance and how many rows it has.

    Raises:
        InputError: A line is no JSON object; the message names it.
    """
    columns: dict[str, None] = {}
    rows = 0
    for row in read(path, name):
        columns.update(dict.fromkeys(row))
        rows += 1
        if most_rows and rows > most_rows:
            break
    return list(columns), rows


def read(path: Path, name: str) -> Iterator[dict[str, Any]]:
    """Yield the rows; blank lines are left out."""
    with path.open("rb") as file:
        number = 0
        while line := file.readline(LARGEST_LINE + 1):
            number += 1
            if len(line) > LARGEST_LINE:
                raise InputError(f"{name}, line {number:,} has more than {LARGEST_LINE:,} bytes.")
            if number == 1:
                line = line.removeprefix(b"\xef\xbb\xbf")
            if line.strip():
                yield _row(line, name, number)


def _row(line: bytes, name: str, number: int) -> dict[str, Any]:
    try:
        row = json.loads(line.decode("utf-8"), parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise not_utf8(name, number, error) from error
    except (ValueError, RecursionError) as error:
        hint = "One JSON object a line, not one list." if line.lstrip()[:1] == b"[" else "One JSON object a line."
        raise InputError(f"{name}, line {number:,} is not JSON: {error}.", expected=hint) from error
    if not isinstance(row, dict):
        raise InputError(f"{name}, line {number:,} is not an object.", expected="One JSON object a line.")
    return row


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON number")
