"""Where runs are ordered and steered, for the page and for programs alike: rights and limits are checked here."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from t5gemma_app.checkpoints.access import Access
from t5gemma_app.errors import AccessError, BusyError, InputError
from t5gemma_app.evaluation.progress import score_so_far
from t5gemma_app.evaluation.records import Run, RunId, RunOrder
from t5gemma_app.evaluation.results import FinishedRun
from t5gemma_app.services import Services

HEAD = "head"
METHODS = {"rank": "harness@1", "generate": "t5@1", HEAD: "head@1"}
"""What visitors choose from, and the formatter it means; own data keep the suite's."""
MOST_ROWS = 1_000_000
CLOSED = "Visitors can't start evaluations here."
OPEN_IT = (
    "The owner can allow it with the variable T5GEMMA_VISITOR_RUNS=on.",
    "To evaluate checkpoints yourself, duplicate this Space or run the workbench at home.",
)


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to be measured, checked."""

    suite: str
    tasks: tuple[str, ...] = ()
    limit: int | None = None
    method: str = "rank"

    def order(self, checkpoint: str) -> RunOrder:
        """Return the order for one checkpoint."""
        return RunOrder(self.suite, checkpoint, formatter=METHODS[self.method], limit=self.limit, tasks=self.tasks)


def checked_wish(suite: Any, tasks: Any, limit: Any, method: Any) -> Wish:
    """Return what a page or a program sent as a wish.

    Args:
        suite: A suite's name; whether it is known is the planner's to say.
        tasks: Names of its benchmarks, or one text with commas; empty takes all.
        limit: Rows a task at most; 0 or nothing cuts none.
        method: `rank`, `generate` or `head`.

    Raises:
        InputError: A value is of the wrong kind.
    """
    if isinstance(tasks, str):
        tasks = [task.strip() for task in tasks.split(",") if task.strip()]
    if not isinstance(tasks, list | tuple | None) or len(tasks or ()) > 100:
        raise InputError("The tasks can't be read.", expected="Names of the suite's benchmarks, with commas.")
    if not isinstance(method, str) or method not in METHODS:
        raise InputError(f"The method is {str(method)[:80]!r}.", expected=f"It is {' or '.join(METHODS)}.")
    return Wish(str(suite or "")[:200], tuple(str(task)[:200] for task in tasks or ()), _rows(limit), method)


def _rows(limit: Any) -> int | None:
    if limit in (None, "", 0):
        return None
    number = int(limit) if isinstance(limit, int | float) and float(limit).is_integer() else -1
    if not 0 < number <= MOST_ROWS:
        raise InputError(
            f"The number of rows is {str(limit)[:40]}.", expected=f"A whole number up to {MOST_ROWS:,}; 0 takes all."
        )
    return number


class RunDesk:
    """Orders and steers runs.

    Args:
        services: What they are run with.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._lock = threading.Lock()  # two orders at once must not both take the last free place

    @property
    def open(self) -> bool:
        """Whether whoever opens the page may order and steer."""
        return self._services.settings.visitors_may_run

    def start(self, checkpoint: str, wish: Wish) -> Run:
        """Queue a run, or return the equal one that there is.

        Raises:
            InputError: Visitors may not, or what they want does not fit.
            BusyError: Too many runs wait.
            CheckpointError: The checkpoint can't be had.
        """
        self._check_rights()
        evaluator = self._services.evaluator()
        found = self._services.catalogue.find(str(checkpoint))
        access = self._services.access.of(found)
        if not access.ready:
            raise AccessError(f"{found.name} can't be evaluated.", state=str(access.state), expected=_sentence(access))
        with self._lock:
            most = self._services.settings.max_runs
            if sum(run.state.open for run in evaluator.runs()) >= most:
                raise BusyError(f"{most} evaluations are waiting already.", remedy="Wait for one, or cancel one.")
            return evaluator.start(wish.order(found.name))

    def steer(self, run_id: str, action: str) -> Run:
        """Pause, resume or cancel a run.

        Raises:
            InputError: Visitors may not, or the run is in no state for it.
            UnknownRunError: There is no such run.
        """
        self._check_rights()
        evaluator = self._services.evaluator()
        steps = {"pause": evaluator.pause, "resume": evaluator.resume, "cancel": evaluator.cancel}
        if action not in steps:
            raise InputError(f"A run can't be {str(action)[:40]!r}.", expected=f"It takes {', '.join(steps)}.")
        return steps[action](self.find(run_id).id)

    def find(self, run_id: str) -> Run:
        """Return a run by its id or an unambiguous beginning of it; raises `UnknownRunError`."""
        return self._services.evaluator().store.runs.get(str(run_id)[:200])

    def status(self, run_id: str) -> dict[str, Any]:
        """Return how far a run is, and its scores once it is done."""
        evaluator = self._services.evaluator()
        run = self.find(run_id)
        progress = evaluator.progress(RunId(run.id))
        result = next((one for one in evaluator.finished() if one.run.id == run.id), None)
        return {
            "run_id": run.id,
            "checkpoint": run.spec.checkpoint,
            "suite": run.spec.suite,
            "state": run.state.value,
            "stage": progress.stage,
            "done": progress.total if result else progress.done,
            "total": progress.total,
            "partial": run.spec.partial,
            "examples_per_second": result.examples_per_second if result else progress.examples_per_second,
            "seconds_left": progress.eta_seconds,
            "failure": run.failure,
            "accuracy_so_far": asdict(so_far) if (so_far := score_so_far(progress)) and not result else None,
            "score": result.score if result else None,
            "benchmarks": _benchmarks(result)
            or [{"name": one.name, "done": one.done, "total": one.total} for one in progress.benchmarks],
        }

    def _check_rights(self) -> None:
        if not self.open:
            raise InputError(CLOSED, expected=OPEN_IT[0], remedy=OPEN_IT[1])


def _benchmarks(result: FinishedRun | None) -> Sequence[dict[str, Any]]:
    if result is None:
        return []
    return [one.to_dict() | {"done": one.n, "total": one.n} for one in result.benchmarks]


def _sentence(access: Access) -> str:
    return access.sentence or "Its access is still being checked."
