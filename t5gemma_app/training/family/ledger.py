"""What is done of a family: one file that says of each step what it took and what it reached."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self

from t5gemma_app.errors import InputError
from t5gemma_app.training.scores import Score

FILE = "family.json"


@dataclass(frozen=True, slots=True)
class Entry:
    """One step."""

    name: str
    """The folder that it makes."""
    group: str
    """What kind of step it is, for tables."""
    command: str
    """The command that does the same."""
    begins_with: dict[str, str]
    """Names of the checkpoints and files that it takes of earlier steps, with their digests."""
    steps: int = 0
    best_step: int = 0
    training_seconds: float = 0.0
    """Seconds spent in optimiser steps and evaluations, over all the times that the step was begun."""
    seconds: float = 0.0
    """Seconds of the call that ended it, with reading, measuring and writing."""
    starts: int = 0
    """How often it was begun; more than once where the family was killed in it."""
    scores: tuple[Score, ...] = ()
    done: bool = False

    @property
    def spent(self) -> float:
        """Return the step's seconds; of a step that was killed at least those of its training."""
        return max(self.seconds, self.training_seconds)


class Ledger:
    """The entries in the order of the steps, kept in a file that is whole after every change."""

    def __init__(self, path: Path, facts: dict[str, Any], entries: dict[str, Entry] | None = None) -> None:
        self._path = path
        self._facts = facts
        self._entries = entries or {}

    @classmethod
    def open(cls, folder: Path, facts: dict[str, Any]) -> Self:
        """Read the file, or begin one.

        Args:
            folder: The family's folder.
            facts: What the file says of the family as a whole; `files` holds the data's digests.

        Raises:
            InputError: The file can't be read, or a file of the data has changed since.
        """
        path = folder / FILE
        if not path.is_file():
            return cls(path, facts)
        entries = {entry.name: entry for entry in read_entries(path)}
        before = json.loads(path.read_text(encoding="utf-8")).get("files", {})
        changed = [name for name, digest in facts.get("files", {}).items() if before.get(name, digest) != digest]
        if changed:
            raise InputError(
                f"{changed[0]} of the data folder is not what this family was begun with.",
                expected="A family goes on with the files that it was begun with.",
                remedy=f"Choose another --output, or delete {folder}.",
            )
        return cls(path, facts, entries)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Return all entries."""
        return tuple(self._entries.values())

    def entry(self, name: str) -> Entry | None:
        """Return a step's entry, or None where it was never begun."""
        return self._entries.get(name)

    def begin(self, entry: Entry) -> None:
        """Note that a step is begun, or begun again."""
        before = self._entries.get(entry.name)
        self._put(replace(entry, starts=1 if before is None else before.starts + 1))

    def finish(self, entry: Entry) -> None:
        """Note what a step found."""
        before = self._entries.get(entry.name)
        self._put(replace(entry, starts=before.starts if before else 1, done=True))

    def _put(self, entry: Entry) -> None:
        self._entries[entry.name] = entry
        total = round(sum(one.spent for one in self._entries.values()), 1)
        values = {**self._facts, "seconds": total, "steps": [asdict(one) for one in self._entries.values()]}
        unfinished = self._path.with_name(f"{self._path.name}.unfinished")
        unfinished.write_text(json.dumps(values, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        unfinished.replace(self._path)


def read_entries(path: Path) -> tuple[Entry, ...]:
    """Return the entries of a family's file.

    Raises:
        InputError: There is none, or it is none of ours.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return tuple(Entry(**{**one, "scores": tuple(Score(**s) for s in one["scores"])}) for one in values["steps"])
    except OSError as error:
        raise InputError(f"There is no {path}: {error.strerror}.", remedy="Name the family's folder.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path} is no family's file: {error}.", remedy="Delete it; finished steps are kept."
        ) from error
