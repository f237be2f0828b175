"""Rows of local official-layout files: `<Task>/{train,val}.jsonl`, read line by line, checked, and flattened."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from t5gemma_app.benchmarks.layout import flat_rows
from t5gemma_app.errors import InputError, did_you_mean

FOLDERS = {
    "boolq": "BoolQ",
    "cb": "CB",
    "copa": "COPA",
    "multirc": "MultiRC",
    "record": "ReCoRD",
    "rte": "RTE",
    "wic": "WiC",
    "wsc": "WSC",
}
"""The official folder of each benchmark."""

MAX_LINE_BYTES = 4_000_000
"""The longest official line, a MultiRC paragraph with all its questions, has under 50,000."""
MAX_FILE_BYTES = 2_000_000_000


@dataclass(frozen=True, slots=True)
class DataSource:
    """Where rows came from, so that a result can say what it was measured on."""

    kind: Literal["folder", "hub", "file"]
    location: str
    """The file, or the data set's name on the Hub."""
    revision_or_hash: str
    """The Hub's revision, or the file's SHA-256."""
    split: str
    note: str = ""
    """What the rows are where they are not those of the official split, such as `cut split, 500 rows of 3,270`."""


def read_rows(
    benchmark: str, data_dir: Path, split: str, limit: int | None = None
) -> tuple[list[dict[str, Any]], DataSource]:
    """Return the flat rows of a benchmark's split and where they came from.

    Args:
        benchmark: A name such as `multirc`.
        data_dir: The folder that holds the official folders.
        split: `train` or `val`.
        limit: The number of rows to read, counted after flattening, in file order; None reads all.

    Raises:
        InputError: The folder, the file or a line is not what it should be; the message names file and line.
    """
    path = _file(benchmark, data_dir, split)
    if limit is not None and limit < 1:
        raise InputError(f"The limit is {limit}.", expected="It is the number of rows to read, at least 1.")
    rows: list[dict[str, Any]] = []
    for row in _flattened(benchmark, path):
        rows.append(row)
        if len(rows) == limit:
            break
    if not rows:
        raise InputError(f"{path} holds no rows.", remedy="Put the official file in its place.")
    source = DataSource(kind="folder", location=str(path), revision_or_hash=file_hash(path), split=split)
    return rows, source


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield a text file's lines that are not blank, with their numbers from 1.

    Raises:
        InputError: The file is too big, a line is too long or not UTF-8.
    """
    if path.stat().st_size > MAX_FILE_BYTES:
        raise InputError(f"{path} has more than {MAX_FILE_BYTES:,} bytes.", remedy="Cut it into smaller files.")
    with path.open("rb") as file:
        number = 0
        while line := file.readline(MAX_LINE_BYTES + 1):
            number += 1
            if len(line) > MAX_LINE_BYTES:
                raise InputError(
                    f"{path}, line {number} has more than {MAX_LINE_BYTES:,} bytes.",
                    expected="Each line holds one JSON object.",
                )
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8").strip()
            except UnicodeDecodeError as error:
                raise InputError(
                    f"{path}, line {number} is not UTF-8: {error.reason} at byte {error.start}.",
                    remedy="Save the file as UTF-8.",
                ) from error
            if text:
                yield number, text


def json_object(path: Path, number: int, text: str) -> dict[str, Any]:
    """Return the object that a line holds; raises `InputError` with file and line."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{path}, line {number} is not JSON: {error}.", expected="Each line holds one JSON object."
        ) from error
    if not isinstance(value, dict):
        raise InputError(
            f"{path}, line {number} holds {type(value).__name__} {text[:40]!r}.",
            expected="Each line holds one JSON object.",
        )
    return value


def described(error: ValidationError) -> str:
    """Return the first fault of a row in words, naming the field."""
    fault = error.errors(include_url=False)[0]
    field = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "missing":
        return f"the field {field!r} is missing"
    message = fault["msg"].removeprefix("Value error, ")
    return f"{field}: {message}" if field else message


def _flattened(benchmark: str, path: Path) -> Iterator[dict[str, Any]]:
    for number, text in numbered_lines(path):
        line = json_object(path, number, text)
        try:
            yield from flat_rows(benchmark, line)
        except ValidationError as error:
            raise InputError(
                f"{path}, line {number} is no {FOLDERS[benchmark]} row: {described(error)}.",
                remedy="Compare it with the official file.",
            ) from error


def _file(benchmark: str, data_dir: Path, split: str) -> Path:
    if not data_dir.is_dir():
        raise InputError(
            f"There is no data folder {data_dir}.",
            expected=f"It holds official folders such as {FOLDERS[benchmark]}.",
        )
    folder = data_dir / FOLDERS[benchmark]
    if not folder.is_dir():
        found = sorted(entry.name for entry in data_dir.iterdir() if entry.is_dir())
        raise InputError(
            f"{data_dir} has no folder {FOLDERS[benchmark]}.",
            expected=f"It has {', '.join(found[:20]) or 'no folders'}.",
            remedy=did_you_mean(FOLDERS[benchmark], found),
        )
    path = folder / f"{split}.jsonl"
    if not path.is_file():
        found = sorted(entry.name for entry in folder.iterdir())
        raise InputError(
            f"{folder} has no file {path.name}.", expected=f"It has {', '.join(found[:20]) or 'no files'}."
        )
    return path
