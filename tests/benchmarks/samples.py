"""Small examples and samples for the tests of this layer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from t5gemma_app.benchmarks.records import ChoiceRecord, Example, Outcome, Sample

GOLDEN = Path(__file__).parent / "golden"


def example(**changes: Any) -> Example:
    values: dict[str, Any] = {
        "id": "1",
        "benchmark": "boolq",
        "formatter": "boolq:harness@1",
        "method": "rank",
        "context": "Is it?",
        "choices": (" no", " yes"),
        "gold": 1,
        "group": "g",
    }
    return Example(**{**values, **changes})


def sample(
    gold: int | tuple[str, ...],
    prediction: int | str | None,
    *,
    group: str = "g",
    outcome: Outcome | None = None,
    scores: dict[str, float] | None = None,
    name: str = "1",
) -> Sample:
    right = prediction in gold if isinstance(gold, tuple) else prediction == gold
    judged: Outcome = "right" if right else "wrong"
    return Sample(
        id=name,
        benchmark="b",
        formatter="b:f@1",
        group=group,
        gold=gold,
        prediction=prediction,
        outcome=outcome or ("unscored" if prediction is None else judged),
        choices=(ChoiceRecord(" no", -1.5, 1),),
        scores=scores if scores is not None else {},
    )
