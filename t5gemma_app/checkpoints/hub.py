"""Questions to the Hub and to its local cache; huggingface_hub is imported only when one is asked."""

from __future__ import annotations

from pathlib import Path

from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.checkpoints.weights import weight_files
from t5gemma_app.errors import CheckpointError
from t5gemma_app.settings import Settings

SECONDS = 5.0
"""How long the Hub may take to say whether a file can be had."""


def token_of(settings: Settings) -> str | None:
    """Return HF_TOKEN, or the token that `hf auth login` stored on this machine."""
    if settings.token is not None:
        return settings.token.value
    from huggingface_hub import get_token

    return get_token()


def failures() -> tuple[type[Exception], ...]:
    """Return what huggingface_hub raises when the Hub refuses or can't be reached.

    Its own errors are HTTPErrors and OSErrors, the network's are HTTPErrors, the cache's are OSErrors, and a malformed
    id is a ValueError.
    """
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    # The HTTP library below huggingface_hub changed once already; its base error is found rather than named.
    http_error = next(base for base in HfHubHTTPError.__mro__ if base.__name__ == "HTTPError")
    return (OSError, HFValidationError, http_error)


def ask_hub(checkpoint: Checkpoint, settings: Settings) -> None:
    """Ask the Hub for a checkpoint's configuration without fetching it; one small request.

    Unlike a repository's description, its files are refused to those who have not accepted its licence.
    """
    from huggingface_hub import get_hf_file_metadata, hf_hub_url

    url = hf_hub_url(checkpoint.location, "config.json", revision=checkpoint.revision)
    get_hf_file_metadata(url, token=token_of(settings) or False, timeout=SECONDS)


def commit_of(checkpoint: Checkpoint, settings: Settings) -> str:
    """Ask the Hub which commit a checkpoint's revision stands for; one small request."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url

    url = hf_hub_url(checkpoint.location, "config.json", revision=checkpoint.revision)
    metadata = get_hf_file_metadata(url, token=token_of(settings) or False, timeout=SECONDS)
    return metadata.commit_hash or checkpoint.revision or "main"


def cached_folder(checkpoint: Checkpoint) -> Path | None:
    """Return the folder of the local cache that holds all files of a checkpoint, or None."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        config = try_to_load_from_cache(checkpoint.location, "config.json", revision=checkpoint.revision)
        if not isinstance(config, str):
            return None
        folder = Path(config).parent
        weight_files(folder)
    except (CheckpointError, HFValidationError):
        return None
    return folder if any((folder / name).is_file() for name in ("tokenizer.json", "tokenizer.model")) else None
