"""Heads that were trained for a few steps score the same through the app and by a plain loop around transformers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from bench.heads import Chunk, chunks, compare, f1, main
from t5gemma_app.engine.local import LocalEngine
from t5gemma_app.settings import Settings
from t5gemma_app.training.data.reading import DataOrder
from t5gemma_app.training.finetune import FinetuneOrder, finetune
from t5gemma_app.training.machine import Machine
from t5gemma_app.training.plan import Plan
from tests.tiny import save_tiny, tiny_head
from tests.training.rows import opinions, save_base, tagged, write_rows

NAMES = {"good": "B-PER", "thing": "I-PER", "bad": "B-LOC"}
WORDS = ("the", "good", "thing", "bad", "in", "of", "don't", "3.14", "é😀", "a-b", "יוסי")


def entities(count: int, seed: int = 0) -> list[dict[str, Any]]:
    """Return sentences with names of one word or two, and words that the app would cut otherwise."""
    rng, rows = Random(seed), []
    for _ in range(count):
        tokens = [rng.choice(WORDS) for _ in range(rng.randrange(1, 9))]
        tags = [NAMES.get(token, "O") for token in tokens]
        tags = [
            "O" if tag == "I-PER" and (at == 0 or tags[at - 1] not in ("B-PER", "I-PER")) else tag
            for at, tag in enumerate(tags)
        ]
        rows.append({"tokens": tokens, "tags": tags})
    return rows


@pytest.fixture(scope="module")
def engine() -> Iterator[LocalEngine]:
    engine = LocalEngine(Settings(offline=True, device="cpu", dtype="float32"))
    yield engine
    engine.close()


def trained(folder: Path, task: str, rows: list[dict[str, Any]]) -> Path:
    data = DataOrder(task, (str(write_rows(folder / "rows.jsonl", rows)),))
    plan = Plan(steps=40, batch_rows=16, rate=2e-3)
    made = folder / folder.name  # loaded under a name of its own
    assert finetune(FinetuneOrder(save_base(folder / "base"), "tiny", made, data, plan, Machine(cpu=True)))
    return made


@pytest.mark.parametrize(
    ("task", "make", "scores"),
    [
        ("classify", opinions, ["accuracy"]),
        ("tag", tagged, ["accuracy"]),
        ("tag", entities, ["accuracy", "entity F1"]),
    ],
)
def test_the_app_scores_what_a_plain_loop_scores(engine, tmp_path, task, make, scores) -> None:
    head = trained(tmp_path, task, make(120))
    found = compare(engine, head, make(40, seed=1))
    assert [one.name for one in found] == scores
    for one in found:
        assert one.equal, one.line()
        assert 0.1 < one.loop <= 1


def test_entities_are_whole_spans_as_conll_counts_them() -> None:
    assert chunks(["B-A", "I-A", "I-B", "O", "I-A", "B-A"]) == {
        Chunk(0, 2, "A"),
        Chunk(2, 3, "B"),
        Chunk(4, 5, "A"),
        Chunk(5, 6, "A"),
    }
    gold, found = [{Chunk(0, 2, "A")}, {Chunk(1, 2, "B")}], [{Chunk(0, 1, "A")}, {Chunk(1, 2, "B")}]
    assert f1(found, gold) == 0.5 and f1([set()], [set()]) == 0


def test_the_command_says_when_they_differ(tmp_path, monkeypatch, capsys) -> None:
    head = save_tiny(tmp_path / "head", tiny_head(labels=("bad", "good")))
    rows = write_rows(tmp_path / "dev.jsonl", opinions(20, seed=1))
    assert main([f"{head}={rows}", "--limit", "12"]) == 0
    assert "accuracy on 12 rows" in capsys.readouterr().out
    monkeypatch.setattr("bench.heads.loop_classes", lambda folder, texts: [row["label"] ^ 1 for row in opinions(12, 1)])
    assert main([f"{head}={rows}", "--limit", "12"]) == 1
    assert "DIFFER" in capsys.readouterr().out
