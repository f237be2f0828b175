import os
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from t5gemma_app.errors import StoreError, StoreLockedError
from t5gemma_app.evaluation.database import APPLICATION, Database, choose_mode
from t5gemma_app.evaluation.migrations import MIGRATIONS
from tests.evaluation.makers import MOUNTED


def count(connection) -> None:
    connection.execute("CREATE TABLE numbers (n INTEGER PRIMARY KEY)")


STEPS = (("make numbers", count),)
LOCAL = "36 25 0:32 / / rw - ext4 /dev/sda rw\n"


def numbers(database: Database) -> list[int]:
    with database.read() as connection:
        return [n for (n,) in connection.execute("SELECT n FROM numbers ORDER BY n")]


def add(database: Database, *wanted: int) -> None:
    with database.write() as connection:
        connection.executemany("INSERT INTO numbers VALUES (?)", [(n,) for n in wanted])


@pytest.mark.parametrize(
    ("kind", "shared"),
    [("ext4", True), ("overlay", True), ("tmpfs", True), ("fuse.s3fs", False), ("nfs4", False), ("9p", False)],
)
def test_the_mode_follows_the_disk_below_the_file(kind, shared) -> None:
    mounts = LOCAL + f"37 36 0:99 / /data rw,nosuid shared:1 - {kind} x rw\n38 36 0:98 / /da rw - nfs x rw\n"
    mode = choose_mode(Path("/data/deep/results.sqlite"), mounts)
    assert mode.shared is shared
    assert "/data" in mode.reason
    assert kind in mode.reason
    assert choose_mode(Path("/database/x"), mounts).shared  # not below /data


def test_mounts_with_blanks_and_odd_lines_are_understood() -> None:
    mounts = LOCAL + "odd\n\n37 36 0:99 / /my\\040data rw - fuse x rw\n"
    assert not choose_mode(Path("/my data/x"), mounts).shared
    assert choose_mode(Path("/x"), "").shared


def test_a_local_file_is_journalled_ahead_and_shared(tmp_path) -> None:
    first = Database(tmp_path / "a" / "x.sqlite", STEPS, mounts=LOCAL)
    second = Database(tmp_path / "a" / "x.sqlite", STEPS, mounts=LOCAL)
    add(first, 1)
    add(second, 2)
    assert numbers(first) == numbers(second) == [1, 2]
    assert (tmp_path / "a" / "x.sqlite-wal").exists()
    first.close()
    second.close()


def test_a_file_on_mounted_storage_belongs_to_one_process_and_has_no_shared_memory(tmp_path) -> None:
    mounts = MOUNTED.format(tmp_path)
    first = Database(tmp_path / "x.sqlite", STEPS, mounts=mounts)
    add(first, 1)
    with pytest.raises(StoreLockedError, match="Another process holds"):
        Database(tmp_path / "x.sqlite", STEPS, patience=0.05, mounts=mounts)
    assert not list(tmp_path.glob("*-wal")) + list(tmp_path.glob("*-shm"))
    first.close()
    assert numbers(Database(tmp_path / "x.sqlite", STEPS, mounts=mounts)) == [1]


def test_a_file_moves_between_local_and_mounted_storage(tmp_path) -> None:
    for mounts in (LOCAL, MOUNTED.format(tmp_path), LOCAL):
        database = Database(tmp_path / "x.sqlite", STEPS, mounts=mounts)
        add(database, len(numbers(database)))
        database.close()
    assert numbers(Database(tmp_path / "x.sqlite", STEPS)) == [0, 1, 2]


def test_a_transaction_is_whole_or_nothing(tmp_path) -> None:
    database = Database(tmp_path / "x.sqlite", STEPS)
    add(database, 1)
    with pytest.raises(StoreError, match="refused"):
        add(database, 2, 3, 1)
    with pytest.raises(ZeroDivisionError), database.write() as connection:
        connection.execute("INSERT INTO numbers VALUES (9)")
        1 / 0  # noqa: B018
    assert numbers(database) == [1]


def test_threads_take_turns(tmp_path) -> None:
    database = Database(tmp_path / "x.sqlite", STEPS)
    threads = [threading.Thread(target=lambda k=k: [add(database, 100 * k + i) for i in range(20)]) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(numbers(database)) == 80


OPENING = """
import sys, time
from pathlib import Path
from tests.evaluation.test_database import STEPS, Database
begin = float(sys.argv[2])
for number in range(60):
    while time.time() < begin + number / 30:
        pass
    Database(Path(sys.argv[1]) / f"{number}.sqlite", STEPS).close()
"""


def test_new_files_may_be_opened_by_several_processes_at_once(tmp_path) -> None:
    words = [sys.executable, "-c", OPENING, str(tmp_path), str(time.time() + 3)]
    processes = [subprocess.Popen(words) for _ in range(4)]
    assert [process.wait(120) for process in processes] == [0] * 4
    assert len(list(tmp_path.glob("*.sqlite"))) == 60


def test_another_processes_transaction_is_waited_for_and_then_named(tmp_path) -> None:
    path = tmp_path / "x.sqlite"
    database = Database(path, STEPS, patience=0.05, mounts=LOCAL)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreLockedError, match=r"x\.sqlite"):
        add(database, 1)
    assert numbers(database) == []  # readers are not held up
    holder.execute("ROLLBACK")
    add(database, 1)
    assert numbers(database) == [1]


@pytest.mark.parametrize("content", [b"hello", b"SQLite format 3\x00" + b"x" * 4000])
def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path, content) -> None:
    path = tmp_path / "x.sqlite"
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"not a file of results|damaged"):
        Database(path, STEPS)
    assert path.read_bytes() == content


def test_another_programs_database_is_refused_and_left_alone(tmp_path) -> None:
    with sqlite3.connect(tmp_path / "x.sqlite") as other:
        other.execute("CREATE TABLE theirs (x)")
    other.close()
    with pytest.raises(StoreError, match="another program's"):
        Database(tmp_path / "x.sqlite", STEPS)
    assert sqlite3.connect(tmp_path / "x.sqlite").execute("SELECT name FROM sqlite_master").fetchall() == [("theirs",)]


def test_an_empty_file_is_as_good_as_none(tmp_path) -> None:
    (tmp_path / "x.sqlite").touch()
    assert numbers(Database(tmp_path / "x.sqlite", STEPS)) == []


def test_migrations_run_once_in_order_and_a_failing_one_changes_nothing(tmp_path) -> None:
    path = tmp_path / "x.sqlite"
    Database(path, STEPS).close()
    fill = ("fill", lambda connection: connection.execute("INSERT INTO numbers VALUES (7)"))
    broken = ("break", lambda connection: connection.execute("INSERT INTO nowhere VALUES (7)"))
    with pytest.raises(StoreError, match="nowhere"):
        Database(path, (*STEPS, fill, broken))
    assert numbers(Database(path, STEPS)) == []
    for _ in range(2):
        database = Database(path, (*STEPS, fill))
        assert numbers(database) == [7]
        database.close()
    with pytest.raises(StoreError, match="newer release"):
        Database(path, STEPS)


def test_every_older_file_opens_with_the_present_tables(tmp_path) -> None:
    shapes = []
    for ran in range(len(MIGRATIONS) + 1):
        path = tmp_path / f"{ran}.sqlite"
        if ran:
            Database(path, MIGRATIONS[:ran]).close()
        database = Database(path, MIGRATIONS)
        with database.read() as connection:
            shapes.append(connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY name").fetchall())
            assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION,)
    assert all(shape == shapes[0] for shape in shapes)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_named(tmp_path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StoreError, match="can't be"):
        Database(tmp_path / "deep" / "x.sqlite", STEPS)


def test_a_folder_that_is_a_file_is_named(tmp_path) -> None:
    (tmp_path / "taken").touch()
    with pytest.raises(StoreError, match="folder"):
        Database(tmp_path / "taken" / "x.sqlite", STEPS)


def test_a_closed_file_says_so_and_closes_twice(tmp_path) -> None:
    database = Database(tmp_path / "x.sqlite", STEPS)
    database.close()
    database.close()
    with pytest.raises(StoreError, match="closed"):
        numbers(database)


FILL = """
import resource, sys
from pathlib import Path
from tests.evaluation.test_database import Database, STEPS, add, numbers
path, limit = Path(sys.argv[1]), int(sys.argv[2])
database = Database(path, STEPS, mounts=sys.argv[3])
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
done = 0
try:
    while done < 200_000:
        add(database, *range(done, done + 500))
        done += 500
except Exception as error:
    print(type(error).__name__, error)
print(done, len(numbers(database)))
"""


def fill(path: Path, limit: int, mounts: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", FILL, str(path), str(limit), mounts],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    return done.stdout.splitlines()


@pytest.mark.parametrize("shared", [True, False])
def test_a_file_that_may_not_grow_keeps_what_it_has(tmp_path, shared) -> None:
    path = tmp_path / "x.sqlite"
    mounts = LOCAL if shared else MOUNTED.format(tmp_path)
    failure, counted = fill(path, 300_000, mounts)
    assert failure.startswith(("StoreError The disk failed", "StoreFullError"))
    added, kept = counted.split()
    assert added == kept
    assert int(kept) > 0
    database = Database(path, STEPS, mounts=mounts)
    assert len(numbers(database)) == int(kept)
    add(database, 10**9)


@pytest.fixture
def small_disk(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(disk)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small disk takes root")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize("shared", [True, False])
def test_a_full_disk_is_named_and_keeps_what_it_has(small_disk, shared) -> None:
    path = small_disk / "x.sqlite"
    mounts = LOCAL if shared else MOUNTED.format(small_disk)
    failure, counted = fill(path, 0, mounts)
    assert failure.startswith("StoreFullError The disk of")
    added, kept = counted.split()
    assert added == kept
    assert int(kept) > 0
    database = Database(path, STEPS, mounts=mounts)
    assert len(numbers(database)) == int(kept)
    database.close()
