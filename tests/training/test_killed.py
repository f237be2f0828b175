"""A run that is killed without warning goes on, and ends with the weights of one that never stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import torch
from safetensors.torch import load_file

from t5gemma_app.training.data.reading import DataOrder
from t5gemma_app.training.finetune import FinetuneOrder, finetune
from t5gemma_app.training.machine import Machine
from t5gemma_app.training.plan import Plan
from t5gemma_app.training.runs import LOG
from tests.training.rows import opinions, write_rows

_CHILD = """
import sys
from pathlib import Path
from tests.training.test_killed import order
from t5gemma_app.training.finetune import finetune
finetune(order(Path(sys.argv[1]), Path(sys.argv[2])))
"""


def order(base: Path, folder: Path, name: str = "killed", save_seconds: float = 0.1) -> FinetuneOrder:
    """Return the same order in every process."""
    plan = Plan(seed=1, steps=100, batch_rows=4, rate=1e-3, dropout=0.1, evaluate_every=25)
    data = DataOrder("classify", (str(folder / "rows.jsonl"),))
    return FinetuneOrder(
        base, "tiny", folder / name, data, plan, Machine(cpu=True, replicas=2, save_seconds=save_seconds)
    )


def test_a_killed_run_ends_with_the_same_weights(base: Path, tmp_path: Path) -> None:
    write_rows(tmp_path / "rows.jsonl", opinions(60))
    words = [sys.executable, "-c", _CHILD, str(base), str(tmp_path)]
    child = subprocess.Popen(words, env={**os.environ, "HF_HUB_OFFLINE": "1"}, stderr=subprocess.DEVNULL)
    log = tmp_path / "killed.run" / LOG
    deadline = time.monotonic() + 200
    while not (log.is_file() and log.read_text().count('"event": "step"') >= 50):
        assert child.poll() is None and time.monotonic() < deadline, "the run ended before it could be killed"
        time.sleep(0.02)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert (tmp_path / "killed.run" / "state.pt").is_file() and not (tmp_path / "killed").exists()
    said: list[str] = []
    resumed = finetune(order(base, tmp_path, save_seconds=60), said.append)
    assert any("Going on after step" in line for line in said)
    whole = finetune(order(base, tmp_path, "whole", save_seconds=60))
    assert resumed is not None and whole is not None and resumed.scores == whole.scores
    for part in ("", ".run/last", ".run/best"):
        one, other = (load_file(tmp_path / f"{name}{part}" / "model.safetensors") for name in ("killed", "whole"))
        assert all(torch.equal(one[name], other[name]) for name in one), part
