from dataclasses import replace
from pathlib import Path

import pytest

from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.errors import AccessError, CheckpointError
from t5gemma_app.evaluation.identity import folder_digest, location_of, pinned
from t5gemma_app.settings import Settings

HUB = Checkpoint("someone/model", "hub", "someone/model")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, content in (("model.safetensors", "weights"), ("config.json", "{}"), ("tokenizer.json", "{}")):
        (tmp_path / name).write_text(content)
    return tmp_path


def test_a_folder_is_known_by_what_it_holds_and_not_by_where_it_is(folder, tmp_path_factory) -> None:
    local = Checkpoint("mine", "local", str(folder))
    assert pinned(local, Settings()).revision == folder_digest(folder)
    assert location_of(local) == ""
    copy = tmp_path_factory.mktemp("copy")
    for path in folder.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    (copy / "README.md").write_text("anything")
    assert folder_digest(copy) == folder_digest(folder)


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json"])
def test_every_file_that_changes_answers_changes_the_digest(folder, name) -> None:
    before = folder_digest(folder)
    (folder / name).write_text("other")
    assert folder_digest(folder) != before


def test_a_folder_without_weights_is_named(folder) -> None:
    (folder / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match=str(folder)):
        folder_digest(folder)


def test_a_hub_checkpoint_keeps_the_revision_it_has() -> None:
    fixed = replace(HUB, revision="a" * 40)
    assert pinned(fixed, Settings(offline=True)).revision == "a" * 40
    assert location_of(fixed) == "someone/model"


def test_without_a_connection_and_a_cache_there_is_no_revision(tmp_path) -> None:
    with pytest.raises(AccessError, match="someone/model"):
        pinned(replace(HUB, location="someone/model-that-nobody-has"), Settings(offline=True))
