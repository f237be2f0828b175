"""What a kill, a full disk and other processes do to a file that is being worked on: nothing."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from t5gemma_app.errors import InputError, RunTakenError, StoreFullError
from t5gemma_app.tasks.files import journal as journals
from t5gemma_app.tasks.files import running
from t5gemma_app.tasks.files.journal import Entry, Journal
from t5gemma_app.tasks.files.output import write_output
from t5gemma_app.tasks.files.running import FileProgress, work_rows
from t5gemma_app.tasks.files.table import open_table
from t5gemma_app.tasks.files.work import RowResult
from tests.tasks.files.making import Shouting, csv_file

ROOT = Path(__file__).resolve().parents[3]
CHILD = """
import sys
from pathlib import Path
from t5gemma_app.tasks.files.journal import Journal
from t5gemma_app.tasks.files.running import work_rows
from t5gemma_app.tasks.files.table import open_table
from tests.tasks.files.making import Shouting
table = open_table(Path(sys.argv[1]))
work_rows(table, ("text",), Shouting(0.01), Journal(Path(sys.argv[2])))
"""


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def written(table, journal, path):
    write_output(table, journal.entries(), Shouting.fields, path, "csv")
    return rows_of(path)


def test_every_row_gets_its_result_once_and_in_order(tmp_path):
    table, work = open_table(csv_file(tmp_path)), Shouting()
    seen: list[FileProgress] = []
    done = work_rows(table, ("text",), work, Journal(tmp_path / "work"), report=seen.append)
    assert work.numbers == list(range(100))
    assert (done.count, done.errors) == (100, 10)
    assert seen[1].stage == "clearing the throat"
    assert seen[-1].done == 100 and seen[-1].rows_per_second and seen[-1].seconds_left == 0
    assert dict(seen[-1].tally) == {"long": 90}
    rows = written(table, Journal(tmp_path / "work"), tmp_path / "out.csv")
    assert [row["id"] for row in rows] == [str(n) for n in range(100)]
    assert rows[1]["loud"] == "TEXT, NUMBER 1" and rows[1]["error"] == ""
    assert rows[0]["loud"] == "" and rows[0]["error"] == "The text is empty."


def test_a_kill_loses_a_chunk_at_most_and_nothing_is_done_twice(tmp_path):
    source, folder = csv_file(tmp_path, rows=400), tmp_path / "work"
    words = [sys.executable, "-c", CHILD, str(source), str(folder)]
    with subprocess.Popen(words, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}) as child:
        deadline = time.monotonic() + 60
        while not (folder.is_dir() and Journal(folder).done(400).count >= 30):
            assert child.poll() is None and time.monotonic() < deadline
            time.sleep(0.02)
        child.send_signal(signal.SIGKILL)
    path = folder / "results-0-of-1.jsonl"
    with path.open("ab") as stream:
        stream.write(b'{"row": 399, "val')  # as a kill in the middle of a write would leave it
    table, work = open_table(source), Shouting()
    before = Journal(folder).done(400).count
    assert 30 <= before < 400
    work_rows(table, ("text",), work, Journal(folder))
    assert work.numbers == list(range(before, 400))
    whole = Journal(tmp_path / "undisturbed")
    work_rows(table, ("text",), Shouting(), whole)
    assert written(table, Journal(folder), tmp_path / "a.csv") == written(table, whole, tmp_path / "b.csv")


@pytest.mark.parametrize("shards", [[(0, 1)], [(0, 3), (1, 3), (2, 3)], [(1, 2), (0, 3), (0, 1)]])
def test_processes_share_a_file_and_later_ones_do_the_rest(tmp_path, shards):
    table, journal = open_table(csv_file(tmp_path)), Journal(tmp_path / "work")
    numbers = []
    for shard, count in shards:
        work = Shouting()
        work_rows(table, ("text",), work, journal, shard=shard, shards=count)
        numbers += work.numbers
    assert sorted(numbers) == list(range(100))
    assert [entry.number for entry in journal.entries()] == list(range(100))


def test_another_process_is_noticed(tmp_path):
    table, journal = open_table(csv_file(tmp_path)), Journal(tmp_path / "work")
    with journal.appending(), pytest.raises(RunTakenError):
        work_rows(table, ("text",), Shouting(), journal)


def test_it_stops_between_chunks_and_goes_on(tmp_path):
    table, journal = open_table(csv_file(tmp_path)), Journal(tmp_path / "work")
    work = Shouting()
    done = work_rows(table, ("text",), work, journal, stopped=lambda: len(work.numbers) >= 16)
    assert done.count == len(work.numbers) == running.FIRST_ROWS
    assert work_rows(table, ("text",), work, journal).count == 100
    assert work.numbers == list(range(100))


def test_a_full_disk_is_said_and_what_was_written_is_kept(tmp_path, monkeypatch):
    table, journal = open_table(csv_file(tmp_path)), Journal(tmp_path / "work")
    synced = []

    def full(number):
        synced.append(number)
        if len(synced) > 2:
            raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(journals.os, "fsync", full)
        with pytest.raises(StoreFullError, match="full"):
            work_rows(table, ("text",), Shouting(), journal)
    assert work_rows(table, ("text",), Shouting(), journal).count == 100
    assert [entry.number for entry in journal.entries()] == list(range(100))


def test_a_file_that_shrinks_meanwhile_is_noticed(tmp_path):
    table = open_table(csv_file(tmp_path))
    csv_file(tmp_path, rows=50)
    with pytest.raises(InputError, match="changed"):
        work_rows(table, ("text",), Shouting(), Journal(tmp_path / "work"))


def test_chunks_follow_the_time_they_take_and_the_size_of_the_rows(tmp_path, monkeypatch):
    sizes: list[int] = []

    class Noting(Shouting):
        def results(self, rows):
            sizes.append(len(rows))
            return super().results(rows)

    clock = iter(range(0, 10_000))
    table = open_table(csv_file(tmp_path))
    work_rows(table, ("text",), Noting(), Journal(tmp_path / "a"), clock=lambda: next(clock) / 0.1)
    assert sizes[0] == running.FIRST_ROWS and sizes[-1] < sizes[0]  # ten seconds a chunk are too long
    sizes.clear()
    monkeypatch.setattr(running, "MOST_CHARACTERS", 60)
    work_rows(table, ("text",), Noting(), Journal(tmp_path / "b"))
    assert max(sizes) <= 6


def test_a_journal_counts_what_others_add(tmp_path):
    journal = Journal(tmp_path)
    with journal.appending(1, 2) as output:
        output.append([Entry(1, RowResult({"a": 1}, ("x",)))])
        done, places = journal.done(4), {}
        journal.follow(done, places)
        output.append([Entry(3, RowResult(error="no"))])
        journal.follow(done, places)
    assert (done.count, done.errors, dict(done.tally)) == (2, 1, {"x": 1})
