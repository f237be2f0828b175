import subprocess

from t5gemma_app.engine.fake import FACTS, PLACEMENT
from t5gemma_app.engine.types import EngineStatus
from t5gemma_app.evaluation.environment import command_line, describe, git_commit, peak_bytes
from t5gemma_app.evaluation.records import Environment, RunOrder
from tests.cli.conftest import TINY


def test_a_run_says_what_it_was_computed_with() -> None:
    order = RunOrder("quick", "tiny", batch_tokens=512)
    found = describe(TINY, PLACEMENT, EngineStatus(FACTS), order, loading_seconds=1.5)
    assert found.packages["numpy"]
    assert found.device == "cpu"
    assert found.hardware == FACTS.devices[0].label
    assert found.parameters["total"] == TINY.parameters.total
    assert found.encoder_size == "b"
    assert any("float32" in reason for reason in found.reasons)
    assert found.batch_tokens == 512
    assert found.peak_bytes > 10_000_000


def test_the_command_line_says_what_differs_from_the_defaults() -> None:
    assert command_line(RunOrder("quick", "a b")) == ("python -m t5gemma_app evaluate --checkpoint 'a b' --suite quick")
    whole = command_line(RunOrder("quick", "c", "data", "t5@1", 5, 64))
    assert whole.endswith("--suite quick --data-dir data --limit 5 --formatter t5@1 --batch-tokens 64")
    noted = command_line(RunOrder("quick", "c", splits=(("cb", "cut split"),)))
    assert noted.endswith("--suite quick --split-note 'cb=cut split'")


def test_a_command_line_names_no_place_of_this_machine(tmp_path, monkeypatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    order = RunOrder(str(tmp_path / "here" / "mine.yaml"), str(tmp_path / "runs" / "tiny"), str(tmp_path / "rows"))
    assert command_line(order).endswith("--checkpoint tiny --suite mine.yaml --data-dir rows")
    assert "google/t5gemma-s-s-ul2" in command_line(RunOrder("quick", "google/t5gemma-s-s-ul2"))


def test_the_commit_is_what_git_says(tmp_path) -> None:
    def git(*words: str) -> str:
        identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
        return subprocess.run(
            ["git", *identity, *words], cwd=tmp_path, capture_output=True, text=True, check=True
        ).stdout.strip()

    assert git_commit(tmp_path) == ""
    git("init", "-q")
    assert git_commit(tmp_path) == ""
    git("commit", "-q", "--allow-empty", "-m", "x")
    assert git_commit(tmp_path) == git("rev-parse", "HEAD")
    git("pack-refs", "--all")
    assert git_commit(tmp_path) == git("rev-parse", "HEAD")
    git("checkout", "-q", "--detach")
    assert git_commit(tmp_path) == git("rev-parse", "HEAD")


def test_an_environment_survives_storage() -> None:
    from dataclasses import asdict

    found = describe(TINY, PLACEMENT, EngineStatus(FACTS), RunOrder("quick", "tiny"))
    assert Environment.from_dict(asdict(found)) == found
    assert peak_bytes() > 0
