"""Plain text for pretraining: documents out of text files, and out of the columns of files of rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from t5gemma_app.benchmarks.rows import DataSource, file_hash, json_object, numbered_lines
from t5gemma_app.errors import InputError

_COLUMNS = ("text", "tokens", "prompt", "response")


def read_documents(paths: Sequence[Path]) -> tuple[list[str], tuple[DataSource, ...]]:
    """Read documents: in a text file those between blank lines, in a jsonl file each row's own words.

    Raises:
        InputError: A file is missing, is no text, or holds no words.
    """
    documents: list[str] = []
    sources: list[DataSource] = []
    for path in paths:
        if not path.is_file():
            raise InputError(f"There is no file {path}.")
        found = list(_rows(path) if path.suffix.lower() == ".jsonl" else _paragraphs(path))
        if not found:
            raise InputError(f"{path} holds no text.")
        documents += found
        sources.append(DataSource("file", str(path), file_hash(path), "train"))
    return documents, tuple(sources)


def _paragraphs(path: Path) -> Iterator[str]:
    lines: list[str] = []
    try:
        with path.open(encoding="utf-8-sig") as file:
            for line in file:
                if line.strip():
                    lines.append(line.rstrip("\n"))
                elif lines:
                    yield "\n".join(lines)
                    lines = []
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8: {error.reason}.", remedy="Save the file as UTF-8.") from error
    if lines:
        yield "\n".join(lines)


def _rows(path: Path) -> Iterator[str]:
    for number, text in numbered_lines(path):
        values = json_object(path, number, text)
        parts = [values[name] for name in _COLUMNS if values.get(name)]
        if not parts:
            raise InputError(f"{path}, line {number} has none of the columns {', '.join(_COLUMNS)}.")
        yield "\n".join(" ".join(map(str, part)) if isinstance(part, list) else str(part) for part in parts)
