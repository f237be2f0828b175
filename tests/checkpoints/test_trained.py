"""Checkpoints that were trained in the page are listed as soon as they are there, and no longer."""

from __future__ import annotations

import shutil
from pathlib import Path

from t5gemma_app.checkpoints.catalogue import Catalogue, google_checkpoints
from t5gemma_app.checkpoints.trained import TrainedShelf, trained_folder
from tests.checkpoints.files import save


def test_a_finished_one_appears_and_a_deleted_one_goes(tmp_path: Path) -> None:
    catalogue = Catalogue(google_checkpoints(), trained=TrainedShelf(tmp_path / "training"))
    before = catalogue.names()
    home = tmp_path / "training" / "mine"
    home.mkdir(parents=True)
    assert catalogue.names() == before
    save(trained_folder(home))
    assert catalogue.names() == (*before, "mine")
    assert catalogue.find("mine").source == "local" and catalogue.find("mine") in catalogue.all()
    assert catalogue.find("mine") is catalogue.find("mine")
    shutil.rmtree(home)
    assert catalogue.names() == before


def test_one_that_is_damaged_is_left_out_and_a_taken_name_is_told_apart(tmp_path: Path) -> None:
    for name in ("broken", "t5gemma-b-b-ul2"):
        save(trained_folder(tmp_path / name))
    (trained_folder(tmp_path / "broken") / "model.safetensors").write_bytes(b"no weights")
    names = Catalogue(google_checkpoints(), trained=TrainedShelf(tmp_path)).names()
    assert "broken" not in names and len(set(names)) == len(names) == len(google_checkpoints()) + 1
    assert "t5gemma-b-b-ul2/t5gemma-b-b-ul2" in names
