"""The background thread that works off the queue in the store, one run at a time.

A closed page, a restart or a kill leaves the queue as it is: what was queued or running goes on at the next start.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

from t5gemma_app.engine.types import Engine
from t5gemma_app.errors import InputError, RunTakenError, StoppedError, WorkbenchError
from t5gemma_app.evaluation.comparison import Comparison, compare
from t5gemma_app.evaluation.estimate import Cost, Kind, Outline, cost_of, speeds_of
from t5gemma_app.evaluation.leaderboard import Filter, Row, leaderboard
from t5gemma_app.evaluation.planner import Planner
from t5gemma_app.evaluation.progress import progress_of
from t5gemma_app.evaluation.records import Progress, Run, RunId, RunOrder, RunState
from t5gemma_app.evaluation.results import FinishedRun
from t5gemma_app.evaluation.runner import Runner
from t5gemma_app.evaluation.store import Store
from t5gemma_app.logs import redact

logger = logging.getLogger(__name__)

LOOK_SECONDS = 5.0
"""How often the queue is looked at unasked: another process may have queued a run, or died over one."""

KEPT_OUTLINES = 64
"""Counted suites that are remembered; the rows behind them are not."""


class Evaluator:
    """Runs that go on by themselves.

    Args:
        engine: Where answers are computed.
        planner: Makes plans of orders.
        open_store: Opens the file of results; called once, when it is first needed.
    """

    def __init__(self, engine: Engine, planner: Planner, open_store: Callable[[], Store]) -> None:
        self._engine = engine
        self._planner = planner
        self._open_store = open_store
        # Protects the fields below and wakes the thread.
        self._changed = threading.Condition()
        self._store: Store | None = None
        self._thread: threading.Thread | None = None
        self._closed = False
        self._latest: dict[RunId, Progress] = {}
        self._beats = 0
        self._read: dict[tuple[RunId, float | None], FinishedRun] = {}
        self._outlines: dict[RunOrder, tuple[Outline, ...]] = {}

    @property
    def store(self) -> Store:
        """The open file of results.

        Raises:
            StoreError: It can't be opened.
        """
        with self._changed:
            if self._store is None:
                self._store = self._open_store()
            return self._store

    def begin(self) -> None:
        """Start the thread, which takes up what an earlier process left; a second call does nothing."""
        store = self.store
        with self._changed:
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._work, args=(store,), name="evaluation", daemon=True)
                self._thread.start()

    def start(self, order: RunOrder) -> Run:
        """Queue a run and return it; the same order again returns the run that there is, and resumes it.

        Args:
            order: What to run: a checkpoint of the catalogue and a suite known by name.

        Raises:
            InputError: The suite, the data or the checkpoint don't fit.
            CheckpointError: The checkpoint can't be had.
        """
        run = self._planner.draft(order, listed=True).stored(self.store.runs).run
        if run.state in (RunState.PAUSED, RunState.CANCELLED, RunState.FAILED):
            run = self.store.runs.ask(run.id, RunState.QUEUED)
        self.begin()
        self._wake()
        return run

    def pause(self, run_id: RunId) -> Run:
        """Stop a run after its batch, to go on when it is resumed."""
        return self.store.runs.ask(run_id, RunState.PAUSED)

    def cancel(self, run_id: RunId) -> Run:
        """End a run after its batch; its samples are kept and it can be resumed."""
        return self.store.runs.ask(run_id, RunState.CANCELLED)

    def resume(self, run_id: RunId) -> Run:
        """Queue a run that was paused, cancelled or failed; only what is missing is computed."""
        run = self.store.runs.ask(run_id, RunState.QUEUED)
        self.begin()
        self._wake()
        return run

    def runs(self) -> list[Run]:
        """Return all runs, in the order of their queueing."""
        return self.store.runs.all()

    def progress(self, run_id: RunId) -> Progress:
        """Return how far a run is, with its speed while it is computed here.

        Raises:
            UnknownRunError: There is no such run.
        """
        run = self.store.runs.get(run_id)
        with self._changed:
            latest = self._latest.get(run.id)
        if latest is not None and run.state is latest.state is RunState.RUNNING:
            return latest
        return progress_of(run, self.store.journal.counts(run.id))

    def pulse(self) -> tuple[int, ...]:
        """Return numbers that stay the same as long as no run and no progress has changed; takes microseconds."""
        version = self.store.version()
        with self._changed:
            return (*version, self._beats)

    def cost(self, order: RunOrder, checkpoints: Sequence[str]) -> Cost:
        """Return what an order will cost on some checkpoints, whichever of them it names.

        Raises:
            InputError: The suite does not fit, or its rows can't be had.
        """
        order = replace(order, checkpoint="")
        with self._changed:
            outlines = self._outlines.get(order)
        if outlines is None:
            outlines = self._planner.outlines(order)
            with self._changed:
                if len(self._outlines) >= KEPT_OUTLINES:
                    self._outlines.clear()
                self._outlines[order] = outlines
        return cost_of(outlines, self._speeds(checkpoints))

    def _speeds(self, checkpoints: Sequence[str]) -> dict[str, dict[Kind, float]]:
        store = self.store
        runs = [run for run in store.runs.all() if not run.shipped]
        return {
            name: speeds_of([(run, store.journal.counts(run.id)) for run in runs if run.spec.checkpoint == name])
            for name in checkpoints
        }

    def finished(self) -> list[FinishedRun]:
        """Return every run that is done, with its results; those that were read before are not read again."""
        store = self.store
        found = []
        for run in store.runs.all((RunState.DONE,)):
            key = (run.id, run.finished)
            with self._changed:
                one = self._read.get(key)
            if one is None:
                one = FinishedRun(run, store.journal.results(run.id))
                with self._changed:
                    self._read[key] = one
            found.append(one)
        return found

    def leaderboard(self, chosen: Filter | None = None) -> tuple[Row, ...]:
        """Return the ranked rows of a suite."""
        return leaderboard(self.finished(), chosen)

    def compare(self, first: RunId, second: RunId) -> Comparison:
        """Compare two finished runs on the samples that both have.

        Raises:
            UnknownRunError: One of them is not there.
            InputError: One of them is not done, or came with the app and has no samples.
        """
        known = {one.run.id: one for one in self.finished()}
        chosen = [known.get(self.store.runs.get(run_id).id) for run_id in (first, second)]
        done = [one for one in chosen if one is not None and not one.run.shipped]
        if len(done) < 2:
            raise InputError(
                "These runs can't be compared.",
                expected="Both must be finished and computed here; the app ships results without samples.",
            )
        samples = [
            {benchmark.name: self.store.journal.samples(one.run.id, benchmark.name) for benchmark in one.benchmarks}
            for one in done
        ]
        return compare(done[0], done[1], samples[0], samples[1])

    def close(self) -> None:
        """End the thread after its batch and close the file; the run goes on at the next start."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()
        with self._changed:
            if self._store is not None:
                self._store.close()

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _work(self, store: Store) -> None:
        while not self._is_closed():
            try:
                run = store.runs.next_waiting()
                if run is not None and self._run(store, run):
                    continue
            except WorkbenchError as error:  # the disk may be full for now; the queue is looked at again
                logger.warning("The queue of runs can't be worked off: %s", error)
            with self._changed:
                if not self._closed:
                    self._changed.wait(LOOK_SECONDS)

    def _run(self, store: Store, run: Run) -> bool:
        """Compute one run to its end; return whether to look for another at once."""
        with self._changed:
            self._latest.pop(run.id, None)
        try:
            plan = self._planner.again(run)
        except WorkbenchError as error:
            store.runs.end(run.id, RunState.FAILED, redact(str(error)))
            return True
        runner = Runner(self._engine, store, self._note)
        try:
            runner.run(plan)
        except (RunTakenError, StoppedError) as error:
            logger.info("Run %s is left: %s", run.id, error)
            return False
        except WorkbenchError as error:
            logger.warning("Run %s failed: %s", run.id, error)
        except Exception:  # a bug in one run must not end the thread that all later runs need; the runner logged it
            return True
        return True

    def _note(self, progress: Progress) -> None:
        """Keep a run's newest progress, and end its computation when the evaluator is being closed."""
        with self._changed:
            self._latest[progress.run_id] = progress
            self._beats += 1
            if self._closed and progress.state is RunState.RUNNING:
                raise StoppedError("The app is shutting down.", remedy="The run goes on at the next start.")

    def _is_closed(self) -> bool:
        with self._changed:
            return self._closed
