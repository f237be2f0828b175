"""RTE (recognising textual entailment): does the premise entail the hypothesis?"""

from __future__ import annotations

from t5gemma_app.benchmarks.formatter import Formatter, Row, digest
from t5gemma_app.benchmarks.records import Benchmark, Example

BENCHMARK = Benchmark(
    name="rte",
    splits=("train", "val"),
    labels=("entailment", "not_entailment"),
    clusters="the premise",
    metrics=("accuracy",),
    random_baseline=0.5,
    licence="As its authors state: research use",
    about="Pairs of news and encyclopedia sentences from the RTE challenges; two-way entailment.",
)


def harness(row: Row) -> list[Example]:
    """Return the premise and the hypothesis as a true-or-false question."""
    return [
        Example(
            id=str(row["idx"]),
            benchmark="rte",
            formatter="rte:harness@1",
            method="rank",
            context=f"{row['premise']}\nQuestion: {row['hypothesis']} True or False?\nAnswer:",
            choices=(" True", " False"),
            gold=row["label"],
            group=digest(row["premise"]),
            row=row,
        )
    ]


def text_to_text(row: Row) -> list[Example]:
    """Return T5's prompt, to be answered by writing the label's name."""
    return [
        Example(
            id=str(row["idx"]),
            benchmark="rte",
            formatter="rte:t5@1",
            method="generate",
            context=f"rte hypothesis: {row['hypothesis']} premise: {row['premise']}",
            choices=BENCHMARK.labels,
            gold=(BENCHMARK.labels[row["label"]],),
            group=digest(row["premise"]),
            row=row,
        )
    ]


def head(row: Row) -> list[Example]:
    """Return premise and hypothesis for a classification head."""
    return [
        Example(
            id=str(row["idx"]),
            benchmark="rte",
            formatter="rte:head@1",
            method="head",
            context=row["premise"],
            pair=row["hypothesis"],
            choices=BENCHMARK.labels,
            gold=row["label"],
            group=digest(row["premise"]),
            row=row,
        )
    ]


FORMATTERS = (
    Formatter(name="rte:harness@1", method="rank", function=harness, classes=(0, 1)),
    Formatter(
        name="rte:t5@1",
        method="generate",
        function=text_to_text,
        classes=(0, 1),
        words=BENCHMARK.labels,
        max_new_tokens=16,
    ),
    Formatter(name="rte:head@1", method="head", function=head, classes=(0, 1)),
)
