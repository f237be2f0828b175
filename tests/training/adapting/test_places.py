from __future__ import annotations

from pathlib import Path

import pytest

from t5gemma_app.errors import UnknownCheckpointError
from t5gemma_app.settings import Settings
from t5gemma_app.training.adapting.places import source_folder

SETTINGS = Settings.from_environ({"HF_HUB_OFFLINE": "1"})
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def test_a_folder_is_itself_and_a_hub_id_is_fetched(tmp_path: Path) -> None:
    asked = []

    def fetch(checkpoint, settings, progress) -> Path:
        asked.append((checkpoint.location, checkpoint.revision))
        return tmp_path / "cache"

    assert source_folder(str(tmp_path), SETTINGS, print, fetch) == tmp_path
    assert source_folder("google/gemma-2-2b", SETTINGS, print, fetch) == tmp_path / "cache"
    source_folder(f"google/gemma-2-2b@{COMMIT}", SETTINGS, print, fetch)
    assert asked == [("google/gemma-2-2b", None), ("google/gemma-2-2b", COMMIT)]


@pytest.mark.parametrize("named", ["nowhere", "./no/where", "google/gemma@main", "/a/b"])
def test_what_is_neither_is_refused(named: str) -> None:
    with pytest.raises(UnknownCheckpointError, match="no folder"):
        source_folder(named, SETTINGS, print)
