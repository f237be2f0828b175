from __future__ import annotations

import pytest

from t5gemma_app.checkpoints.folder import read_folder
from t5gemma_app.engine.local import LocalEngine
from t5gemma_app.settings import Settings
from tests.tiny import save_tiny


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory):
    return save_tiny(tmp_path_factory.mktemp("checkpoints") / "tiny-a", strength=3.0)


@pytest.fixture(scope="session")
def tiny(tiny_folder):
    return read_folder(tiny_folder)


@pytest.fixture(scope="module")
def engine():
    engine = LocalEngine(Settings(offline=True))
    yield engine
    engine.close()
