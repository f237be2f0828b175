"""The runs as pages see them: read once for everybody, and only when something has changed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from t5gemma_app.evaluation.evaluator import Evaluator
from t5gemma_app.evaluation.records import Progress, Run, RunState
from t5gemma_app.evaluation.results import FinishedRun
from t5gemma_app.services import Services

KEPT = 12
"""Stopped and finished runs that are shown, the newest of each; the leaderboard has the others."""
GOING, STOPPED, FINISHED = "going", "stopped", "finished"


@dataclass(frozen=True, slots=True)
class RunView:
    """One run as it is shown."""

    run: Run
    progress: Progress
    place: int = 0
    """Runs that come before it; 0 is the next one."""
    wish: RunState | None = None
    """How somebody wants a run that is being computed to end."""
    result: FinishedRun | None = None

    @property
    def group(self) -> str:
        """Under which heading it stands."""
        if self.run.state.open:
            return GOING
        return FINISHED if self.run.state is RunState.DONE else STOPPED


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All runs at one moment."""

    pulse: tuple[int, ...]
    views: tuple[RunView, ...] = ()
    """Those that are shown, in the order of their groups."""
    hidden: int = 0
    """Older stopped and finished runs that are not."""

    @property
    def going(self) -> tuple[RunView, ...]:
        """Runs that are computed or wait."""
        return tuple(view for view in self.views if view.group == GOING)

    @property
    def running(self) -> RunView | None:
        """The run that is computed now."""
        return next((view for view in self.views if view.run.state is RunState.RUNNING), None)


class RunBoard:
    """The newest snapshot.

    Args:
        services: Where the evaluator comes from; it is not asked for before the first snapshot.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._lock = threading.Lock()  # many pages ask at once, and one of them reads for all
        self._latest: Snapshot | None = None
        self._drawn: tuple[Snapshot, str] | None = None

    def snapshot(self) -> Snapshot:
        """Return the runs; reads nothing while nothing has changed.

        Raises:
            StoreError: The file of results can't be read.
        """
        evaluator = self._services.evaluator()
        with self._lock:
            pulse = evaluator.pulse()
            if self._latest is None or self._latest.pulse != pulse:
                self._latest = _read(evaluator, pulse)
            return self._latest

    def drawn(self, draw: Callable[[Snapshot], str]) -> tuple[Snapshot, str]:
        """Return the runs and what they look like, drawn once for all pages.

        Args:
            draw: Makes the HTML; always the same function.

        Raises:
            StoreError: The file of results can't be read.
        """
        snapshot = self.snapshot()
        with self._lock:
            if self._drawn is None or self._drawn[0] is not snapshot:
                self._drawn = (snapshot, draw(snapshot))
            return self._drawn


def _read(evaluator: Evaluator, pulse: tuple[int, ...]) -> Snapshot:
    runs = [run for run in evaluator.runs() if not run.shipped]
    going = sorted((run for run in runs if run.state.open), key=lambda run: run.state is RunState.QUEUED)
    stopped = [run for run in runs if not run.state.open and run.state is not RunState.DONE]
    done = [run for run in runs if run.state is RunState.DONE]
    waiting = [run.id for run in going if run.state is RunState.QUEUED]
    results = {one.run.id: one for one in evaluator.finished()}
    views = [
        RunView(
            run,
            evaluator.progress(run.id),
            place=waiting.index(run.id) if run.id in waiting else 0,
            wish=evaluator.store.runs.wish(run.id) if run.state is RunState.RUNNING else None,
            result=results.get(run.id),
        )
        for run in (*going, *_newest(stopped), *_newest(done))
    ]
    return Snapshot(pulse, tuple(views), len(runs) - len(views))


def _newest(runs: list[Run]) -> list[Run]:
    return sorted(runs, key=lambda run: -(run.finished or run.started or run.created))[:KEPT]
