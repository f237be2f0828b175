import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from t5gemma_app.checkpoints.catalogue import Catalogue
from t5gemma_app.cli.main import main
from t5gemma_app.engine.fake import FakeEngine
from t5gemma_app.errors import EngineError
from t5gemma_app.services import Services, build_services
from t5gemma_app.settings import Settings
from tests.evaluation.test_heads import HeadWorld
from tests.evaluation.world import ROWS, World

BENCHMARKS = ("boolq", "cb", "multirc")
SAMPLE = {"benchmark", "formatter", "id", "group", "gold", "prediction", "outcome", "choices", "scores"}


@pytest.fixture
def world(tmp_path, monkeypatch) -> World:
    monkeypatch.setenv("T5GEMMA_DATA_DIR", str(tmp_path / "data"))
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    return World(tmp_path)


def run(world: World, *words: str, engine: FakeEngine | None = None) -> int:
    def build(settings: Settings) -> Services:
        services = build_services(settings, engine or FakeEngine())
        checkpoints = tuple(c for c in world.planner._catalogue.all())
        return replace(services, catalogue=Catalogue(checkpoints), shipped_runs=world.folder / "none")

    return main(list(words), build)


def evaluate(world: World, *words: str, checkpoints=("tiny",), engine: FakeEngine | None = None) -> int:
    suite = str(world.suites / "three.yaml")
    flags = ["--suite", suite, "--data-dir", str(world.data), *words]
    return run(world, "evaluate", "--checkpoint", *checkpoints, *flags, engine=engine)


def test_the_document_has_exactly_the_promised_shape(world, capsys) -> None:
    assert evaluate(world, "--json") == 0
    printed = capsys.readouterr()
    document = json.loads(printed.out)
    assert list(document) == ["run_id", "checkpoint", "suite", "partial", "benchmarks", "score", "seconds"]
    assert (document["checkpoint"], document["suite"], document["partial"]) == ("tiny", "three", False)
    assert [b["name"] for b in document["benchmarks"]] == list(BENCHMARKS)
    for benchmark in document["benchmarks"]:
        assert set(benchmark) == {"name", "formatter", "n", "unscored", "metrics", "seconds"}
        assert (benchmark["n"], benchmark["unscored"]) == (ROWS, 0)
        for metric in benchmark["metrics"]:
            assert list(metric) == ["name", "value", "low", "high"]
            assert metric["low"] <= metric["value"] <= metric["high"]
    assert f"tiny: {3 * ROWS} of {3 * ROWS}" in printed.err


def test_samples_are_written_in_the_order_of_the_rows(world, tmp_path) -> None:
    samples = tmp_path / "samples.jsonl"
    assert evaluate(world, "--samples", str(samples)) == 0
    lines = [json.loads(line) for line in samples.read_text().splitlines()]
    assert [(line["benchmark"]) for line in lines] == [name for name in BENCHMARKS for _ in range(ROWS)]
    assert [line["id"] for line in lines[:ROWS]] == [str(i) for i in range(ROWS)]
    assert all(set(line) == SAMPLE for line in lines)
    assert set(lines[0]["choices"][0]) == {"text", "logprob", "tokens"}


def test_the_same_command_again_computes_nothing_and_prints_the_same(world, capsys) -> None:
    assert evaluate(world, "--json") == 0
    first = capsys.readouterr().out
    broken = FakeEngine()
    broken.score = None
    assert evaluate(world, "--json", engine=broken) == 0
    assert capsys.readouterr().out == first


def test_a_limit_cuts_every_benchmark_and_says_so(world, capsys) -> None:
    assert evaluate(world, "--json", "--limit", "5") == 0
    printed = capsys.readouterr()
    document = json.loads(printed.out)
    assert document["partial"]
    assert [b["n"] for b in document["benchmarks"]] == [5, 5, 5]
    assert "partial" in printed.err


def test_several_checkpoints_are_a_list_and_one_failure_does_not_stop_the_others(world, capsys) -> None:
    class Breaking(FakeEngine):
        def score(self, checkpoint, requests, *, budget=None):
            if checkpoint.name == "tiny":
                raise EngineError("The computation failed.")
            assert budget == 77
            return super().score(checkpoint, requests, budget=budget)

    words = ("--json", "--batch-tokens", "77")
    assert evaluate(world, *words, checkpoints=("tiny", "other"), engine=Breaking()) == 1
    printed = capsys.readouterr()
    assert [document["checkpoint"] for document in json.loads(printed.out)] == ["other"]
    assert "tiny: The computation failed." in printed.err
    assert evaluate(world, "--json", checkpoints=("tiny", "other")) == 0
    assert [document["checkpoint"] for document in json.loads(capsys.readouterr().out)] == ["tiny", "other"]


def test_people_get_a_table_in_percent(world, capsys) -> None:
    assert evaluate(world) == 0
    table = capsys.readouterr().out
    assert "tiny on three@1, run " in table
    assert "value [95 %]" in table
    assert "f1a" in table
    assert "score " in table


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("--limit", "0"), 2, "usage"),
        (("--data-dir", "/nowhere"), 2, "/nowhere"),
        (("--formatter", "nice@1"), 2, "nice@1"),
        (("--suite", "nothing"), 2, "superglue"),
        (("--store", os.devnull), 1, "is no file"),
        (("--store", "/proc/none/x.sqlite"), 1, "can't be made"),
    ],
)
def test_bad_input_is_2_and_a_bad_store_is_1(world, capsys, words, code, says) -> None:
    assert evaluate(world, *words) == code
    assert says in capsys.readouterr().err


def test_samples_of_several_checkpoints_are_refused(world, capsys, tmp_path) -> None:
    assert evaluate(world, "--samples", str(tmp_path / "s"), checkpoints=("tiny", "other")) == 2
    assert "one checkpoint" in capsys.readouterr().err


PROCESS = """
import os, sys
from pathlib import Path
from tests.cli.test_evaluate import evaluate
from tests.evaluation.world import World
sys.exit(evaluate(World(Path(sys.argv[1])), *sys.argv[2:]))
"""


def test_processes_of_a_launcher_give_what_one_gives(world, tmp_path) -> None:
    single, shared = tmp_path / "single.jsonl", tmp_path / "shared.jsonl"
    assert evaluate(world, "--samples", str(single)) == 0
    words = ["--samples", str(shared), "--store", str(tmp_path / "shared.sqlite"), "--json"]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROCESS, str(tmp_path), *words],
            env={**os.environ, "RANK": rank, "WORLD_SIZE": "2", "LOCAL_RANK": rank},
            stdout=subprocess.PIPE,
            text=True,
        )
        for rank in ("0", "1")
    ]
    printed = [process.communicate(timeout=60)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert json.loads(printed[0])["checkpoint"] == "tiny"
    assert printed[1] == ""
    assert shared.read_text() == single.read_text()


def test_runs_are_listed_shown_steered_and_exported(world, capsys, tmp_path) -> None:
    assert evaluate(world, "--json") == 0
    found = json.loads(capsys.readouterr().out)["run_id"]
    assert run(world, "runs", "list", "--json") == 0
    (entry,) = json.loads(capsys.readouterr().out)
    assert (entry["run_id"], entry["state"], entry["done"], entry["total"]) == (found, "done", 72, 72)
    assert run(world, "runs", "list") == 0
    assert found[3:15] in capsys.readouterr().out
    assert run(world, "runs", "show", found[3:12]) == 0
    shown = capsys.readouterr().out
    assert "72 of 72" in shown
    assert "python -m t5gemma_app evaluate --checkpoint tiny" in shown
    assert run(world, "runs", "show", found, "--json") == 0
    assert json.loads(capsys.readouterr().out)["spec"]["suite"] == "three"
    for action in ("cancel", "pause"):
        assert run(world, "runs", action, found) == 2
        assert "done" in capsys.readouterr().err
    assert run(world, "runs", "resume", found) == 0
    assert run(world, "runs", "show", "zzz") == 2
    for form, part in (("json", '"distribution"'), ("samples", '"choices"'), ("csv", "checkpoint"), ("md", "| tiny |")):
        output = tmp_path / form
        assert run(world, "runs", "export", found, "--format", form, "--output", str(output)) == 0
        assert part in output.read_text()
    capsys.readouterr()
    assert run(world, "runs", "export", found, "--format", "eval-results") == 0
    assert "task_id" in capsys.readouterr().out


def test_a_run_that_failed_is_resumed_by_its_id(world, capsys) -> None:
    class Tiring(FakeEngine):
        calls = 0

        def score(self, checkpoint, requests, *, budget=None):
            self.calls += 1
            if self.calls > 1:
                raise EngineError("The computation failed.")
            return super().score(checkpoint, requests, budget=budget)

    assert evaluate(world, engine=Tiring()) == 1
    capsys.readouterr()
    assert run(world, "runs", "list", "--json") == 0
    (entry,) = json.loads(capsys.readouterr().out)
    assert (entry["state"], entry["failure"]) == ("failed", "The computation failed.")
    assert 0 < entry["done"] < 72
    assert run(world, "runs", "export", entry["run_id"]) == 2
    assert run(world, "runs", "cancel", entry["run_id"]) == 0
    assert run(world, "runs", "resume", entry["run_id"]) == 0
    assert "score" in capsys.readouterr().out


def test_heads_answer_and_rows_say_what_they_are(tmp_path, world, capsys) -> None:
    headed = HeadWorld(world.folder)
    assert evaluate(headed, "--formatter", "head@1", "--split-note", "cb=held out of train", "--json") == 0
    printed = capsys.readouterr()
    document = json.loads(printed.out)
    assert "cb: held out of train" in printed.err and "boolq: cut split, 24 rows of 3,270" in printed.err
    assert run(headed, "runs", "show", document["run_id"]) == 0
    shown = capsys.readouterr().out
    assert "head of cb: tiny-cb, sha256:" in shown and "rows of cb: held out of train" in shown
    assert run(headed, "leaderboard", "--suite", "three") == 0
    assert "| cb (held out of train) |" in capsys.readouterr().out
    assert run(headed, "runs", "export", document["run_id"]) == 0
    assert str(tmp_path) not in capsys.readouterr().out
    assert evaluate(headed, "--formatter", "head@1", checkpoints=("other",)) == 2
    assert "other has no head for boolq, cb, multirc" in capsys.readouterr().err
    assert evaluate(headed, "--split-note", "cb") == 2
    assert "TASK=WORDS" in capsys.readouterr().err


def test_the_leaderboard_ranks_what_was_evaluated(world, capsys) -> None:
    assert run(world, "leaderboard") == 0
    assert "Start one" in capsys.readouterr().err
    assert evaluate(world, checkpoints=("tiny", "other")) == 0
    capsys.readouterr()
    assert run(world, "leaderboard", "--format", "json", "--suite", "three") == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["checkpoint"] for row in rows} == {"tiny", "other"}
    assert min(row["rank"] for row in rows) == 1
    for form in ("md", "csv", "latex"):
        assert run(world, "leaderboard", "--format", form, "--published") == 0
        assert "T5Gemma 9B-9B" in capsys.readouterr().out
    assert run(world, "leaderboard", "--suite", "other") == 0
    assert "three@1" in capsys.readouterr().err


def test_other_commands_do_not_wait_for_numpy() -> None:
    code = "import sys, t5gemma_app.cli.main; sys.exit('numpy' in sys.modules or 'sqlite3' in sys.modules)"
    root = Path(__file__).resolve().parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0
