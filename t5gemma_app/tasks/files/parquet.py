"""Rows of parquet files; pyarrow is imported when one is read or written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from t5gemma_app.errors import InputError

BATCH = 256
"""Rows that are decoded at a time."""


def survey(path: Path, name: str) -> tuple[list[str], int]:
    """Return a file's columns and how many rows it has, from its footer.

    Raises:
        InputError: It is damaged.
    """
    file = _opened(path, name)
    try:
        return list(file.schema_arrow.names), int(file.metadata.num_rows)
    finally:
        file.close()


def read(path: Path, name: str) -> Iterator[dict[str, Any]]:
    """Yield the rows."""
    import pyarrow

    file = _opened(path, name)
    try:
        for batch in file.iter_batches(batch_size=BATCH):
            yield from batch.to_pylist()
    except pyarrow.ArrowException as error:
        raise _damaged(name, error) from error
    finally:
        file.close()


def schema_of(path: Path, name: str) -> Any:
    """Return the types of a file's columns."""
    file = _opened(path, name)
    try:
        return file.schema_arrow
    finally:
        file.close()


def _opened(path: Path, name: str) -> Any:
    import pyarrow
    from pyarrow.parquet import ParquetFile

    try:
        return ParquetFile(path)
    except pyarrow.ArrowException as error:
        raise _damaged(name, error) from error


def _damaged(name: str, error: Exception) -> InputError:
    why = (str(error).strip().splitlines() or ["unknown"])[0].rstrip(".")
    return InputError(f"{name} can't be read as parquet: {why[:200]}.", remedy="Save it again.")
