"""Files of a checkpoint on this machine: at once where they are local, else fetched from the Hub."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from t5gemma_app.checkpoints import hub
from t5gemma_app.checkpoints.access import AccessState, classify, refusal
from t5gemma_app.checkpoints.folder import CONFIG, described, read_config
from t5gemma_app.checkpoints.memory import in_words
from t5gemma_app.checkpoints.placement import DTYPE_BYTES
from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.errors import CheckpointError, UnknownCheckpointError
from t5gemma_app.settings import Settings

PATTERNS = ("*.safetensors", "*.json", "*.jinja", "tokenizer.model")
"""What is fetched: weights, configuration, tokenizer. Never code, never pickles."""

DESCRIPTION = (CONFIG, "tokenizer_config.json", "chat_template.jinja", "workbench.json")
"""The small files that describe a checkpoint."""

TOKENIZER = ("tokenizer*.json", "tokenizer.model", "special_tokens_map.json", "added_tokens.json", "*.jinja")
"""A tokenizer's files."""

Progress = Callable[[str, float | None], None]
"""Receives a stage in words and the part done from 0 to 1, or None where it can't be told; from any thread."""


def snapshot(checkpoint: Checkpoint, settings: Settings, progress: Progress) -> Path:
    """Return the folder of a checkpoint's files; fetches those of the Hub that are not here yet.

    The folder of a hub checkpoint is named after its revision; `folder.read_snapshot` records it.

    Raises:
        AccessError: The Hub refused, or can't be reached; carries the state.
        UnknownCheckpointError: A local folder is gone.
        CheckpointError: The files can't be written.
    """
    if checkpoint.source != "hub":
        folder = Path(checkpoint.location)
        if not folder.is_dir():
            raise UnknownCheckpointError(f"The folder {folder} of {checkpoint.name} is gone.")
        return folder
    # With a connection the Hub is asked even if files are here: the newest revision is the one that is run.
    cached = hub.cached_folder(checkpoint) if settings.offline or checkpoint.revision else None
    return cached or _fetch(checkpoint, settings, PATTERNS, progress)


def tokenizer_folder(checkpoint: Checkpoint, settings: Settings) -> Path:
    """Return a folder that holds a checkpoint's tokenizer; its weights may be missing there.

    Raises:
        AccessError: The Hub refused, or can't be reached; carries the state.
        UnknownCheckpointError: A local folder is gone.
        CheckpointError: The files can't be written.
    """
    if checkpoint.source != "hub":
        return snapshot(checkpoint, settings, _unseen)
    return hub.cached_folder(checkpoint) or _fetch(checkpoint, settings, TOKENIZER, _unseen)


def pinned_revision(checkpoint: Checkpoint, settings: Settings) -> str:
    """Return the Hub's commit that `snapshot` would use now; without a connection, the one in the local cache.

    Raises:
        AccessError: The Hub refused, or can't be reached and nothing is cached; carries the state.
    """
    cached = hub.cached_folder(checkpoint)
    if settings.offline:
        state = AccessState.OFFLINE
    else:
        try:
            return hub.commit_of(checkpoint, settings)
        except hub.failures() as error:
            state = classify(error, hub.token_of(settings) is not None, checkpoint.gated)
    if state is AccessState.OFFLINE and cached is not None:
        return cached.name
    raise refusal(state, checkpoint)


def fetch_description(checkpoint: Checkpoint, settings: Settings) -> Checkpoint:
    """Return a hub checkpoint with shapes and sizes, from its small files alone.

    Raises:
        AccessError: The Hub refused, or can't be reached; carries the state.
        BrokenCheckpointError: Its configuration is wrong.
        UnsupportedCheckpointError: It is another architecture, or brings its own code.
    """
    if checkpoint.encoder is not None:
        return checkpoint
    folder = _fetch(checkpoint, settings, DESCRIPTION, _unseen)
    return described(checkpoint, read_config(folder), folder)


def _fetch(checkpoint: Checkpoint, settings: Settings, patterns: tuple[str, ...], progress: Progress) -> Path:
    """Fetch the files of these patterns; where the Hub does not give them, those that were fetched before serve."""
    from huggingface_hub import snapshot_download

    progress(f"Asking the Hub for {checkpoint.location}", None)
    refused = None if settings.offline else _refused(checkpoint, settings)
    token = hub.token_of(settings)
    try:
        path = snapshot_download(
            checkpoint.location,
            revision=checkpoint.revision,
            allow_patterns=list(patterns),
            token=token or False,
            local_files_only=settings.offline or refused is not None,
            tqdm_class=_bar(progress, _expected_bytes(checkpoint)),
        )
    except hub.failures() as error:
        if _is_disks(error):
            raise CheckpointError(
                f"The files of {checkpoint.name} can't be written ({error}).",
                remedy="Make room on the disk, or set HF_HOME to a folder with room that may be written.",
            ) from error
        reason = refused or error
        state = AccessState.OFFLINE if settings.offline else classify(reason, token is not None, checkpoint.gated)
        raise refusal(state, checkpoint) from reason
    return Path(path)


def _refused(checkpoint: Checkpoint, settings: Settings) -> Exception | None:
    """Ask with a time limit, which huggingface_hub's download does not have, and return what stands in the way."""
    try:
        hub.ask_hub(checkpoint, settings)
    except hub.failures() as error:
        return error
    return None


def _unseen(stage: str, fraction: float | None) -> None:
    """Take progress that nobody waits for: the files are small."""


def _is_disks(error: BaseException) -> bool:
    """Tell a full or read-only disk from a network that fails; both are OSErrors, only the disk's names a file."""
    return isinstance(error, OSError) and error.filename is not None and not isinstance(error, ConnectionError)


def _expected_bytes(checkpoint: Checkpoint) -> int:
    if checkpoint.parameters is None:
        return 0
    return checkpoint.parameters.total * DTYPE_BYTES[checkpoint.dtype]


def _bar(progress: Progress, expected: int) -> type[Any]:
    """Return a progress bar for huggingface_hub that draws nothing and reports bytes.

    huggingface_hub opens a bar for bytes received, one for bytes written, and one for files; a bar's total grows while
    files are begun, so the size that the parameters take keeps the fraction from running ahead.
    """
    from tqdm.std import tqdm

    class Bar(tqdm):
        monitor_interval = 0  # no thread that watches over bars nobody sees

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            kwargs.pop("name", None)
            super().__init__(*args, **{**kwargs, "disable": False, "file": io.StringIO(), "mininterval": 0.5})

        def display(self, msg: str | None = None, pos: int | None = None) -> None:
            if self.unit != "B" or not self.n:
                return
            total = max(self.total or 0, expected)
            fraction = min(self.n / total, 1.0) if total else None
            progress(f"Fetching {in_words(int(self.n))} of {in_words(int(total))}", fraction)

    return Bar
