"""The saved state of a training run, written so that a killed run goes on where it was.

Knows files; refuses to know what is trained. A state is complete or absent: it is written beside its place and renamed.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

FILE = "state.pt"


@dataclass(frozen=True, slots=True)
class Position:
    """How far a run has come."""

    step: int = 0
    chunk: int = 0
    batch: int = 0
    """The next batch within the chunk."""
    seconds: float = 0.0
    """Seconds spent training, over all the times the run was started."""

    def moved(self, **changes: Any) -> Position:
        """Return a changed copy."""
        return replace(self, **changes)


def save_state(folder: Path, position: Position, parts: dict[str, Any]) -> None:
    """Write the state atomically."""
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f"{FILE}.unfinished"
    with unfinished.open("wb") as file:
        torch.save({"position": asdict(position), **parts}, file)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(folder / FILE)


def load_state(folder: Path) -> tuple[Position, dict[str, Any]] | None:
    """Read the state, or nothing where there is none."""
    path = folder / FILE
    if not path.is_file():
        return None
    parts = torch.load(path, map_location="cpu", weights_only=True)
    return Position(**parts.pop("position")), parts
