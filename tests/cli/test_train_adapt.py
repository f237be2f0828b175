from __future__ import annotations

import json
from pathlib import Path

import pytest

from t5gemma_app.checkpoints.folder import read_folder
from t5gemma_app.cli.main import main
from tests.training.gemmas import save_gemma


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("sources")
    wide = save_gemma(folder / "wide", hidden_size=48, num_attention_heads=6, num_key_value_heads=3)
    return ["train", "adapt", "--encoder", str(wide), "--decoder", str(save_gemma(folder / "small"))]


def test_the_report_is_a_table_and_the_folder_a_checkpoint(sources, build, capsys, tmp_path: Path) -> None:
    assert main([*sources, str(tmp_path / "pair")], build) == 0
    shown = capsys.readouterr()
    assert "cross-attention new: an unbalanced pair" in shown.out
    assert "first 1,000 steps" in shown.out and "Wrote" in shown.err
    checkpoint = read_folder(tmp_path / "pair")
    assert checkpoint.parameters is not None and f"{checkpoint.parameters.cross_attention:,}" in shown.out


def test_a_dry_run_prints_every_tensor_as_json(sources, build, capsys, tmp_path: Path) -> None:
    assert main([*sources, "--output", str(tmp_path / "pair"), "--dry-run", "--json"], build) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["written"] is False and not (tmp_path / "pair").exists()
    assert len({entry["target"] for entry in report["entries"]}) == sum(part["tensors"] for part in report["parts"])


@pytest.mark.parametrize("places", [[], ["a", "--output", "b"]])
def test_one_output_is_named(sources, build, capsys, places) -> None:
    assert main([*sources, *places], build) == 2
    assert "output is named" in capsys.readouterr().err


def test_a_source_that_is_not_there_is_bad_input(sources, build, capsys, tmp_path: Path) -> None:
    assert main([*sources[:-1], str(tmp_path / "gone"), str(tmp_path / "pair")], build) == 2
    assert "There is no folder" in capsys.readouterr().err
