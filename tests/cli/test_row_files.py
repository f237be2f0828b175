from __future__ import annotations

import argparse
import threading
import time
from pathlib import Path

import pytest

from t5gemma_app.cli import row_files
from t5gemma_app.cli.row_files import add_row_file, row_file, work_file
from t5gemma_app.errors import InputError, RunFailedError, StoppedError
from t5gemma_app.settings import ProcessShard
from tests.tasks.files.making import Shouting, csv_file

ALONE = ProcessShard(0, 1)
ORDER = {"task": "shout", "options": {"how": "loud"}}


class Stopping(Shouting):
    """Stops after some rows, as an engine that is shut down does."""

    def results(self, rows):
        if len(self.numbers) >= 20:
            raise StoppedError("stopped")
        return super().results(rows)


def chosen(folder: Path, *words: str, output: str = "out.csv"):
    parser = argparse.ArgumentParser()
    add_row_file(parser)
    return row_file(parser.parse_args(["--file", str(folder / "in.csv"), "--output", str(folder / output), *words]))


@pytest.fixture
def folder(tmp_path):
    csv_file(tmp_path)
    return tmp_path


def hidden(folder):
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


def test_an_interrupted_run_goes_on_when_it_is_resumed(folder, capsys):
    with pytest.raises(StoppedError):
        work_file(chosen(folder), Stopping(), ORDER, ALONE)
    assert "--resume goes on" in capsys.readouterr().err and not (folder / "out.csv").exists()
    with pytest.raises(InputError, match=r"is there\. Add --resume"):
        work_file(chosen(folder), Shouting(), ORDER, ALONE)
    with pytest.raises(InputError, match="had another choice of options"):
        work_file(chosen(folder, "--resume"), Shouting(), {**ORDER, "options": {"how": "soft"}}, ALONE)
    work = Shouting()
    done = work_file(chosen(folder, "--resume"), work, ORDER, ALONE)
    assert done and done.count == 100 and min(work.numbers) == 48
    assert len((folder / "out.csv").read_text().splitlines()) == 101
    assert hidden(folder) == []


def test_a_changed_file_is_not_resumed(folder):
    with pytest.raises(StoppedError):
        work_file(chosen(folder), Stopping(), ORDER, ALONE)
    csv_file(folder, rows=101)
    with pytest.raises(InputError, match="another input file"):
        work_file(chosen(folder, "--resume"), Shouting(), ORDER, ALONE)


def test_processes_share_a_file_and_the_first_writes_it(folder):
    works = [Shouting(0.001) for _ in range(3)]
    found: dict[int, object] = {}

    def run(rank):
        found[rank] = work_file(chosen(folder), works[rank], ORDER, ProcessShard(rank, 3))

    threads = [threading.Thread(target=run, args=(rank,)) for rank in (2, 1)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)  # later processes that begin first wait for the first one
    assert works[1].numbers == []
    run(0)
    for thread in threads:
        thread.join(60)
    assert found[0].count == 100 and found[1] is found[2] is None
    assert [work.numbers for work in works] == [list(range(rank, 100, 3)) for rank in range(3)]
    assert len((folder / "out.csv").read_text().splitlines()) == 101 and hidden(folder) == []


def test_a_process_that_is_gone_is_noticed(folder, monkeypatch):
    monkeypatch.setattr(row_files, "PATIENCE_SECONDS", 0.2)
    with pytest.raises(RunFailedError, match="50 of 100 rows are missing"):
        work_file(chosen(folder), Shouting(), ORDER, ProcessShard(0, 2))
    with pytest.raises(RunFailedError, match="has not begun"):
        work_file(chosen(folder, output="other.csv"), Shouting(), ORDER, ProcessShard(1, 2))


def test_a_process_that_comes_when_all_is_done_has_nothing_to_do(folder):
    work_file(chosen(folder), Shouting(), ORDER, ALONE)
    assert work_file(chosen(folder), Shouting(), ORDER, ProcessShard(1, 2)) is None


@pytest.mark.parametrize(
    ("words", "output", "expected"),
    [
        ((), "out.xlsx", "ends in '.xlsx'"),
        ((), "nowhere/out.csv", "no folder"),
        ((), "in.csv", "The output is the input"),
        (("--column", "texts"), "out.csv", "Did you mean text"),
        (("--delimiter", "ab"), "out.csv", "delimiter is 'ab'"),
        (("--delimiter", ";"), "out.csv", "separated by commas"),
    ],
)
def test_files_and_columns_are_checked(folder, words, output, expected):
    with pytest.raises(InputError, match=expected):
        chosen(folder, *words, output=output)


def test_the_column_is_found(folder):
    assert chosen(folder).columns == ("text",)
    assert chosen(folder, "--column", "id", "--pair-column", "text").columns == ("id", "text")
    (folder / "in.csv").write_text("body\none\n")
    assert chosen(folder).columns == ("body",)
