"""Finished runs as JSON documents, and those that come with the app, so that the leaderboard is not empty at first."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from t5gemma_app.evaluation.environment import command_line
from t5gemma_app.evaluation.records import Environment, Run, RunOrder, RunSpec, RunState
from t5gemma_app.evaluation.results import BenchmarkResult, FinishedRun
from t5gemma_app.evaluation.store import Store

logger = logging.getLogger(__name__)


def to_document(one: FinishedRun) -> dict[str, Any]:
    """Return a run with everything the leaderboard and a comparison need; samples and places on a disk are left out."""
    run = one.run
    command = run.environment.command if run.shipped else command_line(run.order)
    return {
        "run_id": run.id,
        "spec": asdict(run.spec),
        "environment": asdict(replace(run.environment, command=command)),
        "created": run.created,
        "started": run.started,
        "finished": run.finished,
        "totals": run.totals,
        "tasks": list(run.order.tasks),
        "splits": dict(run.order.splits),
        "score": one.score,
        "results": [result.to_record() for result in one.benchmarks],
    }


def from_document(values: dict[str, Any]) -> FinishedRun:
    """Return the run that `to_document` described.

    Raises:
        ValueError: The document is of another run than it says.
    """
    spec = RunSpec.from_dict(values["spec"])
    if spec.run_id != values["run_id"]:
        raise ValueError(f"its spec is that of {spec.run_id}")
    run = Run(
        id=spec.run_id,
        spec=spec,
        order=RunOrder(
            spec.suite,
            spec.checkpoint,
            limit=spec.limit,
            tasks=tuple(values.get("tasks", ())),
            splits=tuple(values.get("splits", {}).items()),
        ),
        state=RunState.DONE,
        created=values["created"],
        started=values["started"],
        finished=values["finished"],
        environment=Environment.from_dict(values["environment"]),
        totals=values["totals"],
        shipped=True,
    )
    return FinishedRun(run, tuple(BenchmarkResult.from_record(result) for result in values["results"]))


def take_in(store: Store, folder: Path) -> int:
    """Store a folder's runs unless they are there; return how many were new. The folder may be missing."""
    new = 0
    for path in sorted(folder.glob("*.json")):
        try:
            one = from_document(json.loads(path.read_text("utf-8")))
        except (OSError, ValueError, KeyError, TypeError) as error:
            # A document of a newer or broken release must not keep the app from opening its own results.
            logger.warning("%s is left out: %s", path.name, error)
            continue
        if store.runs.add_shipped(one.run):
            store.journal.save_results(one.run.id, one.benchmarks)
            new += 1
    return new
