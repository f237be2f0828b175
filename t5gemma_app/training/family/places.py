"""Where the family reads and writes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

NAME = "t5gemma-demo"


@dataclass(frozen=True, slots=True)
class Places:
    """The folder with the data sets and the one with the checkpoints."""

    data: Path
    output: Path

    def folder(self, name: str) -> Path:
        """Return a checkpoint's folder."""
        return self.output / name


def member_name(letter: str) -> str:
    """Return what a decoder-only member is called."""
    return f"gemma2-demo-{letter}"


def adapted_name(pair: str) -> str:
    """Return what a combination is called before it is trained."""
    return f"{NAME}-{pair}-adapted"


def pair_name(pair: str) -> str:
    """Return what a combination is called."""
    return f"{NAME}-{pair}"


def beginning_name(pair: str, task: str) -> str:
    """Return what the new encoder is called that a combination's head for a task begins with."""
    return f"{task_name(pair, task)}-begun"


def task_name(pair: str, task: str) -> str:
    """Return what a combination is called that was taught a task."""
    return f"{NAME}-{pair}-{task}"
