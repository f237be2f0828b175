"""Which weights a run is about: the Hub's commit, or a digest of a folder's files."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from t5gemma_app.checkpoints.download import pinned_revision
from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.checkpoints.weights import weight_files
from t5gemma_app.errors import BrokenCheckpointError
from t5gemma_app.settings import Settings

TAG = "sha256:"
_TOKENIZER = ("tokenizer.json", "tokenizer.model")
_CONFIG = "config.json"


def pinned(checkpoint: Checkpoint, settings: Settings) -> Checkpoint:
    """Return the checkpoint with the revision whose weights will be run, so that a run can't change them midway.

    Raises:
        AccessError: The Hub does not say.
        BrokenCheckpointError: A file of a folder can't be read.
    """
    if checkpoint.source == "hub":
        return replace(checkpoint, revision=checkpoint.revision or pinned_revision(checkpoint, settings))
    return replace(checkpoint, revision=folder_digest(Path(checkpoint.location)))


def location_of(checkpoint: Checkpoint) -> str:
    """Return where a run's identity says the checkpoint is: a hub id, or nothing for a folder."""
    return checkpoint.location if checkpoint.source == "hub" else ""


def folder_digest(folder: Path) -> str:
    """Return a digest of a folder's weights, configuration and tokenizer; gigabytes take seconds.

    Raises:
        BrokenCheckpointError: A file can't be read.
    """
    whole = hashlib.sha256()
    files = [*weight_files(folder), folder / _CONFIG, *(folder / name for name in _TOKENIZER)]
    for path in files:
        try:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except FileNotFoundError:
            continue  # a tokenizer is one of two files
        except OSError as error:
            raise BrokenCheckpointError(f"{path} can't be read ({error.strerror}).") from error
        whole.update(f"{path.name} {digest}\n".encode())
    return TAG + whole.hexdigest()
