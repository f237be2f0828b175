from __future__ import annotations

import pytest
import torch
from torch.nn.functional import cross_entropy, kl_div, log_softmax

from t5gemma_app.errors import InputError
from t5gemma_app.training.objectives.distillation import distillation_loss, teacher_logits
from t5gemma_app.training.objectives.pairs import Pair
from tests.training.gemmas import gemma

GENERATOR = torch.Generator().manual_seed(0)


def logits() -> torch.Tensor:
    return torch.randn(6, 20, generator=GENERATOR)


@pytest.mark.parametrize("temperature", [1.0, 2.5])
def test_the_gradient_is_that_of_the_divergence(temperature: float) -> None:
    teacher, first = logits(), logits().requires_grad_()
    second = first.detach().clone().requires_grad_()
    distillation_loss(first, teacher, temperature).backward()
    own, other = log_softmax(second / temperature, -1), log_softmax(teacher / temperature, -1)
    (kl_div(own, other, reduction="sum", log_target=True) * temperature**2).backward()
    assert torch.allclose(first.grad, second.grad, atol=1e-6)


def test_a_certain_teacher_is_the_targets_themselves() -> None:
    student, targets = logits(), torch.tensor([3, 1, 4, 1, 5, 9])
    certain = torch.full((6, 20), -1e4).scatter(1, targets[:, None], 0.0)
    assert distillation_loss(student, certain).item() == pytest.approx(
        cross_entropy(student, targets, reduction="sum").item(), rel=1e-5
    )


def test_a_student_that_agrees_stands_still() -> None:
    student = logits().requires_grad_()
    distillation_loss(student, student.detach()).backward()
    assert student.grad.abs().max() < 1e-6


def test_another_vocabulary_or_temperature_is_refused() -> None:
    with pytest.raises(InputError, match="same vocabulary"):
        distillation_loss(torch.zeros(2, 5), torch.zeros(2, 6))
    with pytest.raises(InputError, match="temperature"):
        distillation_loss(logits(), logits(), 0.0)


def test_the_teacher_reads_each_row_as_it_would_alone() -> None:
    teacher = gemma(1)
    pairs = [Pair((2, 9, 30, 41), (77, 5)), Pair((2, 8), (6, 30, 31, 32, 90)), Pair((2,), (4,))]
    together = teacher_logits(teacher, pairs)
    expected = []
    for pair in pairs:
        ids = torch.tensor([[*pair.inputs, *pair.targets]])
        with torch.inference_mode():
            expected.append(teacher(ids).logits[0, len(pair.inputs) - 1 : -1])
    assert torch.allclose(together, torch.cat(expected), atol=1e-4)
