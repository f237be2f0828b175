"""Where an adaptation's sources are: a folder, or files fetched from the Hub."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from t5gemma_app.checkpoints.download import Progress, snapshot
from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.errors import UnknownCheckpointError
from t5gemma_app.settings import Settings

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+(@[0-9a-f]{40})?")

Fetch = Callable[[Checkpoint, Settings, Progress], Path]


def source_folder(named: str, settings: Settings, progress: Progress, fetch: Fetch = snapshot) -> Path:
    """Return the folder of a Gemma 2 checkpoint; a Hub id, with or without `@` and a commit, is fetched.

    Raises:
        UnknownCheckpointError: It is neither a folder nor a Hub id.
        AccessError: The Hub refused, or can't be reached; carries the state.
    """
    folder = Path(named).expanduser()
    if folder.is_dir():
        return folder
    if not _HUB_ID.fullmatch(named) or named.startswith((".", "/", "~")):
        raise UnknownCheckpointError(
            f"There is no folder {named}.", expected="A source is a folder, or a Hub id such as google/gemma-2-2b."
        )
    repository, _, revision = named.partition("@")
    return fetch(Checkpoint(repository, "hub", repository, revision=revision or None, gated=True), settings, progress)
