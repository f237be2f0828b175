"""The table of runs: added, found, queued and steered."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Any

from t5gemma_app.errors import InputError, UnknownRunError
from t5gemma_app.evaluation.database import Connection, Database
from t5gemma_app.evaluation.leases import Leases
from t5gemma_app.evaluation.records import (
    TAG,
    Environment,
    Run,
    RunId,
    RunOrder,
    RunSpec,
    RunState,
    canonical_json,
)

_COLUMNS = "id, spec, run_order, state, created, started, finished, failure, environment, totals, shipped"
_ENDED = (RunState.CANCELLED, RunState.FAILED, RunState.DONE)


class Runs:
    """Runs with their states.

    Args:
        database: The open file.
        leases: Who works on what.
        clock: Seconds since 1970.
    """

    def __init__(self, database: Database, leases: Leases, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._leases = leases
        self._clock = clock

    def add(self, spec: RunSpec, order: RunOrder, totals: dict[str, int], state: RunState = RunState.QUEUED) -> Run:
        """Return the run of a spec; it is made when missing, and one that exists keeps its state and its samples.

        One that came with the app has no samples and gives way to one that is computed here.
        """
        with self._database.write() as connection:
            connection.execute("DELETE FROM runs WHERE id = ? AND shipped = 1", (spec.run_id,))
            (place,) = connection.execute("SELECT coalesce(max(place), 0) + 1 FROM runs").fetchone()
            connection.execute(
                "INSERT INTO runs (id, spec, run_order, state, place, created, totals) VALUES (?, ?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (id) DO UPDATE SET run_order = excluded.run_order",
                (
                    spec.run_id,
                    spec.canonical(),
                    canonical_json(asdict(order)),
                    state,
                    place,
                    self._clock(),
                    json.dumps(totals),
                ),
            )
            return _one(connection, spec.run_id)

    def add_shipped(self, run: Run) -> bool:
        """Store a finished run that came with the app; return whether it was not there."""
        with self._database.write() as connection:
            done = connection.execute(
                "INSERT INTO runs (id, spec, run_order, state, place, created, started, finished, environment, totals, "
                "shipped) VALUES (?, ?, ?, 'done', 0, ?, ?, ?, ?, ?, 1) ON CONFLICT (id) DO NOTHING",
                (
                    run.id,
                    run.spec.canonical(),
                    canonical_json(asdict(run.order)),
                    run.created,
                    run.started,
                    run.finished,
                    json.dumps(asdict(run.environment)),
                    json.dumps(run.totals),
                ),
            )
            return done.rowcount == 1

    def get(self, beginning: str) -> Run:
        """Return a run by its id or by an unambiguous beginning of it, with or without the tag.

        Raises:
            UnknownRunError: No run has it, or several begin so.
        """
        wanted = beginning.strip()
        wanted = wanted if wanted.startswith(TAG) else TAG + wanted
        with self._database.read() as connection:
            # substr instead of LIKE: a percent sign in what a person typed has no meaning.
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM runs WHERE substr(id, 1, ?) = ? LIMIT 2",  # noqa: S608 - a constant
                (len(wanted), wanted),
            ).fetchall()
        if len(rows) == 1 and len(wanted) > len(TAG):
            return _run(rows[0])
        raise UnknownRunError(
            f"{'Several runs begin' if rows else 'No run begins'} with {beginning[:80]!r}.",
            expected="A run's id, or enough of its first characters.",
            remedy="`python -m t5gemma_app runs list` shows all of them.",
        )

    def all(self, states: Iterable[RunState] = tuple(RunState)) -> list[Run]:
        """Return the runs in these states, in the order of their queueing."""
        wanted = set(states)
        with self._database.read() as connection:
            rows = connection.execute(f"SELECT {_COLUMNS} FROM runs ORDER BY place").fetchall()  # noqa: S608 - a constant
        return [run for run in map(_run, rows) if run.state in wanted]

    def next_waiting(self) -> Run | None:
        """Return the run to work on now: one that a dead process left first, then the longest queued."""
        with self._database.read() as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM runs WHERE state IN ('running', 'queued') "  # noqa: S608 - a constant
                "ORDER BY state = 'queued', place"
            ).fetchall()
            free = (run for run in map(_run, rows) if not self._leases.living(connection, run.id))
            return next(free, None)

    def begin(self, run_id: RunId, first: bool = True) -> None:
        """Note that a run is being computed; forgets an earlier failure and an earlier wish.

        Args:
            run_id: The run.
            first: Whether this is the only process or the first of several; later ones change nothing that it said.
        """
        with self._database.write() as connection:
            connection.execute(
                "UPDATE runs SET state = 'running', started = coalesce(started, ?), finished = NULL, failure = '', "
                "wish = '' WHERE id = ? AND (? OR state NOT IN ('running', 'done'))",
                (self._clock(), run_id, first),
            )

    def end(self, run_id: RunId, state: RunState, failure: str = "") -> None:
        """Note how a run's computation ended."""
        finished = self._clock() if state in _ENDED else None
        with self._database.write() as connection:
            connection.execute(
                "UPDATE runs SET state = ?, finished = ?, failure = ?, wish = '' WHERE id = ?",
                (state, finished, failure, run_id),
            )

    def describe(self, run_id: RunId, environment: Environment) -> None:
        """Store what a run is computed with."""
        with self._database.write() as connection:
            connection.execute(
                "UPDATE runs SET environment = ? WHERE id = ?", (json.dumps(asdict(environment)), run_id)
            )

    def ask(self, run_id: RunId, wish: RunState) -> Run:
        """Ask for a run to be paused, cancelled or queued again; whoever computes it obeys between two batches.

        Raises:
            InputError: The run is not in a state in which that makes sense.
        """
        with self._database.write() as connection:
            run = _one(connection, run_id)
            _refuse(run, wish)
            # Between the end of a run and its lease's the state alone counts: nobody reads a wish any more.
            if run.state.open and self._leases.living(connection, run_id):
                # Queueing a run that is being computed takes back an earlier wish.
                connection.execute(
                    "UPDATE runs SET wish = ? WHERE id = ?", ("" if wish is RunState.QUEUED else wish, run_id)
                )
            else:
                # A run that is queued again goes to the end of the queue.
                connection.execute(
                    "UPDATE runs SET state = ?, wish = '', failure = '', finished = ?, "
                    "place = CASE WHEN ? THEN (SELECT max(place) + 1 FROM runs) ELSE place END WHERE id = ?",
                    (wish, self._clock() if wish in _ENDED else None, wish is RunState.QUEUED, run_id),
                )
            return _one(connection, run_id)

    def wish(self, run_id: RunId) -> RunState | None:
        """Return how somebody wants a run that is being computed to end, or None."""
        with self._database.read() as connection:
            wish, state = connection.execute("SELECT wish, state FROM runs WHERE id = ?", (run_id,)).fetchone()
        if wish:
            return RunState(wish)
        # The first of several processes may have obeyed already and cleared the wish.
        return RunState(state) if state in (RunState.PAUSED, RunState.CANCELLED) else None

    def remove(self, run_id: RunId) -> None:
        """Forget a run with its samples.

        Raises:
            InputError: It is being computed.
        """
        with self._database.write() as connection:
            if self._leases.living(connection, run_id):
                raise InputError("The run is being computed.", remedy="Cancel it first.")
            connection.execute("DELETE FROM runs WHERE id = ?", (run_id,))


def _refuse(run: Run, wish: RunState) -> None:
    allowed = {
        RunState.PAUSED: (RunState.QUEUED, RunState.RUNNING),
        RunState.CANCELLED: (RunState.QUEUED, RunState.RUNNING, RunState.PAUSED, RunState.FAILED),
        RunState.QUEUED: (RunState.RUNNING, RunState.PAUSED, RunState.CANCELLED, RunState.FAILED),
    }
    if run.state is wish or run.state in allowed.get(wish, ()):
        return
    verb = {RunState.PAUSED: "paused", RunState.CANCELLED: "cancelled"}.get(wish, "resumed")
    raise InputError(f"The run is {run.state} and can't be {verb}.")


def _one(connection: Connection, run_id: RunId) -> Run:
    row = connection.execute(f"SELECT {_COLUMNS} FROM runs WHERE id = ?", (run_id,)).fetchone()  # noqa: S608 - a constant
    if row is None:
        raise UnknownRunError(f"There is no run {run_id!r}.")
    return _run(row)


def _run(row: tuple[Any, ...]) -> Run:
    run_id, spec, order, state, created, started, finished, failure, environment, totals, shipped = row
    return Run(
        id=RunId(run_id),
        spec=RunSpec.from_dict(json.loads(spec)),
        order=RunOrder.from_dict(json.loads(order)),
        state=RunState(state),
        created=created,
        started=started,
        finished=finished,
        failure=failure,
        environment=Environment.from_dict(json.loads(environment)),
        totals=json.loads(totals),
        shipped=bool(shipped),
    )
