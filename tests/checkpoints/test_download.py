"""Fetching from a Hub on this machine: real requests of huggingface_hub, real files, real refusals."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from t5gemma_app.checkpoints.download import snapshot
from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.errors import UnknownCheckpointError
from t5gemma_app.settings import Settings
from tests.checkpoints.fake_hub import COARSE, COMMIT, GOOD, STRANGER, hub
from tests.checkpoints.files import save

CLOSED, OPEN, CODE = "google/t5gemma-s-s-ul2-it", "somebody/poems", "somebody/code"

# huggingface_hub reads its settings when it is imported, so each Hub gets a process of its own.
SCRIPT = """
import json, sys
from dataclasses import replace
from pathlib import Path
from t5gemma_app.checkpoints.access import AccessBoard
from t5gemma_app.checkpoints.catalogue import google_checkpoints, hub_checkpoint
from t5gemma_app.checkpoints.download import fetch_description, snapshot, tokenizer_folder
from t5gemma_app.checkpoints.folder import read_snapshot
from t5gemma_app.errors import CheckpointError
from t5gemma_app.settings import Secret, Settings

def run(step, name, token, offline):
    settings = Settings(token=Secret(token) if token else None, offline=offline)
    known = {c.location: c for c in google_checkpoints()}
    checkpoint = known.get(name) or hub_checkpoint(name)
    seen = []
    try:
        if step == "board":
            board = AccessBoard(settings)
            board.refresh([checkpoint])
            return {"state": board.of(checkpoint).state.value}
        if step == "description":
            read = fetch_description(checkpoint, settings)
            return {"pair": read.pair, "total": read.parameters.total, "stage": read.stage}
        if step == "tokenizer":
            path = tokenizer_folder(checkpoint, settings)
            return {"files": sorted(f.name for f in path.iterdir())}
        path = snapshot(checkpoint, settings, lambda stage, fraction: seen.append((stage, fraction)))
        read = read_snapshot(checkpoint, path)
        return {"files": sorted(f.name for f in path.iterdir()), "revision": read.revision, "pair": read.pair,
                "progress": seen, "name": read.name}
    except CheckpointError as error:
        return {"error": type(error).__name__, "state": getattr(error, "state", None), "text": str(error)}

print(json.dumps([run(*step) for step in json.loads(sys.argv[1])]))
"""


def in_a_process(endpoint: str, cache: Path, *steps: tuple[str, str, str, bool]) -> list[dict[str, Any]]:
    """Run steps (what, hub id, token, offline) against a Hub and return what came of each."""
    environment = os.environ | {"HF_ENDPOINT": endpoint, "HF_HUB_OFFLINE": "0", "HF_HOME": str(cache)}
    environment |= {"HF_HUB_DISABLE_XET": "1", "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, json.dumps(steps)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not any(token in done.stderr for token in (GOOD, STRANGER, COARSE))
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Hub's folders: one behind a licence, one open, one with code and pickles only."""
    root = tmp_path_factory.mktemp("hub")
    for name in (CLOSED, OPEN):
        folder = save(root / name)
        for extra in ("tokenizer.json", "tokenizer_config.json"):
            (folder / extra).write_text("{}", encoding="utf-8")
        for never in ("pytorch_model.bin", "model.py", "README.md"):
            (folder / never).write_bytes(b"never")
    (root / CLOSED / "gated").touch()
    (root / OPEN / "chat_template.jinja").write_text("{{ messages }}", encoding="utf-8")
    (root / CODE).mkdir()
    (root / CODE / "config.json").write_text('{"auto_map": {"AutoModel": "model.Own"}}', encoding="utf-8")
    return root


FETCHED = {"config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}


def test_what_is_fetched_and_what_is_refused(root: Path, tmp_path: Path) -> None:
    with hub(root) as (endpoint, requests):
        stranger, coarse, nobody, wrong, absent, closed, opened, code, kept = in_a_process(
            endpoint,
            tmp_path,
            ("snapshot", CLOSED, STRANGER, False),
            ("snapshot", CLOSED, COARSE, False),
            ("snapshot", CLOSED, "", False),
            ("snapshot", CLOSED, "hf_wrongtoken", False),
            ("snapshot", "somebody/absent", GOOD, False),
            ("snapshot", CLOSED, GOOD, False),
            ("snapshot", OPEN, "", False),
            ("description", CODE, "", False),
            ("snapshot", CLOSED, STRANGER, False),
        )
        assert [refused["state"] for refused in (stranger, coarse, nobody, wrong, absent)] == [
            "licence_not_accepted",
            "token_rejected",
            "token_missing",
            "token_rejected",
            "not_found",
        ]
        assert f"https://huggingface.co/{CLOSED}" in stranger["text"]
        assert set(closed["files"]) == FETCHED
        assert set(opened["files"]) == FETCHED | {"chat_template.jinja"}
        assert (closed["revision"], closed["name"], closed["pair"]) == (COMMIT, "t5gemma-s-s-ul2-it", "62.8K-70.2K")
        stages = [stage for stage, _ in closed["progress"]]
        assert stages[0] == f"Asking the Hub for {CLOSED}"
        fractions = [fraction for _, fraction in closed["progress"] if fraction is not None]
        assert fractions
        assert fractions == sorted(fractions)
        assert 0 < fractions[-1] <= 1
        # What an accepted licence fetched once stays usable, as it is for huggingface_hub itself.
        assert kept["revision"] == COMMIT
        assert code["error"] == "UnsupportedCheckpointError"
        assert not any(name in request for request in requests for name in ("model.py", "pytorch_model", "README"))


def test_small_questions_fetch_small_files(root: Path, tmp_path: Path) -> None:
    with hub(root) as (endpoint, requests):
        description, tokenizer = in_a_process(
            endpoint, tmp_path, ("description", OPEN, "", False), ("tokenizer", CLOSED, GOOD, False)
        )
        assert description["pair"] == "62.8K-70.2K"
        assert description["stage"] == "instruction-tuned"
        assert set(tokenizer["files"]) == {"tokenizer.json", "tokenizer_config.json"}
        assert not any("safetensors" in request for request in requests)


def test_the_board_asks_one_question_a_checkpoint(root: Path, tmp_path: Path) -> None:
    with hub(root) as (endpoint, requests):
        answers = in_a_process(
            endpoint,
            tmp_path,
            ("board", CLOSED, GOOD, False),
            ("board", CLOSED, STRANGER, False),
            ("board", CLOSED, COARSE, False),
            ("board", CLOSED, "hf_wrongtoken", False),
            ("board", CLOSED, "", False),
            ("board", OPEN, "", False),
            ("board", "somebody/absent", GOOD, False),
            ("board", "a/b/c", GOOD, False),
        )
        assert [found["state"] for found in answers] == [
            "ready",
            "licence_not_accepted",
            "token_rejected",
            "token_rejected",
            "token_missing",
            "ready",
            "not_found",
            "not_found",
        ]
        assert requests == [
            f"HEAD /{name}/resolve/main/config.json" for name in [CLOSED] * 4 + [OPEN, "somebody/absent"]
        ]


def test_fetched_files_serve_without_a_network(root: Path, tmp_path: Path) -> None:
    with hub(root) as (endpoint, requests):
        before, _, again = in_a_process(
            endpoint,
            tmp_path,
            ("board", OPEN, "", True),
            ("snapshot", OPEN, "", False),
            ("board", OPEN, "", True),
        )
        assert (before["state"], again["state"]) == ("offline", "ready")
        count = len(requests)
        fetched, tokenizer = in_a_process(
            endpoint, tmp_path, ("snapshot", OPEN, "", True), ("tokenizer", OPEN, "", True)
        )
        assert fetched["revision"] == COMMIT
        assert "tokenizer.json" in tokenizer["files"]
        assert len(requests) == count
    # The server is gone now: what is here is used, what is not is told.
    here, absent, board = in_a_process(
        endpoint,
        tmp_path,
        ("snapshot", OPEN, "", False),
        ("snapshot", CLOSED, GOOD, False),
        ("board", CLOSED, GOOD, False),
    )
    assert here["revision"] == COMMIT
    assert (absent["error"], absent["state"]) == ("AccessError", "offline")
    assert board["state"] == "offline"


def test_a_local_checkpoint_is_its_own_folder(tmp_path: Path) -> None:
    local = Checkpoint(name="x", source="local", location=str(tmp_path))
    assert snapshot(local, Settings(), lambda stage, fraction: None) == tmp_path
    gone = Checkpoint(name="x", source="embedded", location=str(tmp_path / "gone"))
    with pytest.raises(UnknownCheckpointError, match=r"gone of x is gone"):
        snapshot(gone, Settings(), lambda stage, fraction: None)
