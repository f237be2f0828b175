"""SuperGLUE's tasks as classification, shown to a head by the benchmarks' own formatters."""

from __future__ import annotations

from pathlib import Path

from t5gemma_app.benchmarks.catalogue import BENCHMARKS, benchmark_named, formatter_named
from t5gemma_app.benchmarks.hub import hub_rows
from t5gemma_app.benchmarks.records import Benchmark, Example
from t5gemma_app.benchmarks.rows import DataSource, read_rows
from t5gemma_app.errors import InputError
from t5gemma_app.training.data.rows import TextRow

FORMATTER = "head@1"


def superglue_rows(
    task: str, split: str, data_dir: Path | None, limit: int | None = None
) -> tuple[list[TextRow], DataSource]:
    """Return a task's rows, one a question that the head answers.

    Args:
        task: A name such as `wic`.
        split: `train` or `val`.
        data_dir: The folder with official folders; None asks the Hub.
        limit: Rows to read, counted before they become questions.

    Raises:
        InputError: There is no such task, or its rows can't be read.
    """
    benchmark = benchmark_named(task)
    formatter = formatter_named(FORMATTER, task)
    rows, source = hub_rows(task, split, limit) if data_dir is None else read_rows(task, data_dir, split, limit)
    examples = [example for row in rows for example in formatter.function(row)]
    return [_row(benchmark, example) for example in examples], source


def superglue_names() -> tuple[str, ...]:
    """Return the tasks."""
    return tuple(benchmark.name for benchmark in BENCHMARKS)


def superglue_labels(task: str) -> tuple[str, ...]:
    """Return the names of a task's classes, in the order of its numbers."""
    return benchmark_named(task).labels or ("False", "True")


def _row(benchmark: Benchmark, example: Example) -> TextRow:
    if not isinstance(example.gold, int):
        raise InputError(f"{benchmark.name} {example.id} has no class.", expected="A row with an official label.")
    label = example.choices[example.gold]
    return TextRow(example.context, example.pair or None, label, f"{benchmark.name} {example.id}")
