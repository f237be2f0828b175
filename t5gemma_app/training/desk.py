"""The background thread that trains what the page ordered, one run after the other, each in a process of its own."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from t5gemma_app.errors import BusyError, InputError, RunTakenError, WorkbenchError
from t5gemma_app.logs import redact
from t5gemma_app.training.checking import KnownSets, Upload, check_rows, data_order, plainly
from t5gemma_app.training.child import Child, command_words, failure_of, locked
from t5gemma_app.training.following import Outcome, RunLog, TrainProgress, outcome_of
from t5gemma_app.training.jobs import (
    EVALUATION_ROWS,
    ROWS,
    DataFacts,
    JobFolder,
    TrainJob,
    TrainOrder,
    TrainState,
    kept_file,
    kept_name,
)
from t5gemma_app.training.runs import LOG, RunFolder

logger = logging.getLogger(__name__)

LOOK_SECONDS = 5.0
"""How often the folder is looked at unasked: another process may have left something over."""
WATCH_SECONDS = 0.25
REMEMBERED = 16
"""Files whose checks are remembered."""

PlaceOf = Callable[[str], str]
"""Returns how a run finds a checkpoint by its name, a folder or a hub id; raises where it can't be trained."""
Names = Callable[[], Iterable[str]]


class TrainDesk:
    """Training runs that go on by themselves.

    Args:
        folder: Where they are kept.
        place_of: Finds the checkpoint that a run begins with.
        names: Returns the names that a new checkpoint can't have.
        sets: Rows that may be chosen by name.
        most_rows: Rows that a run may have.
        most_open: Runs that may wait or run at the same time.
        most_kept: Runs that may be kept; a further one is taken when one was deleted.
    """

    def __init__(
        self,
        folder: Path,
        place_of: PlaceOf,
        names: Names,
        *,
        sets: KnownSets,
        most_rows: int,
        most_open: int = 5,
        most_kept: int = 40,
    ) -> None:
        self.sets = sets
        self._folder = JobFolder(folder)
        self._place_of = place_of
        self._names = names
        self._most_rows = most_rows
        self._most_open = most_open
        self._most_kept = most_kept
        # Protects what follows and wakes the thread; states on the disk change under it only.
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._wished: set[str] = set()
        self._logs: dict[str, RunLog] = {}
        self._checked: dict[object, DataFacts] = {}
        self._removed: set[str] = set()

    def begin(self) -> None:
        """Start the thread, which takes up what an earlier process left; a second call does nothing."""
        with self._changed:
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._run, name="training", daemon=True)
                self._thread.start()

    def check(self, order: TrainOrder, train: Upload | None = None, evaluation: Upload | None = None) -> DataFacts:
        """Read an order's rows as its run will, and return what they are like.

        Raises:
            InputError: Something is wrong with them; the message names the row, as the command line does.
        """
        order.plan.checked()
        files = [file for file in (train, evaluation) if file]
        names = {str(file.path): file.name for file in files} | (
            {f"{self.sets.folder}/": ""} if self.sets.folder else {}
        )
        for file in files:
            kept_name(file.name)
        paths = [file.path if file else None for file in (train, evaluation)]
        try:
            data = data_order(order, self.sets, *paths)
            # Whoever changes a setting, and then starts, has the same rows read once.
            key = (data, order.plan.seed, *(path and path.stat().st_mtime_ns for path in paths))
            if (facts := self._checked.get(key)) is None or not train:
                facts = check_rows(data, order.plan.seed, self._most_rows)
        except InputError as error:
            raise plainly(error, names) from error
        with self._changed:
            self._checked = dict([*self._checked.items(), (key, facts)][-REMEMBERED:])
        return facts

    def add(self, order: TrainOrder, train: Upload | None = None, evaluation: Upload | None = None) -> TrainJob:
        """Check an order, and queue it.

        Args:
            order: What is to be trained.
            train: The file that was brought, if one was; a copy of it is kept.
            evaluation: The same for evaluation.

        Raises:
            InputError: The order or its rows are wrong.
            CheckpointError: The checkpoint can't be trained.
            BusyError: There are too many runs already.
            StoreError: The run can't be kept.
        """
        self._refuse_taken(order.checked().name)
        self._place_of(order.checkpoint)
        facts = self.check(order, train, evaluation)
        shown = train.name if train else order.rows or order.task.partition(":")[2]
        job = TrainJob(order, self._folder.folder / order.name, facts, time.time(), shown)
        files = [(ROWS, train), (EVALUATION_ROWS, evaluation)]
        with self._changed:
            jobs = self._folder.all()
            if sum(job.state.open for job in jobs) >= self._most_open:
                raise BusyError(f"{self._most_open} runs are waiting already.", remedy="Wait for one, or cancel one.")
            if len(jobs) >= self._most_kept:
                raise BusyError(f"{self._most_kept} runs are kept already.", remedy="Delete one first.")
            self._folder.add(job, [(folder, file.path, file.name) for folder, file in files if file])
            self._changed.notify_all()
        self.begin()
        return job

    def jobs(self) -> list[TrainJob]:
        """Return all runs, oldest first."""
        return self._folder.all()

    def get(self, name: str) -> TrainJob:
        """Return a run; raises `UnknownRunError`."""
        return self._folder.get(name)

    def progress(self, job: TrainJob) -> TrainProgress:
        """Return how far a run is."""
        with self._changed:
            log = self._logs.setdefault(job.name, RunLog(job.run / LOG))
        return log.look()

    def outcome(self, job: TrainJob) -> Outcome | None:
        """Return what a run found, or None while it is not finished."""
        try:
            return outcome_of(RunFolder(job.run).done())
        except InputError:
            return None

    def cancel(self, name: str) -> TrainJob:
        """End a run after its step; its state is kept and it can go on."""
        with self._changed:
            job = self._folder.get(name)
            if not job.state.open:
                return job
            self._wished.add(name)
            if job.state is TrainState.QUEUED:
                job = self._set(name, TrainState.CANCELLED)
            self._changed.notify_all()
            return job

    def resume(self, name: str) -> TrainJob:
        """Queue a run that was cancelled or failed; it goes on from its last saved state."""
        with self._changed:
            job = self._folder.get(name)
            if job.state in (TrainState.CANCELLED, TrainState.FAILED):
                job = self._set(name, TrainState.QUEUED)
            self._changed.notify_all()
        self.begin()
        return job

    def remove(self, name: str) -> None:
        """Delete a run with its rows and its checkpoint.

        Raises:
            InputError: It is being trained.
        """
        with self._changed:
            job = self._folder.get(name)
            if job.state is TrainState.RUNNING:
                raise InputError("This run is being trained.", remedy="Cancel it first.")
            if job.output.exists():
                self._removed.add(name)
            self._folder.remove(name)
            self._logs.pop(name, None)

    def taken(self) -> set[str]:
        """Return the names that a new checkpoint can't have.

        Those of deleted ones belong to them until the next start: their weights or tokenizers may still be in memory.
        """
        with self._changed:
            removed = set(self._removed)
        return {*self._names(), *(job.name for job in self._folder.all()), *removed}

    def ending(self, name: str) -> bool:
        """Return whether a run is about to be cancelled."""
        with self._changed:
            return name in self._wished

    def close(self) -> None:
        """End the run that goes on, its state saved; it goes on at the next start."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join()

    def _refuse_taken(self, name: str) -> None:
        if name.casefold() in {other.casefold() for other in self.taken()}:
            raise InputError(f"There is a checkpoint or a run called {name} already.", remedy="Choose another name.")

    def _run(self) -> None:
        passed: set[str] = set()
        while (job := self._next(passed)) is not None:
            try:
                self._do(job)
            except RunTakenError:
                passed.add(job.name)
            except WorkbenchError as error:
                logger.warning("The state of a run can't be kept: %s", error)
                passed.add(job.name)

    def _next(self, passed: set[str]) -> TrainJob | None:
        """Return the next job, waiting for one; None once closed."""
        with self._changed:
            while not self._closed:
                waiting = [job for job in self._folder.all() if job.state.open and job.name not in passed]
                if waiting:
                    return waiting[0]
                if not self._changed.wait(LOOK_SECONDS):
                    passed.clear()
            return None

    def _do(self, job: TrainJob) -> None:
        with locked(job) as lock:
            with self._changed:
                if job.name in self._wished or not self._folder.get(job.name).state.open:
                    self._set(job.name, TrainState.CANCELLED)
                    return
                self._set(job.name, TrainState.RUNNING)
            try:
                data = data_order(job.order, self.sets, kept_file(job, ROWS), kept_file(job, EVALUATION_ROWS))
                child = Child(job, command_words(job, data, self._place_of(job.order.checkpoint)), lock)
            except (WorkbenchError, OSError, ValueError) as error:  # the last two: no process can be made
                self._set(job.name, TrainState.FAILED, redact(str(error)))
                return
            code = self._watched(job, child)
        if RunFolder(job.run).done() is not None:
            self._set(job.name, TrainState.DONE)
        elif code:
            self._set(job.name, TrainState.FAILED, self._plain_failure(job, code))
        else:
            self._set(job.name, TrainState.QUEUED if self._closed else TrainState.CANCELLED)

    def _watched(self, job: TrainJob, child: Child) -> int:
        """Wait until a process has ended, and end it where somebody wants that; return 0 for the latter."""
        while (code := child.wait(0)) is None:
            with self._changed:
                if self._closed or job.name in self._wished:
                    break
                self._changed.wait(WATCH_SECONDS)
        if code is None:
            child.end()
        return code or 0

    def _plain_failure(self, job: TrainJob, code: int) -> str:
        kept = [kept_file(job, folder) for folder in (ROWS, EVALUATION_ROWS)]
        names = {str(path): path.name for path in kept if path} | {f"{job.home}/": ""}
        return redact(plainly(InputError(failure_of(job, code)), names).what)

    def _set(self, name: str, state: TrainState, failure: str = "") -> TrainJob:
        with self._changed:
            job = replace(self._folder.get(name), state=state, failure=failure)
            self._folder.save(job)
            if state is not TrainState.RUNNING:
                self._wished.discard(name)
            return job
