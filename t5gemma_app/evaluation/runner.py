"""Runs one plan: examples that are still missing, batch by batch, each stored in one transaction.

What is stored is never computed again, so a run that was paused, killed or ran out of disk goes on where it was and
ends with the same result as one that nothing disturbed.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace

from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.engine.types import Engine
from t5gemma_app.errors import RunFailedError, RunTakenError, StoppedError, StoreError, WorkbenchError
from t5gemma_app.evaluation.answering import Answerer
from t5gemma_app.evaluation.batches import FIRST_TOKENS, WANTED_SECONDS, Todo, grown, missing, take
from t5gemma_app.evaluation.environment import describe, peak_bytes
from t5gemma_app.evaluation.journal import Entry
from t5gemma_app.evaluation.leases import Lease, taken_over
from t5gemma_app.evaluation.plan import Part, Plan
from t5gemma_app.evaluation.progress import Pace, progress_of
from t5gemma_app.evaluation.records import Progress, Run, RunState
from t5gemma_app.evaluation.store import Store
from t5gemma_app.evaluation.summary import summarise
from t5gemma_app.logs import redact

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.2
PATIENCE_SECONDS = 120.0
"""How long the first process waits for another one that has not begun or gave no sign of life."""

Report = Callable[[Progress], None]


class Runner:
    """Computes runs with one engine and one store.

    Args:
        engine: Where answers are computed.
        store: Where they are kept.
        report: Is told of progress, from the thread that runs.
        clock: Seconds that never go back.
        first_tokens: Size of the first batch; later ones follow the time it took.
        batch_seconds: How long a batch should take.
    """

    def __init__(
        self,
        engine: Engine,
        store: Store,
        report: Report = lambda _: None,
        *,
        clock: Callable[[], float] = time.monotonic,
        first_tokens: int = FIRST_TOKENS,
        batch_seconds: float = WANTED_SECONDS,
    ) -> None:
        self._engine = engine
        self._store = store
        self._report = report
        self._clock = clock
        self._first_tokens = first_tokens
        self._batch_seconds = batch_seconds

    def run(self, plan: Plan, shard: int = 0, shards: int = 1) -> Run:
        """Compute what a run is missing and return it as it then is: done, paused or cancelled.

        Args:
            plan: What to compute.
            shard: Which rows this process takes: those whose number modulo `shards` it is.
            shards: How many processes share the run; the first one waits for the others and sums up.

        Raises:
            RunTakenError: Another process computes it.
            RunFailedError: It could not be finished; what is stored is kept.
            StoppedError: The engine was shut down; the run goes on at the next start.
        """
        run_id = plan.run.id
        if shard == 0 and self._store.runs.get(run_id).state is RunState.DONE:
            return self._store.runs.get(run_id)
        with self._store.leases.held(run_id, shard, shards) as lease:
            try:
                self._store.runs.begin(run_id, first=shard == 0)
                wish = self._answer(plan, lease) or (self._wait(plan, lease) if shard == 0 else None)
                if wish is not None:
                    self._store.runs.end(run_id, wish)
                elif shard == 0:
                    self._finish(plan)
            except BaseException as error:  # however it ended, the run's state must say so
                self._note_end(plan, error)
                raise
        run = self._store.runs.get(run_id)
        self._tell(run)
        return run

    def _answer(self, plan: Plan, lease: Lease) -> RunState | None:
        """Answer what is missing; return what somebody asked for instead, or None when all is answered."""
        answered = self._store.journal.answered(plan.run.id)
        queues = [
            (part, missing(part.examples, lambda e: (e.benchmark, e.id) in answered, lease.shard, lease.shards))
            for part in plan.parts
        ]
        queues = [(part, todo) for part, todo in queues if todo]
        if not queues:
            return None
        pace = Pace(left=sum(item.cost for _, todo in queues for item in todo))
        loaded: Checkpoint | None = None
        tokens = self._first_tokens
        for part, todo in queues:
            if part.checkpoint != loaded:
                self._load(plan, part.checkpoint, lease, first=loaded is None)
                loaded = part.checkpoint
            longest = part.spec.head.longest if part.spec.head else 0
            answerer = Answerer(self._engine, part.checkpoint, plan.run.order.batch_tokens, longest)
            while todo:
                if lease.lost.is_set():
                    raise taken_over()  # before a batch is computed that could not be stored
                if (wish := self._store.runs.wish(plan.run.id)) is not None:
                    return wish
                count = take(todo, tokens)
                batch, todo = todo[:count], todo[count:]
                seconds = self._do(answerer, part, batch, lease)
                pace.add(count, sum(item.cost for item in batch), seconds)
                # The last batch of a benchmark is small by chance and says nothing of the right size.
                tokens = grown(tokens, seconds, self._batch_seconds) if todo else tokens
                self._tell(plan.run, pace=pace, state=RunState.RUNNING)
        return self._store.runs.wish(plan.run.id)

    def _do(self, answerer: Answerer, part: Part, batch: list[Todo], lease: Lease) -> float:
        """Answer and store one batch; return how long answering took."""
        begun = self._clock()
        samples = answerer.answer(part.formatter, [item.example for item in batch])
        seconds = self._clock() - begun
        self._store.journal.append(
            lease,
            [Entry(item.place, seconds / len(batch), sample) for item, sample in zip(batch, samples, strict=True)],
        )
        return seconds

    def _load(self, plan: Plan, checkpoint: Checkpoint, lease: Lease, *, first: bool) -> None:
        """Bring what answers into memory; the first time note what the run is computed with."""
        begun = self._clock()
        for loading in self._engine.load(checkpoint):
            percent = "" if loading.fraction is None else f" {loading.fraction:.0%}"
            self._tell(plan.run, stage=f"{loading.stage}{percent}", state=RunState.RUNNING)
        seconds = self._clock() - begun
        if lease.shard == 0 and first:
            environment = describe(
                plan.checkpoint,
                self._engine.place(checkpoint),
                self._engine.status(),
                plan.run.order,
                loading_seconds=seconds,
                processes=lease.shards,
            )
            self._store.runs.describe(plan.run.id, environment)
        elif lease.shard == 0:
            environment = self._store.runs.get(plan.run.id).environment
            environment = replace(environment, loading_seconds=environment.loading_seconds + seconds)
            self._store.runs.describe(plan.run.id, environment)
        self._tell(plan.run, state=RunState.RUNNING)  # loading is over; the first batch may take a while

    def _wait(self, plan: Plan, lease: Lease) -> RunState | None:
        """Wait until the other processes have stored their samples; return what somebody asked for meanwhile.

        Raises:
            RunFailedError: Another process is gone before its last sample.
        """
        silent_since = self._clock()
        done = -1
        while (count := sum(c.done for c in self._store.journal.counts(plan.run.id).values())) < plan.total:
            if (wish := self._store.runs.wish(plan.run.id)) is not None:
                return wish
            run = self._store.runs.get(plan.run.id)
            if run.state is RunState.FAILED:
                raise RunFailedError(run.failure)
            if count != done or self._store.leases.others(lease):
                done, silent_since = count, self._clock()
            if self._clock() - silent_since > PATIENCE_SECONDS or lease.shards == 1:
                raise RunFailedError(
                    f"{plan.total - count:,} of {plan.total:,} samples are missing and no process computes them.",
                    remedy="Start it again with the same command: it goes on where it was.",
                )
            self._tell(run, stage="waiting for the other processes", state=RunState.RUNNING)
            time.sleep(POLL_SECONDS)
        return None

    def _finish(self, plan: Plan) -> None:
        """Sum the samples up and mark the run as done."""
        self._tell(plan.run, stage="computing intervals", state=RunState.RUNNING)
        counts = self._store.journal.counts(plan.run.id)
        journal = self._store.journal
        results = [
            summarise(part.benchmark, part.formatter, journal.samples(plan.run.id, name), counts[name].seconds)
            for name, part in ((part.spec.name, part) for part in plan.parts)
        ]
        journal.save_results(plan.run.id, results)
        environment = self._store.runs.get(plan.run.id).environment
        peak = max(environment.peak_bytes, peak_bytes())
        self._store.runs.describe(plan.run.id, replace(environment, peak_bytes=peak))
        self._store.runs.end(plan.run.id, RunState.DONE)

    def _note_end(self, plan: Plan, error: BaseException) -> None:
        """Store why a run ended early, unless that can't be stored or is somebody else's to say."""
        if isinstance(error, RunTakenError):
            return
        if isinstance(error, StoppedError):
            state, failure = RunState.QUEUED, ""
        elif isinstance(error, WorkbenchError):
            state, failure = RunState.FAILED, redact(str(error))
        elif isinstance(error, Exception):
            logger.exception("A run failed")
            state, failure = RunState.FAILED, f"An error in the app: {type(error).__name__}. The log has the details."
        else:  # Ctrl-C
            state, failure = RunState.PAUSED, ""
        try:
            self._store.runs.end(plan.run.id, state, failure)
        except StoreError as other:  # a full disk can't take its own obituary; the next start finds the run unfinished
            logger.warning("The end of a run could not be stored: %s", other)

    def _tell(self, run: Run, *, stage: str = "", pace: Pace | None = None, state: RunState | None = None) -> None:
        counts = self._store.journal.counts(run.id)
        self._report(progress_of(run, counts, stage=stage, pace=pace, state=state))
