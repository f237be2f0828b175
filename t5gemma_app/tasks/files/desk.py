"""The background thread that works off files, one after the other, while nobody waits for an answer."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from t5gemma_app.errors import BusyError, InputError, RunTakenError, StoppedError, WorkbenchError
from t5gemma_app.logs import redact
from t5gemma_app.tasks.files.jobs import FileJob, FileOrder, FileState, JobShelf
from t5gemma_app.tasks.files.output import write_output
from t5gemma_app.tasks.files.running import FileProgress, progress_of, work_rows
from t5gemma_app.tasks.files.table import Format, Table, check_columns
from t5gemma_app.tasks.files.work import RowWork

logger = logging.getLogger(__name__)

LOOK_SECONDS = 5.0
"""How often the shelf is looked at unasked: another process may have left something over."""

WorkOf = Callable[[FileOrder], RowWork]


class FileDesk:
    """Files that are worked on by themselves.

    Args:
        folder: Where they are kept.
        work_of: Makes what an order asks for; raises `WorkbenchError` where it can't be done.
        most_open: Files that may wait or run at the same time.
        most_of_one: The same for one visitor; all of them when left out.
        most_kept: Finished files that are kept; the oldest are deleted.
    """

    def __init__(
        self,
        folder: Path,
        work_of: WorkOf,
        *,
        most_open: int = 20,
        most_of_one: int | None = None,
        most_kept: int = 20,
    ) -> None:
        self._shelf = JobShelf(folder)
        self._work_of = work_of
        self._most_open = most_open
        self._most_of_one = most_of_one or most_open
        self._most_kept = most_kept
        # Protects what follows and wakes the thread; states on the disk change under it only.
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._wished: set[str] = set()
        self._latest: dict[str, FileProgress] = {}

    def begin(self) -> None:
        """Start the thread, which takes up what an earlier process left; a second call does nothing."""
        with self._changed:
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._run, name="files", daemon=True)
                self._thread.start()

    def add(self, table: Table, order: FileOrder, owner: str = "") -> FileJob:
        """Queue a file.

        Args:
            table: The file; a copy of it is kept.
            order: What is to be done with it.
            owner: Who brings it.

        Raises:
            InputError: The order does not fit the file or the checkpoint.
            BusyError: Too many files wait already.
            StoreError: The file can't be kept.
        """
        check_columns(table, order.columns)
        self._work_of(order)  # so that what can't be done is said now, not when its turn comes
        with self._changed:
            jobs = self._shelf.all()
            waiting = [job for job in jobs if job.state.open]
            if len(waiting) >= self._most_open:
                raise BusyError(f"{len(waiting)} files are waiting already.", remedy="Try again later.")
            if (mine := sum(job.owner == owner for job in waiting)) >= self._most_of_one:
                said = "A file of yours is" if mine == 1 else f"{mine} files of yours are"
                raise BusyError(f"{said} waiting already.", remedy="Wait for it, or cancel it.")
            ended = [job for job in jobs if not job.state.open]
            for job in ended[: max(0, len(ended) - self._most_kept + 1)]:
                self._shelf.remove(job.id)
                self._latest.pop(job.id, None)
            job = self._shelf.add(table, order, owner)
            self._changed.notify_all()
        self.begin()
        return job

    def get(self, job_id: str) -> FileJob:
        """Return a job; raises `UnknownRunError`."""
        return self._shelf.get(job_id)

    def progress(self, job_id: str) -> FileProgress:
        """Return how far a job is; raises `UnknownRunError`."""
        with self._changed:
            latest = self._latest.get(job_id)
        if latest is not None:
            return latest
        job = self._shelf.get(job_id)
        found = progress_of(job.table, self._shelf.journal(job_id).done(job.table.rows))
        with self._changed:
            return self._latest.setdefault(job_id, found)

    def cancel(self, job_id: str) -> FileJob:
        """End a job after its chunk; its results are kept and it can be resumed."""
        with self._changed:
            job = self._shelf.get(job_id)
            if not job.state.open:
                return job
            self._wished.add(job_id)
            if job.state is FileState.QUEUED:
                job = replace(job, state=FileState.CANCELLED)
                self._shelf.save(job)
            return job

    def resume(self, job_id: str) -> FileJob:
        """Queue a job that was cancelled or failed; only rows without a result are worked on."""
        with self._changed:
            job = self._shelf.get(job_id)
            self._wished.discard(job_id)
            if job.state in (FileState.CANCELLED, FileState.FAILED):
                job = replace(job, state=FileState.QUEUED, failure="")
                self._shelf.save(job)
            self._changed.notify_all()
        self.begin()
        return job

    def remove(self, job_id: str) -> None:
        """Delete a job with its file and its results.

        Raises:
            InputError: It is being worked on.
        """
        with self._changed:
            if self._shelf.get(job_id).state is FileState.RUNNING:
                raise InputError("This file is being worked on.", remedy="Cancel it first.")
            self._shelf.remove(job_id)
            self._latest.pop(job_id, None)

    def write(self, job_id: str, wish: Format, path: Path) -> None:
        """Write a job's file with the results that there are; raises `UnknownRunError`."""
        job = self._shelf.get(job_id)
        fields = self._work_of(job.order).fields
        write_output(job.table, self._shelf.journal(job_id).entries(), fields, path, wish)

    def close(self) -> None:
        """End the thread after its chunk; the job goes on at the next start."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        passed: set[str] = set()
        while (job := self._next(passed)) is not None:
            try:
                self._do(job)
            except (RunTakenError, StoppedError):
                passed.add(job.id)  # another process has it, or the engine is being shut down
            except WorkbenchError as error:
                logger.warning("The state of a file can't be kept: %s", error)
                passed.add(job.id)

    def _next(self, passed: set[str]) -> FileJob | None:
        """Return the next job, waiting for one; None once closed."""
        with self._changed:
            while not self._closed:
                waiting = [job for job in self._shelf.all() if job.state.open and job.id not in passed]
                if waiting:
                    return waiting[0]
                if not self._changed.wait(LOOK_SECONDS):
                    passed.clear()
            return None

    def _do(self, job: FileJob) -> None:
        self._set(job.id, state=FileState.RUNNING)
        begun = time.monotonic()
        state, failure = FileState.DONE, ""
        try:
            work = self._work_of(job.order)
            done = work_rows(
                job.table,
                job.order.columns,
                work,
                self._shelf.journal(job.id),
                report=lambda progress: self._tell(job.id, progress),
                stopped=lambda: self._stopped(job.id),
            )
            if done.count < job.table.rows:
                state = FileState.QUEUED if self._closed else FileState.CANCELLED
        except RunTakenError:
            raise
        except StoppedError:
            self._set(job.id, state=FileState.QUEUED)
            raise
        except WorkbenchError as error:
            state, failure = FileState.FAILED, redact(str(error))
        except Exception as error:  # one file's failure must not end the thread that works on the others
            logger.exception("A file failed")
            state, failure = FileState.FAILED, f"An error in the app: {type(error).__name__}. The log has the details."
        self._set(job.id, state=state, failure=failure, seconds=job.seconds + time.monotonic() - begun)

    def _set(self, job_id: str, **changes: object) -> None:
        with self._changed:
            self._shelf.save(replace(self._shelf.get(job_id), **changes))  # type: ignore[arg-type]
            if changes.get("state") is not FileState.RUNNING:
                self._wished.discard(job_id)

    def _tell(self, job_id: str, progress: FileProgress) -> None:
        with self._changed:
            self._latest[job_id] = progress

    def _stopped(self, job_id: str) -> bool:
        with self._changed:
            return self._closed or job_id in self._wished
