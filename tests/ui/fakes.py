"""Services over the fake engine, for tests of the page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from t5gemma_app.checkpoints.access import AccessBoard
from t5gemma_app.checkpoints.catalogue import Catalogue, build_catalogue
from t5gemma_app.checkpoints.parameters import count_parameters
from t5gemma_app.checkpoints.records import Checkpoint, Stack
from t5gemma_app.engine.fake import FakeEngine
from t5gemma_app.services import Services
from t5gemma_app.settings import DataFolder, Settings
from t5gemma_app.tasks.chat import Chat

SMALL = Stack(
    layers=4, hidden=64, intermediate=128, heads=4, kv_heads=2, head_dim=16, vocabulary=4096,
    positions=512, window=128, sliding_layers=2, softcap=50.0,
)  # fmt: skip
DEMO = Checkpoint(
    "t5gemma-demo-chat", "embedded", "demo/chat", encoder=SMALL, decoder=SMALL, encoder_size="1M", decoder_size="1M",
    objective="ul2", stage="instruction-tuned", licence="apache-2.0", dtype="float32",
)  # fmt: skip
OTHER = Checkpoint(
    "other-model", "local", "somewhere", encoder=SMALL, decoder=SMALL, encoder_size="1M", decoder_size="1M",
    stage="pretrained", dtype="float32",
)  # fmt: skip
HEAD = Checkpoint("a-classifier", "local", "elsewhere", encoder=SMALL, head="sequence", labels=("good", "bad"))


TAGGER = Checkpoint(
    "a-tagger", "local", "elsewhere", encoder=SMALL, encoder_size="1M", head="token", dtype="float32",
    labels=("O", "B-person", "I-person", "B-place", "I-place", "B-date", "I-date"),
)  # fmt: skip


def fake_services(
    folder: Path, engine: FakeEngine | None = None, further: Sequence[Checkpoint] = (), **wishes: object
) -> Services:
    """Return services that need neither torch nor a network; Google's checkpoints are listed and out of reach."""
    settings = Settings(offline=True, data_dir=folder, **wishes)  # type: ignore[arg-type]
    google = build_catalogue(Settings(), demo=folder / "none").all()
    own = tuple(_counted(checkpoint) for checkpoint in (DEMO, OTHER, HEAD, *further))
    engine = engine or FakeEngine()
    return Services(
        settings=settings,
        data_folder=DataFolder(folder, True, "a test"),
        catalogue=Catalogue((*google, *own)),
        access=AccessBoard(settings, ask=lambda checkpoint: None, cached=lambda checkpoint: False),
        engine=engine,
        chat=Chat(engine, max_text=settings.max_text, max_new_tokens=settings.max_new_tokens),
        shipped_runs=folder / "none",
    )


def _counted(checkpoint: Checkpoint) -> Checkpoint:
    from dataclasses import replace

    if checkpoint.encoder is None or checkpoint.decoder is None:
        return checkpoint
    return replace(checkpoint, parameters=count_parameters(checkpoint.encoder, checkpoint.decoder))
