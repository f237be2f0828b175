"""Results of rows as they come, one file a process, appended batch by batch; what is written is never computed again.

Each line is one row's result. A batch is written in one go and brought to the disk before the next one begins; a line
that a kill cut short is dropped when the file is opened again. The rows of one file ascend, so that all of them are
merged in order with a few lines in memory.
"""

from __future__ import annotations

import errno
import heapq
import json
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from t5gemma_app.errors import RunTakenError, StoreError, StoreFullError
from t5gemma_app.tasks.files.work import RowResult

_NAME = re.compile(r"results-\d+-of-\d+\.jsonl$")
_TAIL = 1 << 16


@dataclass(frozen=True, slots=True)
class Entry:
    """A row with its result."""

    number: int
    result: RowResult


class Done:
    """Which rows of a table have a result, and what they were counted as."""

    def __init__(self, rows: int) -> None:
        self._marks = bytearray(rows)
        self.count = 0
        self.errors = 0
        self.tally: Counter[str] = Counter()

    def __contains__(self, number: int) -> bool:
        return bool(self._marks[number])

    def add(self, entry: Entry) -> None:
        """Mark a row, once."""
        if entry.number < len(self._marks) and not self._marks[entry.number]:
            self._marks[entry.number] = 1
            self.count += 1
            self.errors += bool(entry.result.error)
            self.tally.update(entry.result.tally)


class Journal:
    """The results of one table in a folder.

    Args:
        folder: Where the files are; made when a result is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def appending(self, shard: int = 0, shards: int = 1) -> Iterator[Appender]:
        """Open this process's file for further results.

        Raises:
            RunTakenError: Another process writes it.
            StoreError: It can't be written.
        """
        path = self.folder / f"results-{shard}-of-{shards}.jsonl"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            stream = path.open("ab+", buffering=0)
        except OSError as error:
            raise _failed(path, error) from error
        with stream:
            _lock(stream, path)
            _drop_torn_line(stream)
            yield Appender(stream, path)

    def done(self, rows: int) -> Done:
        """Return which rows have a result."""
        done = Done(rows)
        for path in self._files():
            for entry in _entries(path):
                done.add(entry)
        return done

    def entries(self) -> Iterator[Entry]:
        """Yield all results in the order of the rows, each row once."""
        last = -1
        for entry in heapq.merge(*(_entries(path) for path in self._files()), key=lambda entry: entry.number):
            if entry.number > last:
                last = entry.number
                yield entry

    def follow(self, done: Done, places: dict[Path, int]) -> None:
        """Add to `done` what was written since the last call; `places` remembers how far each file was read."""
        for path in self._files():
            with path.open("rb") as stream:
                stream.seek(places.get(path, 0))
                for line in iter(stream.readline, b""):
                    if not line.endswith(b"\n"):
                        break
                    places[path] = places.get(path, 0) + len(line)
                    done.add(_entry(line))

    def _files(self) -> list[Path]:
        if not self.folder.is_dir():
            return []
        return sorted(path for path in self.folder.iterdir() if _NAME.match(path.name))


class Appender:
    """Appends results to one file."""

    def __init__(self, stream: BinaryIO, path: Path) -> None:
        self._stream = stream
        self._path = path

    def append(self, entries: Sequence[Entry]) -> None:
        """Write a batch and bring it to the disk.

        Raises:
            StoreFullError: There is no room; what was written before is intact.
            StoreError: It can't be written.
        """
        data = b"".join(_line(entry) for entry in entries)
        try:
            while data:
                data = data[self._stream.write(data) :]
            os.fsync(self._stream.fileno())
        except OSError as error:
            raise _failed(self._path, error) from error


def _line(entry: Entry) -> bytes:
    result = entry.result
    value: dict[str, Any] = {"row": entry.number, "values": result.values}
    if result.tally:
        value["tally"] = list(result.tally)
    if result.error:
        value["error"] = result.error
    return json.dumps(value, allow_nan=False, separators=(",", ":")).encode("ascii") + b"\n"


def _entry(line: bytes) -> Entry:
    value = json.loads(line)
    return Entry(value["row"], RowResult(value["values"], tuple(value.get("tally", ())), value.get("error", "")))


def _entries(path: Path) -> Iterator[Entry]:
    with path.open("rb") as stream:
        for line in stream:
            if line.endswith(b"\n"):  # else it is being written, or was cut short
                yield _entry(line)


def _drop_torn_line(stream: BinaryIO) -> None:
    """Cut off what follows the last line end."""
    end = stream.seek(0, os.SEEK_END)
    at = end
    while at > 0:
        start = max(0, at - _TAIL)
        stream.seek(start)
        found = stream.read(at - start).rfind(b"\n")
        if found >= 0:
            at = start + found + 1
            break
        at = start
    if at < end:
        stream.truncate(at)
    stream.seek(0, os.SEEK_END)


def _lock(stream: BinaryIO, path: Path) -> None:
    """Keep other processes from writing the same file; a lock dies with its process."""
    try:
        import fcntl
    except ImportError:  # Windows; its files can't be opened twice by accident as easily
        return
    try:
        fcntl.flock(stream.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise RunTakenError(
            f"Another process works on {path.parent.name} already.", remedy="Wait for it, or end it first."
        ) from error


def _failed(path: Path, error: OSError) -> StoreError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreFullError(
            f"The disk that holds {path.parent} is full.",
            expected="What was computed is kept.",
            remedy="Make room, then go on where it was.",
        )
    return StoreError(f"{path} can't be written: {error.strerror}.", remedy="Check the folder's permissions.")
