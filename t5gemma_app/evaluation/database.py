"""One SQLite file: opened in the mode that its disk allows, changed in transactions, failing in words.

The only file that imports sqlite3. It knows nothing of runs; what the tables are is the migrations' and the store's.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from t5gemma_app.errors import StoreError, StoreFullError, StoreLockedError

logger = logging.getLogger(__name__)

Connection = sqlite3.Connection
Migration = tuple[str, Callable[[sqlite3.Connection], None]]

APPLICATION = 0x54354757
"""Marks our files in SQLite's header, so that another program's database is never changed."""
RETRY_SECONDS = 0.02
MOUNTS = Path("/proc/self/mountinfo")
_REMOTE = ("fuse", "nfs", "cifs", "smb", "9p", "virtiofs", "ceph", "lustre", "gpfs", "gluster", "afs", "beegfs")


class Mode(NamedTuple):
    """How the file is locked and journalled."""

    shared: bool
    """True is WAL, which several processes may use; False is DELETE with an exclusive lock."""
    reason: str


def choose_mode(path: Path, mounts: str) -> Mode:
    """Choose by the disk below a file: WAL needs memory shared between processes, which mounted storage lacks.

    Args:
        path: The database's file, or where it will be.
        mounts: The text of /proc/self/mountinfo; empty where there is none.
    """
    place, kind = "", ""
    target = path.absolute()
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        fields = before.split()
        if len(fields) < 5 or not after:
            continue
        point = fields[4].replace("\\040", " ")
        if target.is_relative_to(point) and len(point) >= len(place):
            place, kind = point, after.split()[0]
    if kind.startswith(_REMOTE):
        return Mode(False, f"{place} is mounted storage ({kind}), whose locks are not reliable")
    return Mode(True, f"{place or 'the disk'} is local" + (f" ({kind})" if kind else ""))


class Database:
    """An open file with one connection, which all threads share by turns.

    Args:
        path: The file; it is made when missing.
        migrations: What makes the tables, in order; a file that has run more of them is from a newer release.
        patience: Seconds to wait for another process's transaction.
        mounts: How disks are mounted; the machine's own when left out.

    Raises:
        StoreError: The file can't be opened, is something else, or is from a newer release.
    """

    def __init__(
        self, path: Path, migrations: Sequence[Migration], *, patience: float = 10.0, mounts: str | None = None
    ) -> None:
        self.path = path
        # Held for each transaction: one connection can do one at a time.
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        with self._in_words():
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise StoreError(f"The folder of {path} can't be made: {error.strerror}.") from error
            self._refuse_foreign(path)
            self.mode, self._connection = self._open(path, patience, _mounts() if mounts is None else mounts)
            try:
                self._migrate(migrations)
            except BaseException:
                self.close()
                raise
        logger.info("Results are kept in %s: %s, because %s", path, self.mode_name, self.mode.reason)

    @property
    def mode_name(self) -> str:
        """The journal and the locking in SQLite's words."""
        return "journal WAL" if self.mode.shared else "journal DELETE, locking EXCLUSIVE"

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Open a transaction that is committed at the block's end and undone by any exception."""
        # In exclusive mode a lock once taken is kept, so it must be the whole one from the start.
        with self._transaction("BEGIN IMMEDIATE" if self.mode.shared else "BEGIN EXCLUSIVE") as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """Open a transaction that sees one state of the file."""
        with self._transaction("BEGIN") as connection:
            yield connection

    def version(self) -> tuple[int, int]:
        """Return a pair that is another one after every change, by this process or another; takes microseconds."""
        with self._lock, self._in_words():
            if self._connection is None:
                return (0, 0)
            (others,) = self._connection.execute("PRAGMA data_version").fetchone()
            return int(others), self._connection.total_changes

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        with self._lock, self._in_words():
            if self._connection is None:
                raise StoreError(f"The file {self.path} was closed.", remedy="Restart the app.")
            connection = self._connection
            connection.execute(begin)
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                # SQLite has undone it already when the disk is full or broken.
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    @staticmethod
    def _refuse_foreign(path: Path) -> None:
        """Refuse a file that is no database before SQLite is asked, which would wait for locks first."""
        if path.exists() and not path.is_file():
            raise StoreError(f"{path} is no file.", expected="Results are kept in one.", remedy="Choose another.")
        try:
            with path.open("rb") as file:
                head = file.read(16)
        except FileNotFoundError:
            return
        except OSError as error:
            raise StoreError(
                f"The results' file {path} can't be read: {error.strerror}.", remedy="Choose another file."
            ) from error
        if head and head != b"SQLite format 3\x00":
            raise StoreError(
                f"{path} is not a file of results.", expected="It is a SQLite database.", remedy="Choose another file."
            )

    def _open(self, path: Path, patience: float, mounts: str) -> tuple[Mode, sqlite3.Connection]:
        mode = choose_mode(path, mounts)
        if mode.shared:
            connection = _connect(path, patience)
            try:
                journal = _write_ahead(connection, patience)
                connection.execute("PRAGMA synchronous=NORMAL")
                if journal == "wal":
                    return mode, connection
                mode = Mode(False, f"the disk refused WAL and left {journal}")
            except sqlite3.OperationalError as error:
                if _kind(error) in ("SQLITE_BUSY", "SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_FULL"):
                    connection.close()
                    raise
                mode = Mode(False, f"the disk refused WAL ({error})")
            connection.close()
        connection = _connect(path, patience)
        try:
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            connection.execute("PRAGMA journal_mode=DELETE")
            connection.execute("PRAGMA synchronous=FULL")
        except BaseException:
            connection.close()
            raise
        return mode, connection

    def _migrate(self, migrations: Sequence[Migration]) -> None:
        with self.write() as connection:
            (application,) = connection.execute("PRAGMA application_id").fetchone()
            (ran,) = connection.execute("PRAGMA user_version").fetchone()
            (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if tables and application != APPLICATION:
                raise StoreError(f"{self.path} is another program's database.", remedy="Choose another file.")
            if ran > len(migrations):
                raise StoreError(
                    f"{self.path} was written by a newer release (schema {ran}).",
                    expected=f"This release reads schemas up to {len(migrations)}.",
                    remedy="Install the newer release, or choose another file.",
                )
            if ran == len(migrations):
                return
            for name, migrate in migrations[ran:]:
                logger.info("Migrating %s: %s", self.path, name)
                migrate(connection)
            connection.execute(f"PRAGMA application_id={APPLICATION}")
            connection.execute(f"PRAGMA user_version={len(migrations)}")

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise _words(self.path, error) from error


def _connect(path: Path, patience: float) -> sqlite3.Connection:
    # The lock above makes one thread at a time use it. Transactions are begun by hand.
    connection = sqlite3.connect(path, timeout=patience, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA foreign_keys=ON")
    return connection


def _write_ahead(connection: sqlite3.Connection, patience: float) -> str:
    """Ask for WAL and return the journal that the file has now.

    SQLite does not wait where two processes ask at once, as those of a launcher do with a new file: that could be a
    deadlock, so one of them is refused at once and asks again.
    """
    deadline = time.monotonic() + patience
    while True:
        try:
            (journal,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
            return str(journal)
        except sqlite3.OperationalError as error:
            if _kind(error) != "SQLITE_BUSY" or time.monotonic() > deadline:
                raise
            time.sleep(RETRY_SECONDS)


def _mounts() -> str:
    try:
        return MOUNTS.read_text("utf-8", "surrogateescape")
    except OSError:
        return ""


def _kind(error: sqlite3.Error) -> str:
    """Return the primary name of an error, such as SQLITE_IOERR for SQLITE_IOERR_WRITE."""
    name: str = getattr(error, "sqlite_errorname", "") or ""
    return "_".join(name.split("_")[:2])


def _words(path: Path, error: sqlite3.Error) -> StoreError:
    kept = "Samples that were stored before are kept."
    match _kind(error):
        case "SQLITE_FULL":
            return StoreFullError(f"The disk of {path} is full.", expected=kept, remedy="Make room, then resume.")
        case "SQLITE_BUSY" | "SQLITE_LOCKED":
            return StoreLockedError(
                f"Another process holds the results' file {path}.",
                expected="On mounted storage one process at a time can use it.",
                remedy="Close the other one, or choose another file with --store.",
            )
        case "SQLITE_READONLY" | "SQLITE_CANTOPEN" | "SQLITE_PERM" | "SQLITE_AUTH":
            return StoreError(
                f"The results' file {path} can't be written ({error}).",
                expected="It and its folder must be writable.",
                remedy="Change the permissions, or choose another file with --store.",
            )
        case "SQLITE_NOTADB" | "SQLITE_CORRUPT":
            return StoreError(
                f"The results' file {path} is damaged ({error}).",
                remedy="Move it away and start anew, or restore a copy.",
            )
        case "SQLITE_IOERR":
            return StoreError(
                f"The disk failed under {path} ({error}).", expected=kept, remedy="Check its room, then resume."
            )
        case _:
            return StoreError(f"The results' file {path} refused a change ({error}).", expected=kept)
