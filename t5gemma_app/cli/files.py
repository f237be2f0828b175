"""Output files that are whole or not there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from t5gemma_app.errors import InputError


@contextmanager
def whole_file(path: Path) -> Iterator[TextIO]:
    """Open a file for writing that takes its name only when the block ends well.

    A failure or an interruption leaves what was there before. Pipes and devices are written directly.

    Raises:
        InputError: The file can't be written there.
    """
    target = path.resolve()
    try:
        if target.exists() and not target.is_file():
            with target.open("w", encoding="utf-8") as stream:
                yield stream
            return
        partial = target.with_name(f".{target.name[:200]}.{os.getpid()}.part")
        stream = partial.open("w", encoding="utf-8", newline="\n")
    except OSError as error:
        raise InputError(f"The file {path} can't be written: {error.strerror}.", remedy="Choose another.") from error
    try:
        with stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
