"""BoolQ: a yes/no question about a passage."""

from __future__ import annotations

from t5gemma_app.benchmarks.formatter import Formatter, Row, digest
from t5gemma_app.benchmarks.records import Benchmark, Example

BENCHMARK = Benchmark(
    name="boolq",
    splits=("train", "val"),
    labels=("False", "True"),
    clusters="the passage",
    metrics=("accuracy",),
    random_baseline=0.5,
    licence="CC BY-SA 3.0",
    about="Yes/no questions that people typed into a search engine, each with a paragraph of Wikipedia.",
)


def harness(row: Row) -> list[Example]:
    """Return the passage and the question, to be answered by the more probable of two words."""
    return [
        Example(
            id=str(row["idx"]),
            benchmark="boolq",
            formatter="boolq:harness@1",
            method="rank",
            context=f"{row['passage']}\nQuestion: {row['question']}?\nAnswer:",
            choices=(" no", " yes"),
            gold=row["label"],
            group=digest(row["passage"]),
            row=row,
        )
    ]


def text_to_text(row: Row) -> list[Example]:
    """Return T5's prompt, to be answered by writing `True` or `False`."""
    return [
        Example(
            id=str(row["idx"]),
            benchmark="boolq",
            formatter="boolq:t5@1",
            method="generate",
            context=f"boolq passage: {row['passage']} question: {row['question']}",
            choices=BENCHMARK.labels,
            gold=(BENCHMARK.labels[row["label"]],),
            group=digest(row["passage"]),
            row=row,
        )
    ]


def head(row: Row) -> list[Example]:
    """Return the passage and the question for a classification head."""
    return [
        Example(
            id=str(row["idx"]),
            benchmark="boolq",
            formatter="boolq:head@1",
            method="head",
            context=row["passage"],
            pair=row["question"],
            choices=BENCHMARK.labels,
            gold=row["label"],
            group=digest(row["passage"]),
            row=row,
        )
    ]


FORMATTERS = (
    Formatter(name="boolq:harness@1", method="rank", function=harness, classes=(0, 1)),
    Formatter(
        name="boolq:t5@1",
        method="generate",
        function=text_to_text,
        classes=(0, 1),
        words=BENCHMARK.labels,
        max_new_tokens=8,
    ),
    Formatter(name="boolq:head@1", method="head", function=head, classes=(0, 1)),
)
