"""Files of rows as dictionaries: jsonl, csv and tsv files, folders of them, and tables of the Hub."""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from t5gemma_app.benchmarks.hub import hub_table
from t5gemma_app.benchmarks.rows import DataSource, file_hash, json_object, numbered_lines
from t5gemma_app.errors import InputError

HUB = "hub:"
_HUB_NAME = re.compile(r"hub:(?P<name>[\w.-]+/[\w.-]+)@(?P<commit>[0-9a-f]{40})(:(?P<config>[\w.-]+))?#(?P<split>\w+)")
_ENDINGS = (".jsonl", ".csv", ".tsv")
_TRAIN = ("train",)
_EVALUATION = ("dev", "val", "validation", "test")


@dataclass(frozen=True, slots=True)
class Record:
    """One row as it was found."""

    place: str
    """File and line, for messages."""
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of one or more files, and where they came from."""

    records: tuple[Record, ...]
    sources: tuple[DataSource, ...]


def read_tables(places: Sequence[str], *, training: bool) -> Table:
    """Read rows from files, folders or the Hub, one after the other.

    Args:
        places: Files; folders that hold `train` and `dev` files; or `hub:OWNER/NAME@COMMIT[:CONFIG]#SPLIT`.
        training: Which of a folder's files is meant.

    Raises:
        InputError: A file is missing, empty, or not what its ending says; the message names file and line.
    """
    records: list[Record] = []
    sources: list[DataSource] = []
    for place in places:
        found, source = _read_place(place, training)
        if not found:
            raise InputError(f"{place} holds no rows.", expected="At least one row.")
        records += found
        sources.append(source)
    return Table(tuple(records), tuple(sources))


def first_records(place: str, count: int) -> tuple[Record, ...]:
    """Return the first rows of a file, of a folder's training file, or of a table of the Hub, to be looked at.

    Raises:
        InputError: It can't be read.
    """
    if place.startswith(HUB):
        return tuple(_read_hub(place)[0][:count])
    return tuple(islice(_records(_file_of(place, training=True)), count))


def evaluation_file(places: Sequence[str]) -> str | None:
    """Return the file to evaluate on that lies in a folder of training files, or None."""
    folders = [Path(place) for place in places if not place.startswith(HUB) and Path(place).is_dir()]
    found = [path for folder in folders for path in _named(folder, _EVALUATION)]
    return str(found[0]) if found else None


def _read_place(place: str, training: bool) -> tuple[list[Record], DataSource]:
    if place.startswith(HUB):
        return _read_hub(place)
    path = _file_of(place, training)
    source = DataSource("file", str(path), file_hash(path), "train" if training else "eval")
    return list(_records(path)), source


def _file_of(place: str, training: bool) -> Path:
    path = Path(place).expanduser()
    if path.is_dir():
        wanted = _TRAIN if training else _EVALUATION
        files = _named(path, wanted)
        if not files:
            present = sorted(entry.name for entry in path.iterdir())[:20]
            raise InputError(
                f"{path} has no {' or '.join(f'{name}.jsonl' for name in wanted)}.",
                expected=f"It has {', '.join(present) or 'nothing'}.",
                remedy="Name a file instead.",
            )
        path = files[0]
    if not path.is_file():
        raise InputError(f"There is no file {path}.")
    if path.suffix.lower() not in _ENDINGS:
        raise InputError(f"{path} is no file of rows.", expected=f"It ends in {', '.join(_ENDINGS)}.")
    return path


def _records(path: Path) -> Iterator[Record]:
    return _jsonl(path) if path.suffix.lower() == ".jsonl" else _csv(path)


def _named(folder: Path, names: Sequence[str]) -> list[Path]:
    return [
        folder / f"{name}{ending}" for name in names for ending in _ENDINGS if (folder / f"{name}{ending}").is_file()
    ]


def _jsonl(path: Path) -> Iterator[Record]:
    for number, text in numbered_lines(path):
        yield Record(f"{path}, line {number}", json_object(path, number, text))


def _csv(path: Path) -> Iterator[Record]:
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))  # how long a text may be is decided where it is read
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, delimiter="\t" if path.suffix.lower() == ".tsv" else ",")
            for values in reader:
                yield Record(
                    f"{path}, line {reader.line_num}",
                    {name: value for name, value in values.items() if isinstance(name, str) and value is not None},
                )
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8: {error.reason}.", remedy="Save the file as UTF-8.") from error
    except csv.Error as error:
        raise InputError(f"{path} can't be read as a table: {error}.") from error


def _read_hub(place: str) -> tuple[list[Record], DataSource]:
    found = _HUB_NAME.fullmatch(place)
    if found is None:
        raise InputError(
            f"{place} names no data set of the Hub.",
            expected="It is written hub:OWNER/NAME@COMMIT#SPLIT, with :CONFIG before # where there are several.",
            remedy="The commit's 40 characters pin the rows, so that a run can be repeated.",
        )
    rows = hub_table(found["name"], found["commit"], found["config"], found["split"])
    source = DataSource("hub", found["name"], found["commit"], found["split"])
    return [Record(f"{place}, row {number}", values) for number, values in enumerate(rows)], source
