"""CB (CommitmentBank): does a text commit its writer to a clause that is embedded in it?"""

from __future__ import annotations

from t5gemma_app.benchmarks.formatter import Formatter, Row, digest
from t5gemma_app.benchmarks.records import Benchmark, Example

BENCHMARK = Benchmark(
    name="cb",
    splits=("train", "val"),
    labels=("entailment", "contradiction", "neutral"),
    clusters="the premise",
    metrics=("accuracy", "f1"),
    random_baseline=1 / 3,
    licence="As its authors state: research use",
    about="Short texts with an embedded clause; three-way entailment, few rows and uneven classes.",
)


def harness(row: Row) -> list[Example]:
    """Return the premise and the hypothesis as a question with three answers."""
    return [
        Example(
            id=str(row["idx"]),
            benchmark="cb",
            formatter="cb:harness@1",
            method="rank",
            context=f"{row['premise']}\nQuestion: {row['hypothesis']}. True, False, or Neither?\nAnswer:",
            choices=(" True", " False", " Neither"),
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
            benchmark="cb",
            formatter="cb:t5@1",
            method="generate",
            context=f"cb hypothesis: {row['hypothesis']} premise: {row['premise']}",
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
            benchmark="cb",
            formatter="cb:head@1",
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
    Formatter(name="cb:harness@1", method="rank", function=harness, classes=(0, 1, 2)),
    Formatter(
        name="cb:t5@1",
        method="generate",
        function=text_to_text,
        classes=(0, 1, 2),
        words=BENCHMARK.labels,
        max_new_tokens=16,
    ),
    Formatter(name="cb:head@1", method="head", function=head, classes=(0, 1, 2)),
)
