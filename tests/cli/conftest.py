from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from t5gemma_app.checkpoints.catalogue import Catalogue
from t5gemma_app.checkpoints.parameters import count_parameters
from t5gemma_app.checkpoints.records import Checkpoint, Stack
from t5gemma_app.engine.fake import FakeEngine
from t5gemma_app.services import Services, build_services
from t5gemma_app.settings import Settings

STACK = Stack(2, 64, 128, 4, 2, 16, 1000, 512, 128, 1, 50.0)
TINY = Checkpoint(
    "tiny",
    "local",
    "/tiny",
    encoder=STACK,
    decoder=STACK,
    encoder_size="b",
    decoder_size="s",
    objective="ul2",
    stage="instruction-tuned",
    parameters=count_parameters(STACK, STACK),
)
UNREAD = Checkpoint("someone/unread", "hub", "someone/unread")
GATED = replace(
    TINY, name="gated", source="hub", location="google/gated", gated=True, encoder_size="l", stage="pretrained"
)

Build = Callable[[Settings], Services]


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def build(engine: FakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Build:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("T5GEMMA_DATA_DIR", str(tmp_path / "data"))

    def put_together(settings: Settings) -> Services:
        listed = Catalogue((TINY, UNREAD, GATED))
        return replace(build_services(settings, engine), catalogue=listed, shipped_runs=tmp_path / "none")

    return put_together
