"""COPA (choice of plausible alternatives): which of two sentences is the cause or the effect of a third?"""

from __future__ import annotations

from t5gemma_app.benchmarks.formatter import Formatter, Row, continued
from t5gemma_app.benchmarks.records import Benchmark, Example

BENCHMARK = Benchmark(
    name="copa",
    splits=("train", "val"),
    labels=("choice1", "choice2"),
    clusters="nothing: every row stands alone",
    metrics=("accuracy",),
    random_baseline=0.5,
    licence="BSD 2-Clause",
    about="Everyday premises with two alternatives, one of them the likelier cause or effect.",
)

_CONNECTORS = {"cause": "because", "effect": "therefore"}
_QUESTIONS = {"cause": "What was the cause?", "effect": "What happened as a result?"}


def harness(row: Row) -> list[Example]:
    """Return the premise with a connector, to be continued by the more probable alternative.

    The premise's last character is dropped whatever it is: the harness takes it for the period, so a premise without
    one loses a letter. Two spaces stand before an alternative, one of them the harness's delimiter.
    """
    context, choices = continued(
        f"{row['premise'].strip()[:-1]} {_CONNECTORS[row['question']]}",
        tuple(f"  {_lowered(row[name])}" for name in ("choice1", "choice2")),
    )
    return [
        Example(
            id=str(row["idx"]),
            benchmark="copa",
            formatter="copa:harness@1",
            method="rank",
            context=context,
            choices=choices,
            gold=row["label"],
            group=str(row["idx"]),
            row=row,
        )
    ]


def text_to_text(row: Row) -> list[Example]:
    """Return T5's prompt, to be answered by writing `choice1` or `choice2`."""
    return [
        Example(
            id=str(row["idx"]),
            benchmark="copa",
            formatter="copa:t5@1",
            method="generate",
            context=(
                f"copa choice1: {row['choice1']} choice2: {row['choice2']} "
                f"premise: {row['premise']} question: {row['question']}"
            ),
            choices=BENCHMARK.labels,
            gold=(BENCHMARK.labels[row["label"]],),
            group=str(row["idx"]),
            row=row,
        )
    ]


def head(row: Row) -> list[Example]:
    """Return the premise with its question, and both alternatives, for a head with two classes."""
    return [
        Example(
            id=str(row["idx"]),
            benchmark="copa",
            formatter="copa:head@1",
            method="head",
            context=f"{row['premise']} {_QUESTIONS[row['question']]}",
            pair=f"1: {row['choice1']} 2: {row['choice2']}",
            choices=BENCHMARK.labels,
            gold=row["label"],
            group=str(row["idx"]),
            row=row,
        )
    ]


def _lowered(text: str) -> str:
    return text[:1].lower() + text[1:]


FORMATTERS = (
    Formatter(name="copa:harness@1", method="rank", function=harness, classes=(0, 1)),
    Formatter(
        name="copa:t5@1",
        method="generate",
        function=text_to_text,
        classes=(0, 1),
        words=BENCHMARK.labels,
        max_new_tokens=8,
    ),
    Formatter(name="copa:head@1", method="head", function=head, classes=(0, 1)),
)
