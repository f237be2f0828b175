"""Services and runs for tests of the Train tab."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from random import Random

from t5gemma_app.checkpoints.catalogue import Catalogue
from t5gemma_app.checkpoints.folder import read_folder
from t5gemma_app.checkpoints.trained import FOLDER, TrainedShelf
from t5gemma_app.services import Services
from t5gemma_app.training.jobs import DataFacts, JobFolder, TrainJob, TrainOrder, TrainState
from t5gemma_app.training.plan import Plan
from tests.ui.fakes import fake_services

LABELS = (("positive", 240), ("negative", 210))


def training_services(folder: Path, base: Path | None = None, **wishes: object) -> Services:
    """Return services that list what was trained, and a checkpoint that can be."""
    services = fake_services(folder, further=(read_folder(base),) if base else (), **wishes)
    found = Catalogue(services.catalogue.checkpoints, trained=TrainedShelf(folder / FOLDER))
    return replace(services, catalogue=found)


def write_run(folder: Path, name: str, state: TrainState, step: int, total: int = 300, failure: str = "") -> TrainJob:
    """Write a run as far as a page sees it: its order, its log, and what it found where it is done."""
    order = TrainOrder(name, "t5gemma-demo-chat", "classify", plan=Plan(steps=total))
    facts = DataFacts(450, 50, True, 0, LABELS, 2, 0.52, 120)
    created = 1.0 + len(list((folder / FOLDER).glob("*")))
    job = TrainJob(order, folder / FOLDER / name, facts, created, "reviews.csv", state, failure)
    JobFolder(folder / FOLDER).add(job, [])
    if not step:
        return job
    job.run.mkdir()
    rng, lines = Random(name), [{"event": "begin", "step": 0, "total": total}]
    for number in range(1, step + 1):
        loss = 0.2 + 0.5 * math.exp(-number / 80) + rng.uniform(-0.05, 0.05)
        lines.append({"event": "step", "step": number, "loss": loss, "seconds": 0.5})
        if number % 30 == 0:
            scores = {"loss": loss + 0.08, "accuracy": 0.9 - 0.4 * math.exp(-number / 90), "macro F1": 0.8}
            lines.append({"event": "evaluation", "step": number, "scores": scores, "best": True})
    (job.run / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    if state is TrainState.DONE:
        score = {"name": "accuracy", "value": 0.86, "n": 50, "low": 0.738, "high": 0.93, "baseline": 0.52}
        found = {"output": name, "steps": total, "best_step": 270, "seconds": 151.0, "scores": [score], "reasons": []}
        (job.run / "done.json").write_text(json.dumps(found))
    return job
