"""Training from the command line: what is printed, what is written, and how wrong flags end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from t5gemma_app.checkpoints.folder import read_folder
from t5gemma_app.cli.main import main
from t5gemma_app.cli.train_flags import command_line
from tests.training.rows import opinions, save_base, tagged, write_rows

FAST = ["--cpu", "--replicas", "1", "--batch-rows", "16", "--rate", "1e-3"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("train")
    save_base(folder / "tiny")
    write_rows(folder / "rows.jsonl", opinions(64))
    write_rows(folder / "words.jsonl", tagged(40))
    (folder / "text.txt").write_text("\n\n".join(f"the thing number {n} is in the box." for n in range(60)))
    return folder


def finetune(folder: Path, name: str, *flags: str) -> list[str]:
    return ["train", "finetune", "--checkpoint", str(folder / "tiny"), "--output", str(folder / name), *FAST, *flags]


def test_a_head_is_trained_as_the_contract_says(folder: Path, build, capsys) -> None:
    rows = str(folder / "rows.jsonl")
    words = finetune(
        folder, "head", "--head", "sequence", "--train", rows, "--eval", rows, "--steps", "4", "--seed", "1"
    )
    assert main([*words, "--labels", "0=bad", "1=good"], build) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("accuracy ") and "always the commonest label" in shown.out
    assert "64 rows" in shown.err and "64 repeated" in shown.err and "Wrote" in shown.err
    assert read_folder(folder / "head").labels == ("bad", "good")


def test_results_are_one_json_document(folder: Path, build, capsys) -> None:
    words = finetune(folder, "tags", "--task", "tag", "--train", str(folder / "words.jsonl"), "--steps", "3", "--json")
    assert main(words, build) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["steps"] == 3 and document["scores"][0]["name"] == "accuracy"
    assert {reason["subject"] for reason in document["reasons"]} == {"precision", "replicas"}


def test_a_new_model_is_pretrained_and_then_taught(folder: Path, build, capsys) -> None:
    sizes = ["--hidden", "32", "--intermediate", "48", "--heads", "2", "--encoder-layers", "1", "--decoder-layers", "1"]
    words = ["train", "pretrain", "--new", *sizes, "--pieces", "500", "--text", str(folder / "text.txt"), *FAST]
    assert main([*words, "--output", str(folder / "new"), "--steps", "2", "--longest", "24"], build) == 0
    assert capsys.readouterr().out.startswith("loss ")
    rows = ["--task", "classify", "--train", str(folder / "rows.jsonl"), "--steps", "2"]
    assert (
        main(
            ["train", "finetune", "--checkpoint", str(folder / "new"), "--output", str(folder / "taught"), *rows], build
        )
        == 0
    )
    assert read_folder(folder / "taught").encoder == read_folder(folder / "new").encoder


def test_a_grid_is_run_printed_and_goes_on(folder: Path, build, capsys) -> None:
    words = [
        "train",
        "grid",
        "--tasks",
        "classify",
        "--checkpoint",
        str(folder / "tiny"),
        "--train",
        str(folder / "rows.jsonl"),
    ]
    words += [
        "--output",
        str(folder / "grid"),
        "--rates",
        "1e-3",
        "1e-5",
        "--batches",
        "16",
        "--dropouts",
        "0",
        "--steps",
        "3",
        "--cpu",
    ]
    assert main(words, build) == 0
    first = capsys.readouterr().out
    assert first.count("classify") == 2 and first.count("best") == 1
    assert main(words, build) == 0
    assert capsys.readouterr().out == first


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--task", "classify"], "No training rows are named"),
        (["--task", "classify", "--train", "gone.jsonl"], "no file gone.jsonl"),
        (["--task", "clasify", "--train", "x"], "Did you mean classify"),
        (["--task", "classify", "--train", "x", "--dropout", "2"], "dropout is 2"),
        (["--task", "classify", "--train", "x", "--labels", "good"], "OLD=NEW"),
        (["--task", "classify", "--train", "x", "--replicas", "99"], "no file x"),
    ],
)
def test_wrong_flags_are_bad_input(folder: Path, build, capsys, flags: list[str], words: str) -> None:
    assert main(finetune(folder, "never", *flags), build) == 2
    assert words in capsys.readouterr().err
    assert not (folder / "never").exists() and not (folder / "never.run").exists()


def test_sizes_are_for_new_models(folder: Path, build, capsys) -> None:
    words = [
        "train",
        "pretrain",
        "--checkpoint",
        str(folder / "tiny"),
        "--text",
        str(folder / "text.txt"),
        "--hidden",
        "8",
    ]
    assert main([*words, "--output", str(folder / "never")], build) == 2
    assert "for a new model" in capsys.readouterr().err


def test_a_cards_command_has_no_folders_of_the_machine() -> None:
    words = ["train", "finetune", "--train", "/home/somebody/data/sst2", "--output", "out/it's"]
    assert command_line(words) == "python -m t5gemma_app train finetune --train data/sst2 --output 'out/it'\"'\"'s'"
