"""One step of the family: what it begins with, what it runs, and what its card says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from t5gemma_app.errors import TrainingError
from t5gemma_app.training.family.places import Places
from t5gemma_app.training.family.recipe import Recipe
from t5gemma_app.training.machine import Machine
from t5gemma_app.training.results import Finished
from t5gemma_app.training.scores import Score

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a step found."""

    steps: int = 0
    best_step: int = 0
    seconds: float = 0.0
    """Seconds of training over all the times it was begun."""
    scores: tuple[Score, ...] = ()

    @classmethod
    def of(cls, found: Finished | None, scores: tuple[Score, ...] = ()) -> Outcome:
        """Return what a run of the pipeline found; `scores` come before its own.

        Raises:
            TrainingError: It did not come to its end.
        """
        if found is None:
            raise TrainingError("A step stopped before its end.", remedy="Give the same command again.")
        return cls(found.steps, found.best_step, found.seconds, (*scores, *found.scores))


@dataclass(frozen=True, slots=True)
class Step:
    """A step that is yet to be run."""

    name: str
    """The folder or file that it makes, in the family's folder."""
    group: str
    command: str
    """The command that does the same."""
    begins_with: tuple[str, ...]
    """Names of the steps whose checkpoints or files it takes."""
    run: Callable[[Say], Outcome]
    """Does the step, or what is left of it."""

    def made(self, folder: Path) -> bool:
        """Tell whether what it makes is there."""
        return (folder / self.name).exists()


@dataclass(frozen=True, slots=True)
class Context:
    """What all steps of a family share."""

    recipe: Recipe
    places: Places
    machine: Machine
    command: str
    """The command that makes the whole family, for cards."""
