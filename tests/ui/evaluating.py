"""Services that can evaluate: fake checkpoints with files to be hashed, and an engine whose speed a test decides."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from t5gemma_app.checkpoints.catalogue import Catalogue
from t5gemma_app.engine.fake import FakeEngine
from t5gemma_app.services import Services
from tests.ui.fakes import DEMO, OTHER, fake_services

SMOKE_ROWS = 96
"""Examples of the smoke suite."""


def evaluating_services(folder: Path, engine: FakeEngine | None = None, **wishes: object) -> Services:
    """Return fake services whose two checkpoints lie in a folder and can be measured."""
    services = fake_services(folder, engine, **wishes)
    found = []
    for checkpoint in services.catalogue.all():
        if checkpoint.name in (DEMO.name, OTHER.name):
            home = folder / "checkpoints" / checkpoint.name
            home.mkdir(parents=True, exist_ok=True)
            for name in ("model.safetensors", "config.json", "tokenizer.json"):
                (home / name).write_text(f"{name} of {checkpoint.name}")
            checkpoint = replace(checkpoint, location=str(home))
        found.append(checkpoint)
    return replace(services, catalogue=Catalogue(tuple(found)))


def until(true: Callable[[], object], seconds: float = 30) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.01)
