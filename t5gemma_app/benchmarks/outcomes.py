"""From what a model gave to a prediction, and from that to right, wrong or unscored; the metrics come after."""

from __future__ import annotations

import math
from collections.abc import Sequence

from t5gemma_app.benchmarks import squad
from t5gemma_app.benchmarks.formatter import Formatter
from t5gemma_app.benchmarks.records import ChoiceRecord, Example, Outcome, Sample


def ranked(example: Example, logprobs: Sequence[float], tokens: Sequence[int] = ()) -> Sample:
    """Return the sample of a `rank` or `head` example: the choice with the largest log-probability, the first of ties.

    Args:
        example: What was asked.
        logprobs: One for each choice; for `rank` the sum over its tokens.
        tokens: How many tokens each choice has; left out for `head`.
    """
    counts = tokens or [0] * len(example.choices)
    if not len(logprobs) == len(counts) == len(example.choices):
        raise ValueError(f"{example.id}: {len(logprobs)} scores for {len(example.choices)} choices")
    choices = tuple(
        ChoiceRecord(text, float(logprob), count)
        for text, logprob, count in zip(example.choices, logprobs, counts, strict=True)
    )
    broken = [index for index, logprob in enumerate(logprobs) if math.isnan(logprob)]
    if broken:
        return _unscored(example, choices, f"Choice {broken[0]} has no log-probability.")
    best = max(range(len(logprobs)), key=logprobs.__getitem__)
    if math.isinf(logprobs[best]):
        return _unscored(example, choices, "No choice has a finite log-probability.")
    if isinstance(example.gold, tuple):
        return _text_sample(example, example.row["entities"][best], choices)
    scores = {"accuracy": float(best == example.gold)}
    if "entity" in example.row:
        scores |= {"right": float(logprobs[1]), **squad.best(example.row["entity"], example.row["answers"])}
    return _scored(example, best, choices, scores, right=best == example.gold)


def generated(example: Example, formatter: Formatter, text: str, tokens: int = 0) -> Sample:
    """Return the sample of a `generate` example; the text stands as its only choice, whatever became of it.

    Args:
        example: What was asked.
        formatter: The one that made the example; it knows how to read an answer.
        text: What the model wrote, without control markers.
        tokens: How many tokens it has.
    """
    choices = (ChoiceRecord(text, math.nan, tokens),)
    if not isinstance(example.gold, tuple):
        raise TypeError(f"{example.id}: a generated answer needs its right answers as texts")
    if not formatter.words:
        return _text_sample(example, text.strip(), choices)
    label = formatter.reader(example.row, text, formatter.words)
    if label is None:
        return _unscored(example, choices, f"The answer is none of {', '.join(formatter.words)}.")
    right = label in example.gold
    return _scored(example, label, choices, {"accuracy": float(right)}, right=right)


def _text_sample(example: Example, text: str, choices: tuple[ChoiceRecord, ...]) -> Sample:
    """Return the sample of an answer that is a text and right when it is one of several."""
    golds = example.gold if isinstance(example.gold, tuple) else ()
    scores = squad.best(text, golds)
    return _scored(example, text, choices, scores, right=scores["em"] == 1.0)


def _scored(
    example: Example, prediction: int | str, choices: tuple[ChoiceRecord, ...], scores: dict[str, float], *, right: bool
) -> Sample:
    return _sample(example, prediction, "right" if right else "wrong", choices, scores, "")


def _unscored(example: Example, choices: tuple[ChoiceRecord, ...], note: str) -> Sample:
    return _sample(example, None, "unscored", choices, {}, note)


def _sample(
    example: Example,
    prediction: int | str | None,
    outcome: Outcome,
    choices: tuple[ChoiceRecord, ...],
    scores: dict[str, float],
    note: str,
) -> Sample:
    return Sample(
        id=example.id,
        benchmark=example.benchmark,
        formatter=example.formatter,
        group=example.group,
        gold=example.gold,
        prediction=prediction,
        outcome=outcome,
        choices=choices,
        scores=scores,
        note=note,
    )
