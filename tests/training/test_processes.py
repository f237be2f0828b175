"""Two processes train together as one would, started as people start them."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from t5gemma_app.cli.main import main
from t5gemma_app.errors import InputError
from t5gemma_app.training.processes import Processes
from t5gemma_app.training.runs import LOG
from tests.training.rows import opinions, write_rows


def command(base: Path, folder: Path, name: str) -> list[str]:
    rows = str(folder / "rows.jsonl")
    words = ["train", "finetune", "--task", "classify", "--checkpoint", str(base), "--train", rows, "--json", "--cpu"]
    words += ["--precision", "float32"]
    plan = ["--steps", "8", "--batch-rows", "7", "--evaluate-every", "4", "--dropout", "0", "--rate", "1e-3"]
    return [*words, *plan, "--output", str(folder / name)]


def run(words: list[str]) -> str:
    variables = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(words, env=variables, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_two_processes_train_as_one(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_rows(tmp_path / "rows.jsonl", opinions(50))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    launcher = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", port, "-m", "t5gemma_app"]
    shown = run([sys.executable, *launcher, *command(base, tmp_path, "two")])
    assert json.loads(shown)["steps"] == 8  # one document, from the first process alone
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert main([*command(base, tmp_path, "one"), "--replicas", "1"]) == 0
    logs = []
    for name in ("one", "two"):
        lines = [json.loads(line) for line in (tmp_path / f"{name}.run" / LOG).read_text().splitlines()]
        assert len(lines) == 11  # the begin, eight steps, two evaluations
        logs.append([line["loss"] for line in lines if line["event"] == "step"])
    assert logs[0] == pytest.approx(logs[1], abs=1e-4)
    one, two = (load_file(tmp_path / name / "model.safetensors") for name in ("one", "two"))
    assert all(torch.allclose(one[name].float(), two[name].float(), atol=4e-3) for name in one)


def test_a_tracker_that_is_not_there_is_refused() -> None:
    with pytest.raises(InputError, match="tracker 'paper'"):
        Processes("float32", cpu=True, tracker="paper")
