"""ReCoRD: which entity of a news passage fills the gap in a sentence about it? Several mentions may be right."""

from __future__ import annotations

import re

from t5gemma_app.benchmarks.formatter import Formatter, Row, continued
from t5gemma_app.benchmarks.records import Benchmark, Example

BENCHMARK = Benchmark(
    name="record",
    splits=("train", "val"),
    labels=(),
    clusters="the passage",
    metrics=("f1", "em"),
    random_baseline=None,
    licence="As its authors state: research use",
    about="News articles with their highlights; a sentence whose missing entity stands in the article.",
)

_GAP = "@placeholder"
_HIGHLIGHT = "\n@highlight\n"
_NO_YES = ("False", "True")


def harness(row: Row) -> list[Example]:
    """Return the article with its highlights as a list, to be continued by the query with each entity filled in.

    The context's closing line breaks stand at the start of every choice, then the harness's delimiter.
    """
    article, *highlights = row["passage"].strip().split(_HIGHLIGHT)
    listed = "".join(f"  - {highlight}.\n" for highlight in highlights)
    context, choices = continued(
        f"{article}\n\n{listed}",
        tuple(f"   - {row['query']}".replace(_GAP, entity) for entity in row["entities"]),
    )
    return [
        Example(
            id=_id(row),
            benchmark="record",
            formatter="record:harness@1",
            method="rank",
            context=context,
            choices=choices,
            gold=row["answers"],
            group=_group(row),
            row=row,
        )
    ]


def text_to_text(row: Row) -> list[Example]:
    """Return T5's prompt with all entities, to be answered by writing one; a query is asked once."""
    passage = re.sub(r"([.?!\"'])\n@highlight\n", r"\1 ", row["passage"]).replace(_HIGHLIGHT, ". ")
    return [
        Example(
            id=_id(row),
            benchmark="record",
            formatter="record:t5@1",
            method="generate",
            context=f"record query: {row['query']} entities: {', '.join(row['entities'])} passage: {passage}",
            choices=(),
            gold=row["answers"],
            group=_group(row),
            row=row,
        )
    ]


def head(row: Row) -> list[Example]:
    """Return one example an entity, passage and filled query, for a head that tells right from wrong.

    A query's answer is the entity that the head holds right with the largest probability.
    """
    return [
        Example(
            id=f"{_id(row)}-{number}",
            benchmark="record",
            formatter="record:head@1",
            method="head",
            context=row["passage"].replace(_HIGHLIGHT, "\n"),
            pair=row["query"].replace(_GAP, entity),
            choices=_NO_YES,
            gold=int(entity in row["answers"]),
            group=_group(row),
            row={**row, "entity": entity},
        )
        for number, entity in enumerate(row["entities"])
    ]


def _id(row: Row) -> str:
    return f"{row['idx']['passage']}-{row['idx']['query']}"


def _group(row: Row) -> str:
    return f"{row['idx']['passage']}/{row['idx']['query']}"


FORMATTERS = (
    Formatter(name="record:harness@1", method="rank", function=harness),
    Formatter(name="record:t5@1", method="generate", function=text_to_text, max_new_tokens=48),
    Formatter(name="record:head@1", method="head", function=head, classes=(0, 1)),
)
