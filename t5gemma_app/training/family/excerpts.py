"""A small copy of the data folder: the first rows of each file, so that a family can be tried in seconds."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from t5gemma_app.training.folders import whole_folder

_LINE = 300
_MANY = "MultiRC"
"""Its lines hold dozens of questions each."""
_LABELS = ("label", "tags", "upos")
_EACH = 3
"""Training rows that show a label, so that one is left where one is held out."""


def write_excerpts(data: Path, paths: Iterable[str], folder: Path, rows: int) -> None:
    """Write the first rows of every file, and of training files later ones that show a rare label.

    Args:
        data: The data folder.
        paths: Its files.
        folder: Where to.
        rows: How many of each.
    """
    with whole_folder(folder) as fresh:
        for path in paths:
            (fresh / path).parent.mkdir(parents=True, exist_ok=True)
            most = 1 if _MANY in path else rows
            with (data / path).open(encoding="utf-8") as lines:
                kept = list(_rows(lines, most) if path.endswith("train.jsonl") else _lines(lines, most, path))
            (fresh / path).write_text("".join(kept), encoding="utf-8")


def _lines(lines: Iterable[str], rows: int, path: str) -> Iterator[str]:
    for line, _ in zip((line for line in lines if line.strip()), range(rows), strict=False):
        yield line if path.endswith(".jsonl") else f"{line[:_LINE].strip()}\n"


def _rows(lines: Iterable[str], rows: int) -> Iterator[str]:
    seen: Counter[str] = Counter()
    for number, line in enumerate(lines):
        found = _labels(json.loads(line))
        if number < rows or any(seen[label] < _EACH for label in found):
            seen.update(found)
            yield line


def _labels(values: dict[str, Any]) -> set[str]:
    found: set[str] = set()
    for name in _LABELS:
        value = values.get(name, [])
        found.update(map(str, value if isinstance(value, list) else [value]))
    return found
