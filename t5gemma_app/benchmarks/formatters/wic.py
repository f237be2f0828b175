"""WiC (word in context): is a word used in the same sense in two sentences?"""

from __future__ import annotations

from t5gemma_app.benchmarks.formatter import Formatter, Row
from t5gemma_app.benchmarks.records import Benchmark, Example

BENCHMARK = Benchmark(
    name="wic",
    splits=("train", "val"),
    labels=("False", "True"),
    clusters="the word",
    metrics=("accuracy",),
    random_baseline=0.5,
    licence="CC BY-NC 4.0",
    about="Pairs of dictionary sentences that share a word, in the same sense or in different ones.",
)


def harness(row: Row) -> list[Example]:
    """Return both sentences and a question about the word as the first sentence writes it."""
    word = row["sentence1"][row["start1"] : row["end1"]]
    return [
        Example(
            id=str(row["idx"]),
            benchmark="wic",
            formatter="wic:harness@1",
            method="rank",
            context=(
                f"Sentence 1: {row['sentence1']}\nSentence 2: {row['sentence2']}\n"
                f"Question: Is the word '{word}' used in the same way in the two sentences above?\nAnswer:"
            ),
            choices=(" no", " yes"),
            gold=row["label"],
            group=_group(row),
            row=row,
        )
    ]


def text_to_text(row: Row) -> list[Example]:
    """Return T5's prompt, which does not show where the word stands, to be answered by `True` or `False`."""
    return [
        Example(
            id=str(row["idx"]),
            benchmark="wic",
            formatter="wic:t5@1",
            method="generate",
            context=f"wic sentence1: {row['sentence1']} sentence2: {row['sentence2']} word: {row['word']}",
            choices=BENCHMARK.labels,
            gold=(BENCHMARK.labels[row["label"]],),
            group=_group(row),
            row=row,
        )
    ]


def head(row: Row) -> list[Example]:
    """Return both sentences with the word between asterisks, for a head with two classes."""
    return [
        Example(
            id=str(row["idx"]),
            benchmark="wic",
            formatter="wic:head@1",
            method="head",
            context=_marked(row["sentence1"], row["start1"], row["end1"]),
            pair=_marked(row["sentence2"], row["start2"], row["end2"]),
            choices=BENCHMARK.labels,
            gold=row["label"],
            group=_group(row),
            row=row,
        )
    ]


def _marked(sentence: str, start: int, end: int) -> str:
    return f"{sentence[:start]}* {sentence[start:end]} *{sentence[end:]}"


def _group(row: Row) -> str:
    return str(row["word"]).replace("/", "|")


FORMATTERS = (
    Formatter(name="wic:harness@1", method="rank", function=harness, classes=(0, 1)),
    Formatter(
        name="wic:t5@1",
        method="generate",
        function=text_to_text,
        classes=(0, 1),
        words=BENCHMARK.labels,
        max_new_tokens=8,
    ),
    Formatter(name="wic:head@1", method="head", function=head, classes=(0, 1)),
)
