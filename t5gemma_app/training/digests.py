"""Short names for what lies in files, so that a run can tell whether it goes on with what it was begun with."""

from __future__ import annotations

import hashlib
from pathlib import Path

from t5gemma_app.checkpoints.weights import weight_files

_CHUNK = 1 << 20
_CHUNKS = 64


def checkpoint_digest(folder: Path) -> str:
    """Return a name for a checkpoint's configuration, tokenizer and weights.

    Of large files only evenly spread parts are read, so that it takes a second for any size.
    """
    digest = hashlib.sha256()
    for path in (folder / "config.json", folder / "tokenizer.json", *weight_files(folder)):
        digest.update(path.name.encode())
        if path.is_file():
            _add(digest, path)
    return digest.hexdigest()[:16]


def _add(digest: hashlib._Hash, path: Path) -> None:
    size = path.stat().st_size
    digest.update(str(size).encode())
    step = max(_CHUNK, size // _CHUNKS)
    with path.open("rb") as file:
        for start in range(0, size, step):
            file.seek(start)
            digest.update(file.read(_CHUNK))
