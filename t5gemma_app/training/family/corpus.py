"""The texts that the family reads first: files of the data folder, and passages of SuperGLUE's training rows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from t5gemma_app.benchmarks.rows import json_object, numbered_lines
from t5gemma_app.errors import InputError
from t5gemma_app.training.family.sources import superglue_file
from t5gemma_app.training.folders import whole_folder

FOLDER = "corpus"
_COLUMNS = {"boolq": ("passage",), "copa": ("premise", "choice1", "choice2"), "wsc": ("text",)}
"""What is text in a task's lines."""


def write_passages(data: Path, tasks: tuple[str, ...], folder: Path) -> None:
    """Write the passages of SuperGLUE tasks, each once, a file a task; labels and questions are left behind.

    Raises:
        InputError: A file lacks a column.
    """
    with whole_folder(folder) as fresh:
        for task in tasks:
            passages = dict.fromkeys(_passages(superglue_file(data, task, "train.jsonl"), _COLUMNS[task]))
            lines = [json.dumps({"text": passage}, ensure_ascii=False) for passage in passages]
            (fresh / f"{task}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _passages(path: Path, columns: tuple[str, ...]) -> Iterator[str]:
    for number, text in numbered_lines(path):
        values = json_object(path, number, text)
        for column in columns:
            if not isinstance(values.get(column), str):
                raise InputError(f"{path}, line {number} has no text {column!r}.")
            yield values[column]
