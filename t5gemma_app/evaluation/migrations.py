"""How the tables came to be: an ordered list of named steps, each run once in its own release, never edited."""

from __future__ import annotations

from t5gemma_app.evaluation.database import Connection, Migration

_RUNS = """
CREATE TABLE runs (
    id TEXT PRIMARY KEY,
    spec TEXT NOT NULL,
    run_order TEXT NOT NULL,
    state TEXT NOT NULL,
    place INTEGER NOT NULL,
    created REAL NOT NULL,
    started REAL,
    finished REAL,
    failure TEXT NOT NULL DEFAULT '',
    wish TEXT NOT NULL DEFAULT '',
    environment TEXT NOT NULL DEFAULT '{}',
    totals TEXT NOT NULL DEFAULT '{}',
    shipped INTEGER NOT NULL DEFAULT 0
)
"""
_SAMPLES = """
CREATE TABLE samples (
    run_id TEXT NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
    benchmark TEXT NOT NULL,
    example_id TEXT NOT NULL,
    place INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    seconds REAL NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (run_id, benchmark, example_id)
)
"""
_COUNTS = "CREATE INDEX samples_outcomes ON samples (run_id, benchmark, outcome, seconds)"
_RESULTS = """
CREATE TABLE results (
    run_id TEXT NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
    benchmark TEXT NOT NULL,
    place INTEGER NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (run_id, benchmark)
)
"""
_LEASES = """
CREATE TABLE leases (
    run_id TEXT NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
    shard INTEGER NOT NULL,
    shards INTEGER NOT NULL,
    owner TEXT NOT NULL,
    host TEXT NOT NULL,
    pid INTEGER NOT NULL,
    heartbeat REAL NOT NULL,
    PRIMARY KEY (run_id, shard)
)
"""


def make_tables(connection: Connection) -> None:
    """Make the tables of runs, samples (the journal), results (derived from it) and leases."""
    for statement in (_RUNS, _SAMPLES, _COUNTS, _RESULTS, _LEASES):
        connection.execute(statement)


MIGRATIONS: tuple[Migration, ...] = (("make runs, samples, results and leases", make_tables),)
"""In order; a file remembers how many of them it has run."""
