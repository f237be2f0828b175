"""A head that was fine-tuned here scores in the evaluator what its training said of it, in whatever batches."""

from __future__ import annotations

import contextlib
import io
import json
import random
from pathlib import Path

import pytest

from t5gemma_app.benchmarks.catalogue import formatter_named
from t5gemma_app.benchmarks.rows import read_rows
from t5gemma_app.checkpoints.folder import read_folder
from t5gemma_app.cli.main import main
from t5gemma_app.engine.local import LocalEngine
from t5gemma_app.evaluation.answering import Answerer
from t5gemma_app.settings import Settings
from tests.training.rows import save_base

LABELS = ("entailment", "contradiction", "neutral")
LONGEST = 60
"""Tokens that the head reads: most premises lose their end."""


def write_rows(folder: Path) -> Path:
    """Write CB rows whose label is a word of the premise, for some of them one that is cut off."""
    chance = random.Random(3)
    for split, count in (("train", 72), ("val", 40)):
        lines = []
        for number in range(count):
            label = number % 3
            words = [chance.choice(("the", "thing", "it")) for _ in range(chance.randint(2, 20))]
            words.insert(chance.randrange(len(words)), ("good", "bad", "so-so")[label])
            lines.append(
                {"idx": number, "premise": " ".join(words), "hypothesis": "it is that", "label": LABELS[label]}
            )
        (folder / "CB").mkdir(parents=True, exist_ok=True)
        (folder / "CB" / f"{split}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Return a folder with rows, a base, and its trained head; the head's own document comes with it."""
    folder = tmp_path_factory.mktemp("equal")
    write_rows(folder / "rows")
    save_base(folder / "tiny")
    return folder


@pytest.fixture(scope="module")
def trained(world):
    words = ["train", "finetune", "--task", "superglue:cb", "--checkpoint", str(world / "tiny"), "--cpu", "--json"]
    plan = ["--epochs", "3", "--batch-rows", "12", "--rate", "2e-3", "--longest", str(LONGEST), "--replicas", "1"]
    with contextlib.redirect_stdout(io.StringIO()) as said:
        assert main([*words, *plan, "--data-dir", str(world / "rows"), "--output", str(world / "tiny-cb")]) == 0
    return {score["name"]: score for score in json.loads(said.getvalue())["scores"]}


def test_the_evaluator_finds_what_the_fine_tuning_found(world, trained, monkeypatch, capsys) -> None:
    monkeypatch.setenv("T5GEMMA_DATA_DIR", str(world / "data"))
    monkeypatch.setenv("T5GEMMA_CHECKPOINTS", f"{world / 'tiny'},{world / 'tiny-cb'}")
    monkeypatch.setenv("T5GEMMA_DTYPE", "float32")
    words = ["evaluate", "--checkpoint", "tiny", "--suite", "cb", "--formatter", "head@1", "--json"]
    assert main([*words, "--data-dir", str(world / "rows")]) == 0
    document = json.loads(capsys.readouterr().out)
    (benchmark,) = document["benchmarks"]
    assert (document["checkpoint"], benchmark["n"], benchmark["unscored"]) == ("tiny", 40, 0)
    values = {metric["name"]: metric["value"] for metric in benchmark["metrics"]}
    assert trained["accuracy"]["n"] == 40
    assert values["accuracy"] == pytest.approx(trained["accuracy"]["value"], abs=1e-12)
    assert values["f1"] == pytest.approx(trained["macro F1"]["value"], abs=1e-12)
    assert values["accuracy"] > trained["accuracy"]["baseline"]

    assert main(["runs", "export", document["run_id"], "--format", "json"]) == 0
    printed = capsys.readouterr().out
    assert str(world) not in printed
    exported = json.loads(printed)
    (spec,) = exported["spec"]["benchmarks"]
    assert (spec["head"]["name"], spec["head"]["longest"]) == ("tiny-cb", LONGEST)
    assert exported["splits"] == {"cb": "cut split, 40 rows of 56"}
    assert "--checkpoint tiny --suite cb --data-dir rows --formatter head@1" in exported["environment"]["command"]


def test_predictions_know_no_batches_and_no_order(world, trained) -> None:
    checkpoint = read_folder(world / "tiny-cb")
    formatter = formatter_named("cb:head@1")
    rows, _ = read_rows("cb", world / "rows", "val")
    examples = [example for row in rows for example in formatter.function(row)]
    engine = LocalEngine(Settings(offline=True, dtype="float32"))
    alone = {}
    for budget, chance in ((1, None), (150, random.Random(1)), (100_000, random.Random(2))):
        order = examples[:]
        if chance:
            chance.shuffle(order)
        samples = Answerer(engine, checkpoint, budget, checkpoint.longest).answer(formatter, order)
        for sample in samples:
            first = alone.setdefault(sample.id, sample)
            assert (sample.prediction, sample.outcome) == (first.prediction, first.outcome)
            assert [c.logprob for c in sample.choices] == pytest.approx([c.logprob for c in first.choices], abs=1e-5)
    engine.close()
