"""From the first claim on a run's folder to its last result: what every recipe does around its training."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from t5gemma_app.checkpoints.placement import Reason
from t5gemma_app.training.evaluating import Evaluation
from t5gemma_app.training.examples import Kind
from t5gemma_app.training.folders import refuse_taken, whole_folder
from t5gemma_app.training.heads import load_for_training
from t5gemma_app.training.loop import Position
from t5gemma_app.training.losses import loss_function
from t5gemma_app.training.parallel import Replicas
from t5gemma_app.training.processes import Processes
from t5gemma_app.training.runs import RunFolder
from t5gemma_app.training.scores import Score, Scores


@dataclass(frozen=True, slots=True)
class Finished:
    """What a run found."""

    output: str
    steps: int
    best_step: int
    seconds: float
    scores: tuple[Score, ...]
    """Of the weights as stored."""
    reasons: tuple[Reason, ...]

    @classmethod
    def of(cls, output: Path, position: Position, found: Scores, reasons: tuple[Reason, ...]) -> Finished:
        """Return the result of a run that came to its end."""
        return cls(str(output), position.step, position.best_step, round(position.seconds, 1), found.scores, reasons)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Finished:
        """Return the result that `to_dict` described."""
        scores = tuple(Score(**score) for score in values["scores"])
        reasons = tuple(Reason(**reason) for reason in values["reasons"])
        return cls(**{**values, "scores": scores, "reasons": reasons})


def claim(run: RunFolder, processes: Processes, output: Path, fingerprint: dict[str, Any]) -> None:
    """Begin a run in its folder, or make sure that it is the same run that goes on.

    Raises:
        InputError: The output is taken by something else, or another run is in the folder.
    """
    if run.claimed() is None:
        refuse_taken(output)
    processes.wait()
    if processes.first:
        run.claim(fingerprint)
    processes.wait()
    processes.begin_tracking(fingerprint)


def measure_stored(
    folder: Path, kind: Kind, labels: tuple[str, ...], evaluation: Evaluation, processes: Processes, replicas: int
) -> Scores:
    """Return what a stored checkpoint reaches, loaded and computed in float32 from its rounded weights."""
    model = load_for_training(folder, kind, labels, 0.0, 0).to(processes.device)
    with Replicas(model, replicas, loss_function(kind)) as loaded:
        loaded.train(False)
        return evaluation.run(loaded, processes, exact=True)


def publish(run: RunFolder, output: Path, card: Callable[[Path], None]) -> None:
    """Put the best weights with their card in the output's place; the last ones where nothing was evaluated."""
    source = run.best if run.best.is_dir() else run.last
    with whole_folder(output) as folder:
        for file in source.iterdir():
            shutil.copyfile(file, folder / file.name)
        card(folder)
