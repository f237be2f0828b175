"""Works on the rows that have no result yet, chunk by chunk, and keeps each chunk's results before the next begins."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from t5gemma_app.errors import InputError
from t5gemma_app.tasks.files.journal import Done, Entry, Journal
from t5gemma_app.tasks.files.table import Table, read_rows
from t5gemma_app.tasks.files.work import RowInput, RowWork

FIRST_ROWS, MOST_ROWS = 16, 1024
"""Rows of the first chunk, and of any."""
MOST_CHARACTERS = 2_000_000
"""Characters of a chunk; a single longer row is a chunk of its own."""
WANTED_SECONDS = 2.0
"""How long a chunk should take: what a kill loses, and how long a cancel takes."""
GROWTH = 2.0
REMEMBERED = 8
"""Chunks from which the speed is read."""


@dataclass(frozen=True, slots=True)
class FileProgress:
    """How far a file is."""

    total: int
    done: int = 0
    errors: int = 0
    tally: tuple[tuple[str, int], ...] = ()
    """What was counted, most frequent first."""
    stage: str = ""
    """What goes on while no rows are worked on, such as loading."""
    rows_per_second: float | None = None
    seconds_left: float | None = None

    @property
    def share(self) -> float:
        """Done, from 0 to 1."""
        return self.done / self.total if self.total else 0.0


Report = Callable[[FileProgress], None]


class Pace:
    """How fast rows are worked on, from the last few chunks."""

    def __init__(self) -> None:
        self._chunks: deque[tuple[int, float]] = deque(maxlen=REMEMBERED)

    def add(self, rows: int, seconds: float) -> None:
        """Take note of a chunk."""
        self._chunks.append((rows, max(seconds, 1e-6)))

    @property
    def rows_per_second(self) -> float | None:
        """None before the first chunk."""
        if not self._chunks:
            return None
        return sum(rows for rows, _ in self._chunks) / sum(seconds for _, seconds in self._chunks)


def progress_of(table: Table, done: Done, stage: str = "", pace: Pace | None = None, shards: int = 1) -> FileProgress:
    """Put together how far a file is; the time left assumes that all shards are equally fast."""
    speed = pace.rows_per_second if pace else None
    left = (table.rows - done.count) / (speed * shards) if speed else None
    return FileProgress(
        table.rows, done.count, done.errors, tuple(done.tally.most_common()), stage, speed and speed * shards, left
    )


def work_rows(
    table: Table,
    columns: tuple[str, ...],
    work: RowWork,
    journal: Journal,
    *,
    shard: int = 0,
    shards: int = 1,
    report: Report = lambda _: None,
    stopped: Callable[[], bool] = lambda: False,
    clock: Callable[[], float] = time.monotonic,
) -> Done:
    """Work on this process's rows that have no result and return which rows have one then.

    A row belongs to the process whose number its own is, modulo `shards`.

    Args:
        table: The file.
        columns: What of each row is worked on.
        work: What is done.
        journal: Where results are kept.
        shard: This process's number.
        shards: How many processes share the file.
        report: Is told of progress, from this thread.
        stopped: Whether to end before the next chunk.
        clock: Seconds that never go back.

    Raises:
        RunTakenError: Another process works on these rows.
        StoreError: Results can't be kept.
        InputError: The file changed.
        WorkbenchError: Whatever the work raises; results up to there are kept.
    """
    with journal.appending(shard, shards) as output:
        done = journal.done(table.rows)
        report(progress_of(table, done))
        if done.count == table.rows:
            return done
        for stage in work.prepare():
            report(progress_of(table, done, stage))
            if stopped():
                return done
        pace, size = Pace(), FIRST_ROWS
        missing = _missing(table, columns, done, shard, shards)
        while chunk := _take(missing, size):
            if stopped():
                return done
            begun = clock()
            entries = [Entry(row.number, result) for row, result in zip(chunk, work.results(chunk), strict=True)]
            output.append(entries)
            for entry in entries:
                done.add(entry)
            seconds = clock() - begun
            pace.add(len(chunk), seconds)
            size = _grown(size, len(chunk), seconds)
            report(progress_of(table, done, pace=pace, shards=shards))
        return done


def _missing(table: Table, columns: tuple[str, ...], done: Done, shard: int, shards: int) -> Iterator[RowInput]:
    number = -1
    for number, row in enumerate(read_rows(table)):
        if number >= table.rows:
            break
        if number % shards == shard and number not in done:
            yield RowInput(number, tuple(row.get(column) for column in columns))
    if number + 1 != table.rows:
        raise InputError(f"{table.name} changed while it was read.", remedy="Start again with the file as it is now.")


def _take(rows: Iterator[RowInput], count: int) -> list[RowInput]:
    """Return the next rows, no more than may be in memory."""
    chunk: list[RowInput] = []
    characters = 0
    for row in rows:
        chunk.append(row)
        characters += sum(len(value) for value in row.values if isinstance(value, str))
        if len(chunk) >= count or characters >= MOST_CHARACTERS:
            break
    return chunk


def _grown(size: int, rows: int, seconds: float) -> int:
    """Return how many rows the next chunk has, so that it takes about as long as wanted."""
    wanted = rows * WANTED_SECONDS / max(seconds, 1e-6)
    return max(1, min(MOST_ROWS, int(min(wanted, size * GROWTH))))
