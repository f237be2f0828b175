"""Where the demo's run is, kept with its weights."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from t5gemma_app.training.state import load_parts, save_parts


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
    save_parts(folder, {"position": asdict(position), **parts})


def load_state(folder: Path) -> tuple[Position, dict[str, Any]] | None:
    """Read the state, or nothing where there is none."""
    parts = load_parts(folder)
    return None if parts is None else (Position(**parts.pop("position")), parts)
