"""A table with its results, written as csv, tsv, jsonl or parquet, row by row."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from t5gemma_app.tasks.cells import safe_cell
from t5gemma_app.tasks.conversation import replace_surrogates
from t5gemma_app.tasks.files import parquet
from t5gemma_app.tasks.files.journal import Entry
from t5gemma_app.tasks.files.table import Format, Row, Table, read_rows
from t5gemma_app.tasks.files.work import ERROR, Field

PREFIX = "predicted_"
"""Goes before the names of added fields where the file has one of that name already."""
BATCH = 512


def added_names(columns: Sequence[str], fields: Sequence[Field]) -> dict[str, str]:
    """Return the name under which each field is added; the file's own columns are never replaced."""
    names = {field.name: field.name for field in fields}
    while set(names.values()) & set(columns):
        names = {field: PREFIX + name for field, name in names.items()}
    return names


def merged(table: Table, entries: Iterator[Entry], fields: Sequence[Field]) -> Iterator[Row]:
    """Yield each row of the table with what was added to it; None where a row has no result yet."""
    names = added_names(table.columns, (*fields, ERROR))
    entry = next(entries, None)
    for number, row in enumerate(read_rows(table)):
        added: dict[str, Any] = dict.fromkeys(names.values())
        if entry is not None and entry.number == number:
            added |= {names[name]: value for name, value in entry.result.values.items() if name in names}
            added[names[ERROR.name]] = entry.result.error or None
            entry = next(entries, None)
        yield row | added


def write_output(table: Table, entries: Iterator[Entry], fields: Sequence[Field], path: Path, wish: Format) -> None:
    """Write the table with its results.

    In csv and tsv, cells that a spreadsheet would take for formulas get a quote in front; jsonl and parquet keep every
    value as it is.

    Args:
        table: The file that was worked on.
        entries: Its results, in order.
        fields: What was added.
        path: Where to write.
        wish: In which format.
    """
    rows = merged(table, entries, fields)
    if wish == "parquet":
        _write_parquet(table, rows, (*fields, ERROR), path)
        return
    with path.open("w", encoding="utf-8", newline="") as stream:
        write_text(table, rows, (*fields, ERROR), stream, wish)


def write_text(table: Table, rows: Iterator[Row], fields: Sequence[Field], stream: TextIO, wish: Format) -> None:
    """Write rows to an open file as csv, tsv or jsonl."""
    if wish == "jsonl":
        names = added_names(table.columns, fields)
        for row in rows:
            if row[names[ERROR.name]] is None:  # a line without an error does not mention it
                del row[names[ERROR.name]]
            stream.write(json_line(row))
        return
    columns = [*table.columns, *added_names(table.columns, fields).values()]
    writer = csv.writer(stream, delimiter="\t" if wish == "tsv" else ",", lineterminator="\n")
    writer.writerow([safe_cell(column) for column in columns])
    for row in rows:
        writer.writerow([safe_cell(cell_text(row.get(column))) for column in columns])


def json_line(row: Row) -> str:
    """Return a row as one line of readable UTF-8, with escapes where a field holds an unpaired surrogate."""
    line = json.dumps(row, ensure_ascii=False, default=str)
    try:
        line.encode("utf-8")
    except UnicodeEncodeError:
        line = json.dumps(row, default=str)
    return line + "\n"


def cell_text(value: Any) -> str:
    """Return a value as the text of a cell: nothing for None, JSON for what is nested."""
    if value is None:
        return ""
    if isinstance(value, str):
        return replace_surrogates(value)
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, list | dict | bool) else str(value)


def _write_parquet(table: Table, rows: Iterator[Row], fields: Sequence[Field], path: Path) -> None:
    """Write rows with the types of a parquet source; what comes from another format is text."""
    import pyarrow
    from pyarrow.parquet import ParquetWriter

    own = table.format == "parquet"
    names = added_names(table.columns, fields)
    source = list(parquet.schema_of(table.path, table.name)) if own else [(c, pyarrow.string()) for c in table.columns]
    kinds = [
        pyarrow.field(names[f.name], pyarrow.float64() if f.kind == "number" else pyarrow.string()) for f in fields
    ]
    schema = pyarrow.schema([*source, *kinds])
    texts = {names[field.name] for field in fields if field.kind != "number"}
    if not own:
        texts |= set(table.columns)
    with ParquetWriter(path, schema) as writer:
        while batch := list(islice(rows, BATCH)):
            columns = {name: [_kept(row.get(name), name in texts) for row in batch] for name in schema.names}
            writer.write_batch(pyarrow.RecordBatch.from_pydict(columns, schema=schema))


def _kept(value: Any, as_text: bool) -> Any:
    return cell_text(value) if as_text and value is not None else value
