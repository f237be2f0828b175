from __future__ import annotations

import pytest

from t5gemma_app.errors import InputError
from t5gemma_app.training.plan import Plan


@pytest.mark.parametrize("schedule", ["cosine", "linear"])
def test_the_rate_rises_to_one_and_falls_to_its_end(schedule: str) -> None:
    plan = Plan(schedule=schedule, warm_up=0.1, last_rate=0.2)
    rates = [plan.rate_at(step, 100) for step in range(101)]
    assert rates[:10] == sorted(rates[:10]) and rates[0] == pytest.approx(1 / 11)
    assert rates[10] == 1.0 == max(rates)
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[100] == pytest.approx(0.2)


def test_a_warm_up_may_be_a_number_of_steps_and_a_rate_may_stay() -> None:
    plan = Plan(schedule="constant", warm_up=5)
    assert [round(plan.rate_at(step, 1000), 3) for step in (0, 4, 5, 999)] == [0.167, 0.833, 1.0, 1.0]


def test_steps_follow_from_rows_and_epochs() -> None:
    plan = Plan(epochs=2.5, batch_rows=10)
    assert (plan.epoch_steps(41), plan.total_steps(41), plan.evaluation_steps(41)) == (5, 12, 5)
    assert Plan(steps=7).total_steps(10**6) == 7
    assert Plan(epochs=0.01).total_steps(3) == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"dropout": 1.0}, "dropout is 1.0"),
        ({"rate": -1.0}, "rate is -1.0"),
        ({"steps": 0}, "steps is 0"),
        ({"batch_rows": 0}, "batch rows is 0"),
        ({"epochs": 0.0}, "number of epochs"),
        ({"optimiser": "sgd"}, "optimiser is 'sgd'"),
        ({"schedule": "steps"}, "schedule is 'steps'"),
        ({"rate": float("nan")}, "rate is nan"),
    ],
)
def test_values_that_cannot_be_are_named(changes: dict, words: str) -> None:
    with pytest.raises(InputError) as raised:
        Plan(**changes).checked()
    assert words in str(raised.value)
