"""Checkpoints that were trained in the page, found in the data folder; a new one is seen without a restart."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from t5gemma_app.checkpoints.folder import CONFIG, read_folder
from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.errors import CheckpointError

logger = logging.getLogger(__name__)

FOLDER = "training"
"""Folder of the data folder; each run has one of its own in it, named as its checkpoint, which lies inside."""


def trained_folder(home: Path) -> Path:
    """Return where the checkpoint of a run's folder is, or will be."""
    return home / home.name


class TrainedShelf:
    """The finished checkpoints of the runs in a folder.

    Args:
        folder: Where the runs are; it need not be there yet.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()  # requests ask at the same time, and one of them reads
        self._read: dict[Path, tuple[int, Checkpoint | None]] = {}

    def __call__(self) -> tuple[Checkpoint, ...]:
        """Return them by name; files are read only where they have changed since."""
        with self._lock:
            known, self._read = self._read, {}
            for path in self._places():
                changed = _changed(path / CONFIG)
                if changed is None:
                    continue
                if path not in known or known[path][0] != changed:
                    known[path] = (changed, _checkpoint(path))
                self._read[path] = known[path]
            return tuple(checkpoint for _, checkpoint in self._read.values() if checkpoint is not None)

    def _places(self) -> list[Path]:
        try:
            return sorted(trained_folder(home) for home in self.folder.iterdir())
        except OSError:
            return []  # nothing was trained yet


def _changed(config: Path) -> int | None:
    try:
        return config.stat().st_mtime_ns
    except OSError:
        return None


def _checkpoint(path: Path) -> Checkpoint | None:
    try:
        return read_folder(path)
    except CheckpointError as error:
        logger.warning("A trained checkpoint is left out: %s", error)
        return None
