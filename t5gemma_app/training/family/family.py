"""The whole family by one order: step after step, each in its own folder, each once."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from t5gemma_app.benchmarks.rows import file_hash
from t5gemma_app.errors import InputError
from t5gemma_app.training.cards import hardware
from t5gemma_app.training.digests import checkpoint_digest
from t5gemma_app.training.family.excerpts import write_excerpts
from t5gemma_app.training.family.ledger import Entry, Ledger
from t5gemma_app.training.family.places import Places
from t5gemma_app.training.family.plan import family_files, family_steps
from t5gemma_app.training.family.recipe import FULL, SHARD_BYTES, Recipe
from t5gemma_app.training.family.sources import require
from t5gemma_app.training.family.steps import Say, Step
from t5gemma_app.training.machine import Machine

EXCERPTS = "excerpts"


@dataclass(frozen=True, slots=True)
class FamilyOrder:
    """What somebody asks for."""

    data: Path
    """A local folder with the data sets."""
    output: Path
    recipe: Recipe = FULL
    machine: Machine = Machine(shard_bytes=SHARD_BYTES)
    command: str = "python -m t5gemma_app train family --data DIR"


def train_family(order: FamilyOrder, say: Say = lambda _: None) -> tuple[Entry, ...]:
    """Make every checkpoint of the family, or go on where a killed call was; finished steps are skipped.

    Raises:
        InputError: The data folder lacks something, or a finished step was made otherwise than it would be now.
    """
    files = family_files(order.recipe)
    require(order.data, files)
    order.output.mkdir(parents=True, exist_ok=True)
    facts = {
        "command": order.command,
        "seed": order.recipe.seed,
        "hardware": hardware("cpu"),
        "files": {path: file_hash(order.data / path) for path in files},
    }
    ledger = Ledger.open(order.output, facts)
    data = order.data
    if order.recipe.rows is not None:
        data = order.output / EXCERPTS
        if not data.is_dir():
            write_excerpts(order.data, files, data, order.recipe.rows)
    places = Places(data, order.output)
    steps = family_steps(order.recipe, places, order.machine, order.command)
    for number, step in enumerate(steps, start=1):
        _take(step, ledger, order.output, partial(_tell, say, f"{number} of {len(steps)}, {step.name}"))
    return ledger.entries


def _tell(say: Say, where: str, text: str) -> None:
    say(f"{where}: {text}")


def _take(step: Step, ledger: Ledger, folder: Path, say: Say) -> None:
    """Run a step that is not done, and note what it took."""
    begins_with = {name: _digest(folder / name) for name in step.begins_with}
    entry = Entry(step.name, step.group, step.command, begins_with)
    found = ledger.entry(step.name)
    if found is not None and found.done and step.made(folder):
        _refuse_other(found, entry, folder)
        return
    say("begins" if found is None else "goes on")
    ledger.begin(entry)
    began = time.monotonic()
    outcome = step.run(say)
    took = time.monotonic() - began
    ledger.finish(
        Entry(
            step.name,
            step.group,
            step.command,
            begins_with,
            steps=outcome.steps,
            best_step=outcome.best_step,
            training_seconds=outcome.seconds,
            seconds=round(took, 1),
            scores=outcome.scores,
        )
    )
    say(f"done in {took:,.0f} s")


def _digest(path: Path) -> str:
    return file_hash(path) if path.is_file() else checkpoint_digest(path)


def _refuse_other(found: Entry, wanted: Entry, folder: Path) -> None:
    for what, one, other in (
        ("command", found.command, wanted.command),
        ("base", found.begins_with, wanted.begins_with),
    ):
        if one != other:
            raise InputError(
                f"{folder / found.name} was made with another {what} than it would be now.",
                expected="A family goes on with what it was begun with.",
                remedy=f"Delete {found.name} and {found.name}.run to make it again, or choose another --output.",
            )
