"""The tables of samples and of results: what was answered, and what follows from it.

Samples are only ever added; results can be rebuilt from them at any time.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from t5gemma_app.benchmarks.records import Sample
from t5gemma_app.evaluation.database import Database
from t5gemma_app.evaluation.leases import Lease, Leases
from t5gemma_app.evaluation.records import RunId, canonical_json
from t5gemma_app.evaluation.results import BenchmarkResult


class Entry(NamedTuple):
    """A sample on its way into the journal."""

    place: int
    """Its row in the benchmark, from 0; samples are read in this order."""
    seconds: float
    """Its share of the time that its batch took."""
    sample: Sample


class Counts(NamedTuple):
    """How far a benchmark is."""

    done: int = 0
    right: int = 0
    unscored: int = 0
    seconds: float = 0.0


class Journal:
    """Samples and results of all runs.

    Args:
        database: The open file.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, lease: Lease, entries: Sequence[Entry]) -> None:
        """Store a batch of samples, all or none.

        Args:
            lease: The right to do so, checked in the same transaction.
            entries: Samples that are not stored yet.

        Raises:
            RunTakenError: Another process took the run over; nothing is stored.
            StoreError: The disk is full or fails; nothing of this batch is stored.
        """
        rows = [
            (
                lease.run_id,
                entry.sample.benchmark,
                entry.sample.id,
                entry.place,
                entry.sample.outcome,
                entry.seconds,
                canonical_json(entry.sample.to_record()),
            )
            for entry in entries
        ]
        with self._database.write() as connection:
            Leases.check(connection, lease)
            connection.executemany(
                "INSERT INTO samples (run_id, benchmark, example_id, place, outcome, seconds, record) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                rows,
            )

    def answered(self, run_id: RunId) -> set[tuple[str, str]]:
        """Return (benchmark, example id) of every stored sample."""
        with self._database.read() as connection:
            return set(
                connection.execute("SELECT benchmark, example_id FROM samples WHERE run_id = ?", (run_id,)).fetchall()
            )

    def samples(self, run_id: RunId, benchmark: str) -> tuple[Sample, ...]:
        """Return the stored samples of a benchmark in the order of its rows."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT record FROM samples WHERE run_id = ? AND benchmark = ? ORDER BY place, example_id",
                (run_id, benchmark),
            ).fetchall()
        return tuple(Sample.from_dict(json.loads(record)) for (record,) in rows)

    def records(self, run_id: RunId, benchmarks: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Yield the lines of a samples file, benchmark by benchmark, in the order of the rows."""
        for benchmark in benchmarks:
            for sample in self.samples(run_id, benchmark):
                yield sample.to_dict()

    def counts(self, run_id: RunId) -> dict[str, Counts]:
        """Return how far each benchmark is, without reading the samples."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT benchmark, count(*), sum(outcome = 'right'), sum(outcome = 'unscored'), sum(seconds) "
                "FROM samples WHERE run_id = ? GROUP BY benchmark",
                (run_id,),
            ).fetchall()
        return {benchmark: Counts(*numbers) for benchmark, *numbers in rows}

    def save_results(self, run_id: RunId, results: Sequence[BenchmarkResult]) -> None:
        """Replace the results of a run."""
        rows = [
            (run_id, result.name, place, canonical_json(result.to_record())) for place, result in enumerate(results)
        ]
        with self._database.write() as connection:
            connection.execute("DELETE FROM results WHERE run_id = ?", (run_id,))
            connection.executemany("INSERT INTO results (run_id, benchmark, place, record) VALUES (?, ?, ?, ?)", rows)

    def results(self, run_id: RunId) -> tuple[BenchmarkResult, ...]:
        """Return the stored results of a run, in the suite's order; empty while it is not done."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT record FROM results WHERE run_id = ? ORDER BY place", (run_id,)
            ).fetchall()
        return tuple(BenchmarkResult.from_record(json.loads(record)) for (record,) in rows)
