"""MultiRC: is an answer to a question about a paragraph correct? A question may have several correct answers."""

from __future__ import annotations

import ast
import re

from t5gemma_app.benchmarks.formatter import Formatter, Row
from t5gemma_app.benchmarks.records import Benchmark, Example

BENCHMARK = Benchmark(
    name="multirc",
    splits=("train", "val"),
    labels=("False", "True"),
    clusters="the paragraph; the answers of a question are judged together for EM",
    metrics=("f1a", "em"),
    random_baseline=0.5,
    licence="As its authors state: research use",
    about="Questions over several sentences of a paragraph; every proposed answer is true or false on its own.",
)


def harness(row: Row) -> list[Example]:
    """Return paragraph and question, to be continued by the answer and a verdict, `yes` first.

    The harness takes the label for the index of the right choice, which would make a perfect model score 0; here the
    index is put right: a correct answer's gold is 0.
    """
    return [
        Example(
            id=_id(row),
            benchmark="multirc",
            formatter="multirc:harness@1",
            method="rank",
            context=f"{row['paragraph']}\nQuestion: {row['question']}\nAnswer:",
            choices=tuple(f" {_judged(row['answer'], verdict)}" for verdict in ("yes", "no")),
            gold=1 - row["label"],
            group=_group(row),
            row=row,
        )
    ]


def text_to_text(row: Row) -> list[Example]:
    """Return T5's prompt without its HTML marks, to be answered by writing `True` or `False`."""
    joined = f"multirc question: {row['question']} answer: {row['answer']} paragraph: {row['paragraph']}"
    return [
        Example(
            id=_id(row),
            benchmark="multirc",
            formatter="multirc:t5@1",
            method="generate",
            context=re.sub("</?b>", "", joined.replace("<br>", " ")),
            choices=BENCHMARK.labels,
            gold=(BENCHMARK.labels[row["label"]],),
            group=_group(row),
            row=row,
        )
    ]


def head(row: Row) -> list[Example]:
    """Return the paragraph, and question with answer, for a head with two classes."""
    return [
        Example(
            id=_id(row),
            benchmark="multirc",
            formatter="multirc:head@1",
            method="head",
            context=row["paragraph"],
            pair=f"{row['question']} {row['answer']}",
            choices=BENCHMARK.labels,
            gold=row["label"],
            group=_group(row),
            row=row,
        )
    ]


def _id(row: Row) -> str:
    return "-".join(str(row["idx"][part]) for part in ("paragraph", "question", "answer"))


def _group(row: Row) -> str:
    return f"{row['idx']['paragraph']}/{row['idx']['question']}"


def _judged(answer: str, verdict: str) -> str:
    """Return the answer and the verdict as the harness joins them.

    It reads them as a triple-quoted Python string, in which a backslash of an answer acts as an escape. Where that
    can't be read the harness stops; here the answer then stands as it is.
    """
    plain = f"{answer}\nIs the answer correct? {verdict}"
    if not any(mark in answer for mark in ("\\", "'''", "\r")):
        return plain
    source = re.sub(r"\\(.)", _escape, f"{answer}\\nIs the answer correct? {verdict}", flags=re.DOTALL)
    try:
        read = ast.literal_eval(f"'''{source}'''")
    except (SyntaxError, ValueError):
        return plain
    return read if isinstance(read, str) else plain


def _escape(found: re.Match[str]) -> str:
    """Return an escape as it is, and a backslash that starts none doubled, as Python reads it but without a warning."""
    return found[0] if found[1] in "\n\\'\"abfnrtv01234567xNuU" else f"\\{found[0]}"


FORMATTERS = (
    Formatter(name="multirc:harness@1", method="rank", function=harness, classes=(1, 0)),
    Formatter(
        name="multirc:t5@1",
        method="generate",
        function=text_to_text,
        classes=(0, 1),
        words=BENCHMARK.labels,
        max_new_tokens=8,
    ),
    Formatter(name="multirc:head@1", method="head", function=head, classes=(0, 1)),
)
