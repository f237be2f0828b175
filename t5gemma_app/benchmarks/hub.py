"""Rows from the Hub at pinned revisions, `aps/super_glue` first; the only file that knows the `datasets` library."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from pydantic import ValidationError

from t5gemma_app.benchmarks.layout import flat_row
from t5gemma_app.benchmarks.rows import DataSource, described
from t5gemma_app.errors import InputError

REPOSITORY = "aps/super_glue"
REVISION = "3de24cf8022e94f4ee4b9d55a6f539891524d646"
"""The commit whose tables are read, so that a result does not change when the repository does."""

_SPLITS = {"train": "train", "val": "validation"}


def hub_rows(benchmark: str, split: str, limit: int | None = None) -> tuple[list[dict[str, Any]], DataSource]:
    """Return the flat rows of a benchmark's split from the Hub, or from its local cache, and where they came from.

    Raises:
        InputError: The Hub can't be reached and nothing is cached, or a row is not what it should be.
    """
    import datasets

    if split not in _SPLITS:
        raise InputError(f"The split is {split!r}.", expected="It is train or val.")
    try:
        table = datasets.load_dataset(REPOSITORY, configuration(benchmark), split=_SPLITS[split], revision=REVISION)
    except (OSError, ValueError, RuntimeError, datasets.exceptions.DatasetsError) as error:
        # Offline, timeouts, refused access and a damaged cache come as subclasses of these four.
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            f"The rows of {benchmark} can't be had from {REPOSITORY}: {reason}.",
            remedy="Check the connection, or name a folder with official files by --data-dir.",
        ) from error
    rows = [_checked(benchmark, number, row) for number, row in enumerate(islice(table, limit))]
    source = DataSource(kind="hub", location=REPOSITORY, revision_or_hash=REVISION, split=split)
    return rows, source


def hub_table(repository: str, revision: str, configuration: str | None, split: str) -> Iterator[dict[str, Any]]:
    """Yield the rows of any table of the Hub, or of its local cache, at a pinned revision; its own code is never run.

    Raises:
        InputError: The Hub can't be reached and nothing is cached, or there is no such table.
    """
    import datasets

    try:
        table = datasets.load_dataset(repository, configuration, split=split, revision=revision)
    except (OSError, ValueError, RuntimeError, datasets.exceptions.DatasetsError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            f"The rows of {repository} can't be had: {reason}.",
            remedy="Check the name, the split and the connection, or use a local file.",
        ) from error
    for row in table:
        yield dict(row)


def configuration(benchmark: str) -> str:
    """Return the name of a benchmark's table; WSC's is the one with corrected spans."""
    return "wsc.fixed" if benchmark == "wsc" else benchmark


def _checked(benchmark: str, number: int, row: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return flat_row(benchmark, row)
    except ValidationError as error:
        raise InputError(
            f"{REPOSITORY}, row {number} of {benchmark} is not what it should be: {described(error)}.",
            remedy="Name a folder with official files by --data-dir instead.",
        ) from error
