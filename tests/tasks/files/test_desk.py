from __future__ import annotations

import time

import pytest

from t5gemma_app.errors import BusyError, InputError, UnknownRunError
from t5gemma_app.tasks.files.desk import FileDesk
from t5gemma_app.tasks.files.jobs import FileOrder, FileState, JobShelf
from t5gemma_app.tasks.files.table import open_table, read_rows
from tests.tasks.files.making import Shouting, csv_file

ORDER = FileOrder("shout", "nobody", ("text",), {"how": "loud"})


class Desk(FileDesk):
    """A desk whose work is remembered."""

    def __init__(self, folder, delay=0.0, **limits):
        self.works = []

        def work_of(order):
            if order.task != "shout":
                raise InputError("There is no such task.")
            self.works.append(Shouting(delay))
            return self.works[-1]

        super().__init__(folder, work_of, **limits)

    @property
    def numbers(self):
        return [number for work in self.works for number in work.numbers]


@pytest.fixture
def table(tmp_path):
    return open_table(csv_file(tmp_path))


def wait(desk, job, *states):
    deadline = time.monotonic() + 60
    while desk.get(job.id).state not in states:
        assert time.monotonic() < deadline, desk.get(job.id)
        time.sleep(0.02)
    return desk.get(job.id)


def test_a_file_is_worked_on_and_its_source_may_go(tmp_path, table):
    desk = Desk(tmp_path / "files")
    job = desk.add(table, ORDER)
    table.path.unlink()
    assert wait(desk, job, FileState.DONE).seconds > 0
    assert desk.progress(job.id).done == 100 and desk.progress(job.id).errors == 10
    desk.write(job.id, "jsonl", tmp_path / "out.jsonl")
    rows = list(read_rows(open_table(tmp_path / "out.jsonl")))
    assert len(rows) == 100 and rows[7]["loud"] == "TEXT, NUMBER 7"
    desk.remove(job.id)
    with pytest.raises(UnknownRunError):
        desk.get(job.id)
    desk.close()


def test_cancel_keeps_what_is_there_and_resume_does_the_rest(tmp_path, table):
    desk = Desk(tmp_path / "files", delay=0.01)
    job = desk.add(table, ORDER)
    while desk.progress(job.id).done < 10:
        time.sleep(0.02)
    with pytest.raises(InputError, match="being worked on"):
        desk.remove(job.id)
    desk.cancel(job.id)
    wait(desk, job, FileState.CANCELLED)
    assert 10 <= desk.progress(job.id).done < 100
    desk.write(job.id, "csv", tmp_path / "part.csv")
    desk.resume(job.id)
    wait(desk, job, FileState.DONE)
    assert desk.numbers == list(range(100))
    desk.close()


def test_a_restart_goes_on_where_it_was(tmp_path, table):
    first = Desk(tmp_path / "files", delay=0.01)
    job, waiting = first.add(table, ORDER), first.add(table, ORDER)
    while first.progress(job.id).done < 10:
        time.sleep(0.02)
    first.close()
    assert first.get(job.id).state.open and first.get(waiting.id).state is FileState.QUEUED
    second = Desk(tmp_path / "files")
    assert second.progress(job.id).done == len(first.numbers)
    second.begin()
    wait(second, waiting, FileState.DONE)
    assert first.numbers + second.numbers == [*range(100), *range(100)]
    second.close()


def test_a_failure_is_kept_in_words_and_the_next_file_goes_on(tmp_path, table):
    job = JobShelf(tmp_path / "files").add(table, ORDER)
    job.table.path.write_text("text\nother\n")
    desk = Desk(tmp_path / "files")
    other = desk.add(table, ORDER)
    found = wait(desk, job, FileState.FAILED)
    assert "changed" in found.failure
    wait(desk, other, FileState.DONE)
    desk.close()


def test_what_can_not_be_done_is_said_at_once(tmp_path, table):
    desk = Desk(tmp_path / "files", delay=0.05, most_open=1)
    with pytest.raises(InputError, match="no column 'body'"):
        desk.add(table, FileOrder("shout", "nobody", ("body",)))
    with pytest.raises(InputError, match="no such task"):
        desk.add(table, FileOrder("sing", "nobody", ("text",)))
    desk.add(table, ORDER)
    with pytest.raises(BusyError, match="waiting already"):
        desk.add(table, ORDER)
    desk.close()


def test_old_files_are_deleted_and_waiting_ones_can_be_cancelled(tmp_path, table):
    desk = Desk(tmp_path / "files", most_kept=2)
    jobs = []
    for _ in range(4):
        jobs.append(desk.add(table, ORDER))
        wait(desk, jobs[-1], FileState.DONE)
    assert [job.id for job in JobShelf(tmp_path / "files").all()] == [jobs[2].id, jobs[3].id]
    desk.close()
    waiting = Desk(tmp_path / "more")
    waiting.close()
    job = waiting.add(table, ORDER)
    assert waiting.cancel(job.id).state is FileState.CANCELLED


def test_one_visitor_can_not_take_the_whole_queue(tmp_path, table):
    desk = Desk(tmp_path / "files", delay=0.05, most_of_one=1)
    desk.add(table, ORDER, owner="anna")
    with pytest.raises(BusyError, match="A file of yours"):
        desk.add(table, ORDER, owner="anna")
    desk.add(table, ORDER, owner="ben")
    desk.close()


def test_a_folder_that_can_not_be_read_is_left_out(tmp_path, table):
    desk = Desk(tmp_path / "files")
    broken = tmp_path / "files" / ("x" * 24)
    broken.mkdir(parents=True)
    (broken / "job.json").write_text('{"order": ')
    wait(desk, desk.add(table, ORDER), FileState.DONE)
    with pytest.raises(UnknownRunError):
        desk.get(broken.name)
    desk.close()


@pytest.mark.parametrize("job_id", ["", "../../etc", "x" * 24, "a/b"])
def test_ids_that_nobody_gave_lead_nowhere(tmp_path, job_id):
    with pytest.raises(UnknownRunError):
        Desk(tmp_path).get(job_id)
