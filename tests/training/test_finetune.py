"""From rows to a checkpoint: it learns, is an ordinary folder, says what it is, and is never written over."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import T5GemmaForSequenceClassification

from t5gemma_app.checkpoints.card import read_card
from t5gemma_app.checkpoints.folder import check_files, read_folder
from t5gemma_app.engine.encode import TextEncoder
from t5gemma_app.engine.heads import classify_rows
from t5gemma_app.errors import InputError, TrainingError
from t5gemma_app.training.data.reading import DataOrder
from t5gemma_app.training.finetune import FinetuneOrder, finetune
from t5gemma_app.training.machine import Machine
from t5gemma_app.training.plan import Plan
from tests.training.rows import answers, opinions, tagged, write_rows

PLAN = Plan(epochs=4, batch_rows=12, rate=2e-3)


def order(base: Path, folder: Path, task: str, rows: list[dict], plan: Plan = PLAN, **data: object) -> FinetuneOrder:
    path = write_rows(folder / "rows.jsonl", rows)
    asked = DataOrder(task, (str(path),), **data)  # type: ignore[arg-type]
    return FinetuneOrder(
        base, "tiny", folder / "made", asked, plan, Machine(cpu=True), "CC0", "train finetune --task x"
    )


def test_a_classifier_learns_and_is_an_ordinary_checkpoint(base: Path, tmp_path: Path) -> None:
    renamed = (("0", "bad"), ("1", "good"))
    said: list[str] = []
    found = finetune(order(base, tmp_path, "classify", opinions(240), renamed=renamed), said.append)
    assert found is not None and found.scores[0].value > 0.9 > (found.scores[0].baseline or 0)
    assert any("240" not in line and "216 rows" in line for line in said)
    checkpoint = read_folder(tmp_path / "made")
    check_files(tmp_path / "made")
    assert (checkpoint.head, checkpoint.labels, checkpoint.dtype) == ("sequence", ("bad", "good"), "bfloat16")
    assert checkpoint.decoder is None and not checkpoint.random_head
    model = T5GemmaForSequenceClassification.from_pretrained(tmp_path / "made", dtype=torch.float32).eval()
    encoder = TextEncoder.from_folder(tmp_path / "made")
    rows = [encoder.paired_ids(text) for text in ("the good thing", "it in the bad of that")]
    assert [max(range(2), key=logits.__getitem__) for logits in classify_rows(model, rows)] == [1, 0]


def test_the_card_says_what_was_done(base: Path, tmp_path: Path) -> None:
    found = finetune(order(base, tmp_path, "classify", opinions(60), replace(PLAN, epochs=1)))
    assert found is not None
    training = read_card(tmp_path / "made").training
    assert training is not None
    assert (training.base, training.task, training.command) == ("tiny", "classify", "train finetune --task x")
    made = read_folder(tmp_path / "made")
    assert (made.base, made.task, made.longest) == ("tiny", "classify", training.longest) == ("tiny", "classify", 512)
    assert [(use.part, use.licence, use.rows) for use in training.data] == [
        ("training", "CC0", 54),
        ("evaluation", "CC0", 6),
    ]
    assert all(str(tmp_path) not in use.name for use in training.data)
    score = training.scores[0]
    assert score.name == "accuracy" and score.low <= score.value <= score.high and score.baseline is not None
    readme = (tmp_path / "made" / "README.md").read_text()
    assert "pipeline_tag: text-classification" in readme and "held out" in readme and "CC0" in readme


def test_a_tagger_learns(base: Path, tmp_path: Path) -> None:
    found = finetune(order(base, tmp_path, "tag", tagged(200), replace(PLAN, epochs=3)))
    assert found is not None and found.scores[0].name == "accuracy" and found.scores[0].value > 0.9
    checkpoint = read_folder(tmp_path / "made")
    assert (checkpoint.head, checkpoint.labels) == ("token", ("ADP", "DET", "NOUN", "PRON"))


def test_answers_are_learnt_and_the_checkpoint_chats(base: Path, tmp_path: Path) -> None:
    plan = replace(PLAN, epochs=2, dropout=0.0)
    found = finetune(order(base, tmp_path, "chat", answers(120), plan))
    assert found is not None and found.scores[0].name == "loss"
    log = [json.loads(line) for line in (tmp_path / "made.run" / "log.jsonl").read_text().splitlines()]
    losses = [line["scores"]["loss"] for line in log if line["event"] == "evaluation"]
    assert losses[-1] < losses[0] and found.scores[0].value == pytest.approx(min(losses), rel=0.02)
    checkpoint = read_folder(tmp_path / "made")
    assert (checkpoint.head, checkpoint.stage) == ("none", "instruction-tuned")
    assert (tmp_path / "made" / "generation_config.json").is_file()


def test_a_finished_run_only_says_again_what_it_found(base: Path, tmp_path: Path) -> None:
    asked = order(base, tmp_path, "classify", opinions(40), replace(PLAN, epochs=1))
    first = finetune(asked)
    before = (tmp_path / "made" / "model.safetensors").stat().st_mtime_ns
    assert finetune(asked) == first
    assert (tmp_path / "made" / "model.safetensors").stat().st_mtime_ns == before
    with pytest.raises(InputError, match="plan rate"):
        finetune(replace(asked, plan=replace(asked.plan, rate=0.5)))


def test_an_output_that_is_taken_is_refused_before_anything(base: Path, tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match="exists already"):
        finetune(order(base, tmp_path, "classify", opinions(40)))
    assert not (tmp_path / "made.run").exists()


def test_weights_that_are_no_numbers_end_the_run_before_a_checkpoint_is_written(base: Path, tmp_path: Path) -> None:
    broken = Path(shutil.copytree(base, tmp_path / "broken"))
    tensors = load_file(broken / "model.safetensors")
    tensors["model.encoder.norm.weight"][3] = float("nan")
    save_file(tensors, broken / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(TrainingError, match="loss is no number in step 1"):
        finetune(order(broken, tmp_path, "classify", opinions(40)))
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("task", "rows", "words"),
    [
        ("classify", [{"text": "a", "label": 1}, {"text": "b", "label": 1}], "All rows have the label"),
        ("classify", [{"text": "a", "lable": 1}], "Did you mean lable"),
        ("classify", [], "holds no rows"),
        ("tag", [{"tokens": ["a"], "tags": []}], "at least one"),
        ("chats", [{"prompt": "a", "response": "b"}], "no task 'chats'.*Did you mean chat"),
        ("superglue:cbs", [], "no benchmark 'cbs'"),
    ],
)
def test_wrong_orders_are_refused_before_a_folder_is_made(
    base: Path, tmp_path: Path, task: str, rows, words: str
) -> None:
    with pytest.raises(InputError, match=words):
        finetune(order(base, tmp_path, task, rows))
    assert not (tmp_path / "made").exists() and not (tmp_path / "made.run").exists()
