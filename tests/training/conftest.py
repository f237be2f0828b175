from __future__ import annotations

from pathlib import Path

import pytest

from tests.training.rows import save_base


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_base(tmp_path_factory.mktemp("base") / "tiny")
