"""Files that are worked on in the background, each in a folder of its own: the upload, what to do, and the results.

A job survives a closed page, a restart and a kill: its state is a small file that is replaced as a whole, its results
are a journal.
"""

from __future__ import annotations

import json
import logging
import os
import re
import secrets
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from t5gemma_app.errors import StoreError, UnknownRunError
from t5gemma_app.tasks.files.journal import Journal
from t5gemma_app.tasks.files.table import Table

logger = logging.getLogger(__name__)

FILE = "job.json"
_ID = re.compile(r"[A-Za-z0-9_-]{16,64}$")


class FileState(StrEnum):
    """Where a job is."""

    QUEUED = "queued"
    RUNNING = "running"
    CANCELLED = "cancelled"
    FAILED = "failed"
    DONE = "done"

    @property
    def open(self) -> bool:
        """Whether it goes on by itself."""
        return self in (FileState.QUEUED, FileState.RUNNING)


@dataclass(frozen=True, slots=True)
class FileOrder:
    """What is to be done with a file."""

    task: str
    """`classify` or `tag`."""
    checkpoint: str
    columns: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    """The task's own, as JSON values."""


@dataclass(frozen=True, slots=True)
class FileJob:
    """A file with what is to be done with it."""

    id: str
    """Nobody can guess it; whoever knows it may read the results."""
    order: FileOrder
    table: Table
    created: float
    state: FileState = FileState.QUEUED
    failure: str = ""
    """Why it failed, and what to do."""
    seconds: float = 0.0
    """Spent on it so far."""
    owner: str = ""
    """Who brought it, in whatever words the server tells visitors apart."""


class JobShelf:
    """The jobs in a folder.

    Args:
        folder: Where they are kept.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, table: Table, order: FileOrder, owner: str = "") -> FileJob:
        """Keep a copy of a file and what to do with it.

        Raises:
            StoreError: It can't be kept.
        """
        job_id = secrets.token_urlsafe(18)
        home = self.folder / job_id
        kept = home / f"source{Path(table.name).suffix.lower()}"
        try:
            home.mkdir(parents=True)
            shutil.copyfile(table.path, kept)
        except OSError as error:
            shutil.rmtree(home, ignore_errors=True)
            raise StoreError(f"The file can't be kept: {error.strerror}.", remedy="Make room on the disk.") from error
        job = FileJob(job_id, order, replace(table, path=kept), time.time(), owner=owner)
        self.save(job)
        return job

    def get(self, job_id: str) -> FileJob:
        """Return a job.

        Raises:
            UnknownRunError: There is none of this id.
        """
        job = _read(self.folder / job_id / FILE) if _ID.match(job_id) else None
        if job is None:
            raise UnknownRunError("This file is not here any more.", remedy="Choose it again.")
        return job

    def all(self) -> list[FileJob]:
        """Return all jobs, oldest first; a folder that can't be read is left out."""
        if not self.folder.is_dir():
            return []
        found = [_read(path) for path in self.folder.glob(f"*/{FILE}")]
        return sorted((job for job in found if job is not None), key=lambda job: job.created)

    def save(self, job: FileJob) -> None:
        """Replace what is kept of a job.

        Raises:
            StoreError: It can't be written.
        """
        path = self.folder / job.id / FILE
        value = asdict(job)
        value["table"]["path"] = job.table.path.name
        partial = path.with_suffix(f".{secrets.token_hex(4)}.part")
        try:
            with partial.open("w", encoding="utf-8") as stream:
                json.dump(value, stream)
                stream.flush()
                os.fsync(stream.fileno())
            partial.replace(path)
        except OSError as error:
            raise StoreError(f"The state of a file can't be kept: {error.strerror}.") from error

    def remove(self, job_id: str) -> None:
        """Delete a job with its file and its results."""
        if _ID.match(job_id):
            shutil.rmtree(self.folder / job_id, ignore_errors=True)

    def journal(self, job_id: str) -> Journal:
        """Return where a job's results are."""
        return Journal(self.folder / job_id)


def _read(path: Path) -> FileJob | None:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        order, table = value["order"], value["table"]
        return FileJob(
            **value
            | {
                "order": FileOrder(**order | {"columns": tuple(order["columns"])}),
                "table": Table(**table | {"path": path.parent / table["path"], "columns": tuple(table["columns"])}),
                "state": FileState(value["state"]),
            }
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        logger.warning("%s can't be read: %s", path, error)
        return None
