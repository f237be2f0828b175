"""The saved state of a training run, written so that a killed run goes on where it was.

Knows files; refuses to know what is trained. A state is complete or absent: it is written beside its place and renamed.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch

FILE = "state.pt"


def save_parts(folder: Path, parts: dict[str, Any]) -> None:
    """Write a state atomically: tensors, numbers and texts, in dictionaries and lists."""
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f"{FILE}.unfinished"
    with unfinished.open("wb") as file:
        torch.save(parts, file)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(folder / FILE)


def load_parts(folder: Path) -> dict[str, Any] | None:
    """Read a state, or nothing where there is none."""
    path = folder / FILE
    if not path.is_file():
        return None
    parts: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return parts
