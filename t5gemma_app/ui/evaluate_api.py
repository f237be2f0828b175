"""The endpoints by which programs run evaluations: `/run_start`, `/run_status` and `/run_cancel`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import gradio as gr

from t5gemma_app.errors import WorkbenchError
from t5gemma_app.ui.run_desk import RunDesk, checked_wish

Result = TypeVar("Result")
ORDERS: dict[str, Any] = {"concurrency_id": "orders", "concurrency_limit": 1}
"""Orders read rows and weights; one at a time is enough, and leaves the rest of the page quick."""


@dataclass(frozen=True, slots=True)
class RunEndpoints:
    """What programs may ask."""

    desk: RunDesk

    def run_start(
        self, checkpoint: str, suite: str = "smoke", limit: int = 0, tasks: str = "", method: str = "rank"
    ) -> str:
        """Queue an evaluation and return its id; the same order again returns the same run.

        Args:
            checkpoint: A name of `/checkpoints`.
            suite: A name in eval_suites/.
            limit: Rows a task at most; 0 takes as many as the suite.
            tasks: Some of the suite's benchmarks, with commas; empty takes all.
            method: `rank` compares the probabilities of the answers, `generate` reads what the model writes, `head`
                asks classification heads that were trained from the checkpoint, or the checkpoint that is one.
        """
        return _said(lambda: str(self.desk.start(checkpoint, checked_wish(suite, tasks, limit, method)).id))

    def run_status(self, run_id: str) -> dict[str, Any]:
        """Return how far a run is, and its scores once it is done.

        Args:
            run_id: What `/run_start` returned, or enough of its first characters.
        """
        return _said(lambda: self.desk.status(run_id))

    def run_cancel(self, run_id: str) -> dict[str, Any]:
        """End a run after its batch and return its status; its samples are kept, and the same order resumes it.

        Args:
            run_id: What `/run_start` returned, or enough of its first characters.
        """
        return _said(lambda: self.desk.status(self.desk.steer(run_id, "cancel").id))


def build_run_endpoints(desk: RunDesk) -> None:
    """Name the endpoints."""
    endpoints = RunEndpoints(desk)
    gr.api(endpoints.run_start, api_name="run_start", **ORDERS)
    gr.api(endpoints.run_status, api_name="run_status", queue=False)
    gr.api(endpoints.run_cancel, api_name="run_cancel", queue=False)


def _said(step: Callable[[], Result]) -> Result:
    """Do a step; what a person should read reaches the program."""
    try:
        return step()
    except WorkbenchError as error:
        raise gr.Error(str(error), print_exception=False) from error
