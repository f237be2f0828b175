"""Who works on a run: one process for each of its shards, told by a lease that must be kept fresh."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from t5gemma_app.errors import RunTakenError, StoreError
from t5gemma_app.evaluation.database import Connection, Database
from t5gemma_app.evaluation.records import RunId

logger = logging.getLogger(__name__)

BEAT_SECONDS = 10.0
STALE_SECONDS = 60.0
"""Silence after which an owner is taken for dead; on the same machine its process is asked for as well."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to compute one shard of a run."""

    run_id: RunId
    shard: int
    shards: int
    owner: str
    lost: threading.Event = field(default_factory=threading.Event, compare=False)
    """Set when somebody took it over, as after a suspended machine woke up."""


class Leases:
    """The table of leases.

    Args:
        database: The open file.
        clock: Seconds since 1970.
    """

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock
        self._host = socket.gethostname()
        self._own: set[str] = set()

    @contextmanager
    def held(self, run_id: RunId, shard: int = 0, shards: int = 1) -> Iterator[Lease]:
        """Hold a lease during the block and keep it fresh from a thread.

        Args:
            run_id: The run.
            shard: Which part of its examples, from 0.
            shards: Into how many parts the run is cut.

        Raises:
            RunTakenError: Another process has it, or works on the run cut differently.
        """
        lease = self._take(run_id, shard, shards)
        ended = threading.Event()
        beating = threading.Thread(target=self._beat, args=(lease, ended), name="lease", daemon=True)
        if self._database.mode.shared:  # otherwise nobody else can read the file at all
            beating.start()
        try:
            yield lease
        finally:
            ended.set()
            if beating.is_alive():
                beating.join()
            self._give_back(lease)

    def taken(self, run_id: RunId) -> bool:
        """Return whether a living process works on the run."""
        with self._database.read() as connection:
            return bool(self.living(connection, run_id))

    def others(self, lease: Lease) -> bool:
        """Return whether a living process works on another shard of a lease's run."""
        with self._database.read() as connection:
            return any(shard != lease.shard for shard, _, _ in self.living(connection, lease.run_id))

    def living(self, connection: Connection, run_id: RunId) -> list[tuple[int, int, str]]:
        """Return (shard, shards, who) of the run's fresh leases, within a transaction."""
        rows = connection.execute(
            "SELECT shard, shards, owner, host, pid, heartbeat FROM leases WHERE run_id = ?", (run_id,)
        ).fetchall()
        return [
            (shard, shards, f"process {pid} on {host}")
            for shard, shards, owner, host, pid, heartbeat in rows
            if not self._dead(owner, host, pid, heartbeat)
        ]

    @staticmethod
    def check(connection: Connection, lease: Lease) -> None:
        """Make sure, within a transaction, that a lease is still its holder's.

        Raises:
            RunTakenError: It was taken over.
        """
        row = connection.execute(
            "SELECT 1 FROM leases WHERE run_id = ? AND shard = ? AND owner = ?",
            (lease.run_id, lease.shard, lease.owner),
        ).fetchone()
        if row is None:
            lease.lost.set()
            raise taken_over()

    def _take(self, run_id: RunId, shard: int, shards: int) -> Lease:
        owner = uuid.uuid4().hex
        with self._database.write() as connection:
            for other, parts, who in self.living(connection, run_id):
                if other == shard or parts != shards:
                    raise RunTakenError(
                        f"{who[0].upper()}{who[1:]} works on this run"
                        + (f", cut into {parts} parts." if parts != shards else "."),
                        remedy="Wait for it, or cancel it with `runs cancel`.",
                    )
            # Dead owners of other cuts must not be met again; living ones of this cut stay.
            connection.execute(
                "DELETE FROM leases WHERE run_id = ? AND (shards != ? OR shard = ?)", (run_id, shards, shard)
            )
            connection.execute(
                "INSERT INTO leases (run_id, shard, shards, owner, host, pid, heartbeat) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (run_id, shard, shards, owner, self._host, os.getpid(), self._clock()),
            )
        self._own.add(owner)
        return Lease(run_id, shard, shards, owner)

    def _give_back(self, lease: Lease) -> None:
        self._own.discard(lease.owner)
        try:
            with self._database.write() as connection:
                connection.execute("DELETE FROM leases WHERE run_id = ? AND owner = ?", (lease.run_id, lease.owner))
        except StoreError as error:
            # The disk may be full; the lease goes stale by itself and must not hide what ended the run.
            logger.warning("A lease could not be given back: %s", error)

    def _beat(self, lease: Lease, ended: threading.Event) -> None:
        while not ended.wait(BEAT_SECONDS):
            try:
                with self._database.write() as connection:
                    self.check(connection, lease)
                    connection.execute("UPDATE leases SET heartbeat = ? WHERE owner = ?", (self._clock(), lease.owner))
            except RunTakenError:
                return
            except StoreError as error:  # the next beat may succeed; a lease outlives several
                logger.warning("A sign of life could not be written: %s", error)

    def _dead(self, owner: str, host: str, pid: int, heartbeat: float) -> bool:
        if not self._database.mode.shared:
            return owner not in self._own  # the file is locked for us alone, so whoever else wrote it is gone
        if self._clock() - heartbeat > STALE_SECONDS:
            return True
        return host == self._host and not _alive(pid)


def taken_over() -> RunTakenError:
    """Return the error of a process that was taken for dead."""
    return RunTakenError(
        "Another process took this run over, because this one gave no sign of life.",
        remedy="Let the other one finish.",
    )


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
