"""The durable side of evaluation: runs, their leases and their journal in one file."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from t5gemma_app.evaluation.database import Database
from t5gemma_app.evaluation.journal import Journal
from t5gemma_app.evaluation.leases import Leases
from t5gemma_app.evaluation.migrations import MIGRATIONS
from t5gemma_app.evaluation.records import RunState
from t5gemma_app.evaluation.results import FinishedRun
from t5gemma_app.evaluation.runs import Runs

FILE = "results.sqlite"
"""The file's name in the data folder."""


class Store:
    """An open file of runs and results; every thread may use it.

    Args:
        path: The file; it is made when missing.
        patience: Seconds to wait for another process's transaction.
        mounts: How disks are mounted; the machine's own when left out.
        clock: Seconds since 1970.

    Raises:
        StoreError: The file can't be opened, is something else, or is from a newer release.
    """

    def __init__(
        self,
        path: Path,
        *,
        patience: float = 10.0,
        mounts: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = Database(path, MIGRATIONS, patience=patience, mounts=mounts)
        self.path = path
        self.mode = self._database.mode
        self.leases = Leases(self._database, clock)
        self.runs = Runs(self._database, self.leases, clock)
        self.journal = Journal(self._database)

    def finished(self) -> list[FinishedRun]:
        """Return every run that is done, with its results; samples are not read."""
        return [FinishedRun(run, self.journal.results(run.id)) for run in self.runs.all((RunState.DONE,))]

    def version(self) -> tuple[int, int]:
        """Return a pair that is another one after every change to the file."""
        return self._database.version()

    def close(self) -> None:
        """Close the file."""
        self._database.close()
