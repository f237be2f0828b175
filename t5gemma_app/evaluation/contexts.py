"""The examples behind stored samples: the journal keeps answers only, so the rows are read again and checked."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path

from t5gemma_app.benchmarks.records import Example
from t5gemma_app.benchmarks.suites import load_suite, prompt_hash, suite_examples
from t5gemma_app.errors import InputError
from t5gemma_app.evaluation.planner import Planner
from t5gemma_app.evaluation.records import Run

KEPT = 3
"""Benchmarks whose examples are kept; the largest has some ten thousand."""


class Contexts:
    """Examples by id, of the benchmarks that were asked for last.

    Args:
        planner: Knows where suites lie.
    """

    def __init__(self, planner: Planner) -> None:
        self._planner = planner
        self._kept: OrderedDict[str, dict[str, Example]] = OrderedDict()
        self._lock = threading.Lock()  # pages ask from several threads

    def of(self, run: Run, benchmark: str) -> dict[str, Example]:
        """Return the examples of a run's benchmark by their ids.

        Args:
            run: A run that was computed here.
            benchmark: One of its benchmarks.

        Raises:
            InputError: The rows are gone, or are not the ones that were measured.
        """
        spec = next((one for one in run.spec.benchmarks if one.name == benchmark), None)
        if spec is None:
            raise InputError(f"The run has no benchmark {benchmark[:80]!r}.")
        with self._lock:
            if spec.prompt_hash in self._kept:
                self._kept.move_to_end(spec.prompt_hash)
                return self._kept[spec.prompt_hash]
        examples = self._read(run, benchmark)
        if prompt_hash(examples) != spec.prompt_hash:
            raise InputError(
                f"The rows or the prompt of {benchmark} have changed since this run.",
                expected="Its answers are shown without the texts that were read.",
            )
        found = {example.id: example for example in examples}
        with self._lock:
            self._kept[spec.prompt_hash] = found
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return found

    def _read(self, run: Run, benchmark: str) -> list[Example]:
        order = run.order
        suite = load_suite(self._planner.suite_path(order.suite))
        suite = replace(suite, entries=tuple(entry for entry in suite.entries if entry.name == benchmark))
        data_dir = Path(order.data_dir) if order.data_dir else None
        planned = list(suite_examples(suite, data_dir, order.limit, order.formatter or None))
        return planned[0].examples if planned else []
