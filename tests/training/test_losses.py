"""Losses and answers against transformers' own forward passes, and with padding that must not count."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from t5gemma_app.training.examples import Example, Kind, collate
from t5gemma_app.training.losses import Teaching, answer, disagreement, loss_function
from t5gemma_app.training.parallel import IGNORED
from tests.tiny import tiny_head, tiny_model
from tests.training.gemmas import gemma

ROWS: dict[str, list[Example]] = {
    "sequence": [Example((2, 20, 30, 40), (2,)), Example((2, 9), (0,)), Example((2, 7, 7), (1,))],
    "token": [Example((2, 20, 30), (IGNORED, 1, IGNORED)), Example((2, 9, 8, 7), (IGNORED, 0, 2, 1))],
    "text": [Example((2, 20, 30, 40), (60, 61, 1)), Example((2, 9), (70, 1)), Example((2, 5, 5), (80, 81, 82, 83, 1))],
    "causal": [Example((2, 20, 30), (20, 30, 31)), Example((2, 9, 8, 7), (9, 8, 7, 6))],
}
KINDS: tuple[Kind, ...] = ("sequence", "token", "text", "causal")


def model_of(kind: str) -> Any:
    if kind == "causal":
        return gemma(3)
    return tiny_model(strength=2.0).eval() if kind == "text" else tiny_head(kind)


@pytest.mark.parametrize("kind", KINDS)
def test_the_loss_is_transformers_own(kind: Kind) -> None:
    model, batch = model_of(kind), collate(kind, ROWS[kind], pad=0)
    with torch.inference_mode():
        found = loss_function(kind)(model, batch).item()
        targets = int((batch.targets != IGNORED).sum())
        if kind == "causal":
            logits = model(input_ids=batch.inputs, attention_mask=batch.mask).logits
            expected = torch.nn.functional.cross_entropy(logits.flatten(0, 1), batch.targets.flatten())
        else:
            expected = model(input_ids=batch.inputs, attention_mask=batch.mask, labels=batch.targets).loss
    assert found / targets == pytest.approx(expected.item(), rel=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_costs_and_answers_in_a_batch_what_it_does_alone(kind: Kind) -> None:
    model = model_of(kind)
    together = answer(model, kind, collate(kind, ROWS[kind], pad=0))
    alone = [answer(model, kind, collate(kind, [row], pad=0)) for row in ROWS[kind]]
    assert together.loss == pytest.approx(sum(one.loss for one in alone), rel=1e-4)
    assert together.right == sum(one.right for one in alone)
    assert together.targets == sum(one.targets for one in alone)
    assert together.predicted == tuple(row for one in alone for row in one.predicted)


@pytest.mark.parametrize("kind", KINDS)
def test_passes_that_agree_cost_what_one_does(kind: Kind) -> None:
    model, batch = model_of(kind).eval(), collate(kind, ROWS[kind], pad=0)
    plain, twice = (loss_function(kind, consistency=weight)(model, batch).item() for weight in (0.0, 5.0))
    assert twice == pytest.approx(plain, rel=1e-6)


def test_passes_with_other_dropout_cost_what_they_say_differently() -> None:
    model = tiny_head("sequence").train()
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.5
    batch = collate("sequence", ROWS["sequence"], pad=0, seed=11)
    none, some, same = (
        loss_function("sequence", consistency=weight)(model, batch).item() for weight in (1e-9, 2.0, 2.0)
    )
    assert some == same and some > none + 1e-4


def test_disagreement_is_the_mean_of_both_divergences() -> None:
    first, second = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(1)).double().unbind(0)
    one, other = first.log_softmax(-1), second.log_softmax(-1)
    expected = sum(
        torch.nn.functional.kl_div(a, b, reduction="sum", log_target=True) for a, b in ((one, other), (other, one))
    )
    assert disagreement(first, second).item() == pytest.approx(expected.item() / 2, rel=1e-5)


def test_a_teacher_takes_its_share() -> None:
    student, teacher = tiny_model(strength=2.0).eval(), gemma(1)
    batch = collate("text", ROWS["text"], pad=0)
    plain, taught, half = (
        loss_function("text", teaching=teaching)(student, batch).item()
        for teaching in (None, Teaching(teacher), Teaching(teacher, share=0.5))
    )
    assert half == pytest.approx((plain + taught) / 2, rel=1e-5)
    assert taught != pytest.approx(plain, rel=1e-3)
