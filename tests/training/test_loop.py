"""The loop: the same weights whether it stopped or not and however rows are shared; no step to what is no number."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from t5gemma_app.errors import TrainingError
from t5gemma_app.training.evaluating import Evaluation
from t5gemma_app.training.examples import Example, Rows
from t5gemma_app.training.heads import load_for_training
from t5gemma_app.training.loop import Job, Position, Trainer
from t5gemma_app.training.losses import loss_function
from t5gemma_app.training.parallel import Replicas
from t5gemma_app.training.plan import Plan
from t5gemma_app.training.processes import Processes
from t5gemma_app.training.runs import LOG, RunFolder
from t5gemma_app.training.state import save_parts

ROWS = [
    Example((2, *(20 + (number * step) % 97 for step in range(1, 3 + number % 9))), (number % 2,))
    for number in range(30)
]
PLAN = Plan(seed=3, steps=12, batch_rows=8, rate=1e-3, dropout=0.2, word_dropout=0.1, evaluate_every=4)


def job(base: Path, plan: Plan, rows: Sequence[Example] = ROWS) -> Job:
    model = load_for_training(base, "sequence", ("a", "b"), plan.dropout, plan.seed)
    evaluation = Evaluation("sequence", rows[:10], ("a", "b"), 0, 0, 512)
    return Job(model, "sequence", Rows(rows), evaluation, pad=0, unknown=3)


def weights(model: Any) -> torch.Tensor:
    return torch.cat([value.flatten() for value in model.state_dict().values()])


def trained(
    base: Path,
    plan: Plan = PLAN,
    stops: Sequence[int | None] = (None,),
    folder: Path | None = None,
    precision: str = "float32",
    **options: Any,
):
    position = Position()
    for stop in stops:
        one = job(base, plan)
        run = RunFolder(folder) if folder else None
        if run:
            folder.mkdir(exist_ok=True)
        trainer = Trainer(one, plan, Processes(precision, cpu=True), run=run, **{"replicas": 2, **options})
        position = trainer.train(stop)
    return weights(one.model), position


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("optimiser", ["adamw", "muon"])
def test_a_run_that_stopped_ends_with_the_same_weights_and_log(
    base: Path, tmp_path: Path, optimiser: str, precision: str
) -> None:
    plan = replace(PLAN, optimiser=optimiser)
    whole, end = trained(base, plan, folder=tmp_path / "whole", precision=precision)
    stopped, again = trained(base, plan, (5, 6, None), folder=tmp_path / "stopped", precision=precision)
    assert torch.equal(whole, stopped)
    assert replace(end, seconds=0) == replace(again, seconds=0) and end.step == 12
    logs = []
    for name in ("whole", "stopped"):
        lines = [json.loads(line) for line in (tmp_path / name / LOG).read_text().splitlines()]
        logs.append([{key: value for key, value in line.items() if key != "seconds"} for line in lines])
    assert logs[0] == logs[1]
    assert [line["step"] for line in logs[0] if line["event"] == "evaluation"] == [4, 8, 12]


@pytest.mark.parametrize("optimiser", ["adamw", "muon"])
def test_a_run_goes_on_with_another_number_of_threads_and_says_so(base: Path, tmp_path: Path, optimiser: str) -> None:
    plan = replace(PLAN, optimiser=optimiser, dropout=0.0)
    whole, _ = trained(base, plan)
    said: list[str] = []
    for stop, replicas in ((5, 2), (8, 1), (None, 2)):
        moved, end = trained(base, plan, (stop,), tmp_path / "moved", replicas=replicas, say=said.append)
    assert end.step == 12 and torch.allclose(whole, moved, atol=2e-5)
    changes = [text for text in said if text.startswith("Computed with")]
    assert len(changes) == 2 and "threads of each 2 so far" in changes[0] and "threads of each 1 from now" in changes[0]


def test_a_state_of_an_earlier_version_is_refused(base: Path, tmp_path: Path) -> None:
    save_parts(tmp_path, {"position": {}, "model": {}, "optimizers": []})
    with pytest.raises(TrainingError, match="earlier version") as caught:
        trained(base, folder=tmp_path)
    assert "begin anew" in caught.value.remedy


def test_products_in_bfloat16_leave_the_weights_in_float32_and_change_their_last_digits(base: Path) -> None:
    plan = replace(PLAN, optimiser="muon", dropout=0.0, steps=2)
    exact, rounded = (trained(base, plan, precision=precision)[0] for precision in ("float32", "bfloat16"))
    assert rounded.dtype == torch.float32
    assert 0 < (exact - rounded).abs().max() < 3 * plan.matrix_rate


def test_an_exact_evaluation_is_that_of_float32(base: Path) -> None:
    one = job(base, PLAN)
    losses = []
    with Replicas(one.model.eval(), 1, loss_function("sequence")) as replicas:
        for precision, exact in (("float32", False), ("bfloat16", True), ("bfloat16", False)):
            found = one.evaluation.run(replicas, Processes(precision, cpu=True), exact)
            losses.append(found.to_dict()["loss"])
    assert losses[0] == losses[1] != losses[2]


def test_the_seed_decides(base: Path) -> None:
    assert not torch.equal(trained(base)[0], trained(base, replace(PLAN, seed=4))[0])


def test_threads_and_parts_change_nothing_but_the_last_digits(base: Path) -> None:
    plan = replace(PLAN, dropout=0.0, word_dropout=0.1)
    one, _ = trained(base, plan, replicas=1)
    two, _ = trained(base, plan, replicas=2)
    parts, _ = trained(base, replace(plan, part_tokens=16), replicas=1)
    checkpointed, _ = trained(base, replace(plan, checkpointing=True), replicas=1)
    for other in (two, parts, checkpointed):
        assert torch.allclose(one, other, atol=2e-5)


def test_checkpointing_draws_the_same_dropout_again(base: Path) -> None:
    plain, _ = trained(base, replicas=1)
    again, _ = trained(base, replace(PLAN, checkpointing=True), replicas=1)
    assert torch.allclose(plain, again, atol=2e-5)


def test_cross_attention_is_trained_alone_first(base: Path) -> None:
    plan = replace(PLAN, dropout=0.0, word_dropout=0.0, cross_attention_steps=3, steps=5)
    rows = [Example((2, 20 + number), (40 + number, 1)) for number in range(12)]
    changed = []
    for stop in (3, 5):
        model = load_for_training(base, "text", (), 0.0, 0)
        before = {name: value.clone() for name, value in model.named_parameters()}
        one = Job(model, "text", Rows(rows), None, pad=0, unknown=3)
        Trainer(one, plan, Processes("float32", cpu=True), replicas=2).train(stop)
        changed.append({name for name, value in model.named_parameters() if not torch.equal(value, before[name])})
    assert changed[0] == {name for name in before if "cross_attn" in name}
    assert changed[1] == set(before)


def test_training_ends_when_nothing_gets_better(base: Path) -> None:
    plan = replace(PLAN, rate=0.0, patience=2, evaluate_every=2)
    saved = []
    one = Trainer(job(base, plan), plan, Processes("float32", cpu=True), save_best=lambda: saved.append(1))
    position = one.train()
    assert (position.step, position.ended, position.best_step, position.stale) == (6, True, 2, 2)
    assert len(saved) == 1


def test_a_loss_that_is_no_number_ends_the_run_and_changes_nothing(base: Path, tmp_path: Path) -> None:
    one = job(base, PLAN)
    with torch.no_grad():
        one.model.score.out_proj.bias[0] = float("nan")
    before = weights(one.model)
    with pytest.raises(TrainingError, match="loss is no number in step 1"):
        Trainer(one, PLAN, Processes("float32", cpu=True), replicas=2, run=RunFolder(tmp_path)).train()
    assert torch.equal(weights(one.model), before) or torch.equal(weights(one.model).isnan(), before.isnan())
    assert not (tmp_path / "state.pt").exists()


def test_a_rate_that_is_far_too_high_is_noticed(base: Path) -> None:
    plan = replace(PLAN, rate=10.0, clip=0.0, warm_up=0.0, steps=40, schedule="constant")
    one = job(base, plan)
    with torch.no_grad():
        one.model.model.encoder.norm.weight.fill_(1e38)
    with pytest.raises(TrainingError):
        Trainer(one, plan, Processes("float32", cpu=True), replicas=1).train()
