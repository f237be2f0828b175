"""A person's own classification data: a csv or jsonl file whose columns a suite names, as a benchmark of its own."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from t5gemma_app.benchmarks.formatter import Formatter, Row, continued
from t5gemma_app.benchmarks.records import Benchmark, Example
from t5gemma_app.benchmarks.rows import DataSource, file_hash, json_object, numbered_lines
from t5gemma_app.errors import InputError, did_you_mean

SPLIT = "file"
VERSIONS = ("words@1", "head@1")


class Prompt(BaseModel):
    """What stands before and after a row's text; plain text, nothing in it is filled in."""

    model_config = ConfigDict(extra="forbid")

    prefix: str = ""
    suffix: str = ""


class OwnData(BaseModel):
    """One file of texts with labels, as a suite describes it."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")
    file: str
    """A csv or jsonl file beside the suite."""
    text: str
    """The column with the text."""
    pair: str | None = None
    """The column with a second text."""
    label: str
    """The column with the label."""
    labels: dict[str, str] = Field(min_length=2)
    """Each value of the label column with the words that stand for it: a ranked choice, or the head's own label."""
    prompt: Prompt = Prompt()
    formatter: str = VERSIONS[0]
    limit: int | None = Field(default=None, ge=1)

    @field_validator("labels", mode="before")
    @classmethod
    def _as_text(cls, labels: Any) -> Any:
        """Take a list for labels that are their own words, and numbers for the digits that the file has."""
        if isinstance(labels, list):
            labels = {label: label for label in labels}
        if not isinstance(labels, dict):
            return labels
        for value in (*labels, *labels.values()):
            if isinstance(value, bool):
                raise ValueError(f"YAML reads an unquoted {str(value).lower()} (or yes, no) as a truth value; quote it")
        return {str(value): str(words) for value, words in labels.items()}

    @field_validator("labels")
    @classmethod
    def _distinct(cls, labels: dict[str, str]) -> dict[str, str]:
        if len(set(labels.values())) < len(labels) or not all(words.strip() for words in labels.values()):
            raise ValueError("every label needs words of its own")
        return labels

    @field_validator("formatter")
    @classmethod
    def _known(cls, formatter: str) -> str:
        if formatter not in VERSIONS:
            raise ValueError(f"{formatter!r} is no formatter for own data; it must be {' or '.join(VERSIONS)}")
        return formatter


def own_benchmark(data: OwnData) -> Benchmark:
    """Return the benchmark that a person's own data makes."""
    return Benchmark(
        name=data.name,
        splits=(SPLIT,),
        labels=tuple(data.labels),
        clusters="nothing: every row stands alone",
        metrics=("accuracy", "f1"),
        random_baseline=1 / len(data.labels),
        licence="the owner's",
        about=f"Rows of {data.file}.",
    )


def own_formatter(data: OwnData) -> Formatter:
    """Return the formatter that shows a person's own rows: label words ranked, or a classification head."""
    classes = tuple(range(len(data.labels)))
    name = f"{data.name}:{data.formatter}"
    if data.formatter == "head@1":
        return Formatter(name=name, method="head", function=lambda row: [_head(data, row)], classes=classes)
    return Formatter(name=name, method="rank", function=lambda row: [_ranked(data, row)], classes=classes)


def own_rows(data: OwnData, path: Path, limit: int | None) -> tuple[list[dict[str, Any]], DataSource]:
    """Return the rows of a file as `idx`, `text`, `pair` and `label`, a class number, and where they came from.

    Raises:
        InputError: The file is missing, a column is missing, or a row has a label that the suite does not name.
    """
    if not path.is_file():
        raise InputError(f"There is no file {path}.", expected="A suite's files lie beside it.")
    if path.suffix.lower() not in _READERS:
        raise InputError(f"{path} is no file of rows.", expected=f"It ends in {' or '.join(_READERS)}.")
    rows = []
    for number, values in _READERS[path.suffix.lower()](path):
        rows.append(_row(data, path, number, values))
        if len(rows) == limit:
            break
    if not rows:
        raise InputError(f"{path} holds no rows.")
    return rows, DataSource(kind="file", location=str(path), revision_or_hash=file_hash(path), split=SPLIT)


def _row(data: OwnData, path: Path, number: int, values: dict[str, Any]) -> dict[str, Any]:
    columns = [data.text, data.label, *([data.pair] if data.pair else [])]
    for column in columns:
        if values.get(column) is None:
            raise InputError(
                f"{path}, line {number} has no {column!r}.",
                expected=f"It has {', '.join(str(name) for name in values)}.",
                remedy=did_you_mean(column, (str(name) for name in values)),
            )
    label = str(values[data.label]).strip()
    if label not in data.labels:
        raise InputError(
            f"{path}, line {number} has the label {label!r}.",
            expected=f"The suite names {', '.join(data.labels)}.",
            remedy=did_you_mean(label, data.labels),
        )
    return {
        "idx": number,
        "text": str(values[data.text]),
        "pair": str(values[data.pair]) if data.pair else "",
        "label": list(data.labels).index(label),
    }


def _csv_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            for row in reader:
                yield reader.line_num, {name: value for name, value in row.items() if isinstance(name, str)}
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8: {error.reason}.", remedy="Save the file as UTF-8.") from error
    except csv.Error as error:
        raise InputError(f"{path} is no csv file that can be read: {error}.") from error


def _jsonl_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, text in numbered_lines(path):
        yield number, json_object(path, number, text)


_READERS = {".csv": _csv_rows, ".jsonl": _jsonl_rows}


def _ranked(data: OwnData, row: Row) -> Example:
    text = f"{row['text']}\n{row['pair']}" if data.pair else row["text"]
    context, choices = continued(
        f"{data.prompt.prefix}{text}{data.prompt.suffix}", tuple(f" {words}" for words in data.labels.values())
    )
    return Example(
        id=str(row["idx"]),
        benchmark=data.name,
        formatter=f"{data.name}:{data.formatter}",
        method="rank",
        context=context,
        choices=choices,
        gold=row["label"],
        group=str(row["idx"]),
        row=row,
    )


def _head(data: OwnData, row: Row) -> Example:
    return Example(
        id=str(row["idx"]),
        benchmark=data.name,
        formatter=f"{data.name}:{data.formatter}",
        method="head",
        context=row["text"],
        pair=row["pair"],
        choices=tuple(data.labels.values()),
        gold=row["label"],
        group=str(row["idx"]),
        row=row,
    )
