"""WSC (Winograd schema challenge): does a pronoun refer to a given noun?"""

from __future__ import annotations

import re
import string

from t5gemma_app.benchmarks.formatter import Formatter, Row, digest
from t5gemma_app.benchmarks.records import Benchmark, Example

BENCHMARK = Benchmark(
    name="wsc",
    splits=("train", "val"),
    labels=("False", "True"),
    clusters="the sentence",
    metrics=("accuracy",),
    random_baseline=0.5,
    licence="CC BY 4.0",
    about="Sentences with a pronoun that only common sense can resolve, and a noun that it may refer to.",
)

_JOINS = ((" n't", "n't"), (" )", ")"), ("( ", "("), ('" ', '"'), (' "', '"'), (" '", "'"), (" .", "."), (" ,", ","))
"""Gaps that tokenised text has and printed text has not, in the order in which the harness closes them."""

_DETERMINERS = (
    *("a", "an", "few", "her", "his", "each", "every", "many", "much", "my", "our", "some"),
    *("that", "the", "their", "these", "this", "those", "which", "whose", "your"),
)


def harness(row: Row) -> list[Example]:
    """Return the passage with the pronoun between asterisks, and a question about the noun.

    The pronoun is found by its number among the words; what follows is cut by characters, so where the text has runs
    of spaces or punctuation that clings to the pronoun the harness's passage loses or repeats some, and so does this.
    """
    before = " ".join(row["text"].split()[: row["span2_index"]])
    after = row["text"][len(before) + len(row["span2_text"]) + 1 :]
    passage = _printed(f"{before} *{row['span2_text']}*{after}")
    return [
        Example(
            id=str(row["idx"]),
            benchmark="wsc",
            formatter="wsc:harness@1",
            method="rank",
            context=(
                f"Passage: {passage}\n"
                f'Question: In the passage above, does the pronoun "*{row["span2_text"]}*" '
                f'refer to "*{row["span1_text"]}*"?\nAnswer:'
            ),
            choices=(" no", " yes"),
            gold=row["label"],
            group=digest(row["text"]),
            row=row,
        )
    ]


def text_to_text(row: Row) -> list[Example]:
    """Return the text with the pronoun between asterisks, to be answered by writing whom or what it refers to.

    The answer is compared with the given noun, and whether they match with the row's label.
    """
    start, end = _pronoun(row)
    return [
        Example(
            id=str(row["idx"]),
            benchmark="wsc",
            formatter="wsc:t5@1",
            method="generate",
            context=f"wsc: {row['text'][:start]}*{row['text'][start:end]}*{row['text'][end:]}",
            choices=BENCHMARK.labels,
            gold=(BENCHMARK.labels[row["label"]],),
            group=digest(row["text"]),
            row=row,
        )
    ]


def head(row: Row) -> list[Example]:
    """Return the text with the noun between asterisks and the pronoun between hashes, for a head with two classes."""
    text = row["text"]
    noun, pronoun = _noun(row), _pronoun(row)
    marks = ((noun[0], "* "), (noun[1], " *"), (pronoun[0], "# "), (pronoun[1], " #"))
    for place, mark in sorted(marks, reverse=True):
        text = f"{text[:place]}{mark}{text[place:]}"
    return [
        Example(
            id=str(row["idx"]),
            benchmark="wsc",
            formatter="wsc:head@1",
            method="head",
            context=text,
            choices=BENCHMARK.labels,
            gold=row["label"],
            group=digest(row["text"]),
            row=row,
        )
    ]


def referent(row: Row, text: str, words: tuple[str, ...]) -> str | None:
    """Return `True` where a text names the row's noun, `False` where it names something else, None where it is empty.

    As in T5, case and determiners don't count and one may have words that the other lacks ("fuzzy bunny", "bunny"),
    but "Bob" does not name "Bob's hat".
    """
    named, noun = _content(text), _content(row["span1_text"])
    if not named:
        return None
    possessive = ("'" in "".join(named), "'" in "".join(noun))
    matches = bool(noun) and possessive[0] == possessive[1] and (named <= noun or noun <= named)
    return words[int(matches)]


def _content(text: str) -> set[str]:
    return set(text.lower().split()).difference(_DETERMINERS)


def _printed(text: str) -> str:
    for gap, joined in _JOINS:
        text = text.replace(gap, joined)
    return text


def _words(text: str) -> list[tuple[int, int]]:
    return [match.span() for match in re.finditer(r"\S+", text)]


def _noun(row: Row) -> tuple[int, int]:
    """Return the characters of the noun: as many words from its index on as it has."""
    words = _words(row["text"])
    first = min(row["span1_index"], len(words) - 1)
    last = min(first + len(row["span1_text"].split()), len(words)) - 1
    return words[first][0], words[max(first, last)][1]


def _pronoun(row: Row) -> tuple[int, int]:
    """Return the characters of the pronoun, without the punctuation that clings to it.

    It stands at its index, or, as a few official rows point a word or more short of it, at the nearest word after.
    """
    words = _words(row["text"])
    first = min(row["span2_index"], len(words) - 1)
    sought = row["span2_text"].strip(string.punctuation + string.whitespace).lower()
    for start, end in words[first:]:
        word = row["text"][start:end]
        bare = word.strip(string.punctuation)
        if bare and bare.lower() == sought:
            offset = start + word.index(bare)
            return offset, offset + len(bare)
    return words[first]


FORMATTERS = (
    Formatter(name="wsc:harness@1", method="rank", function=harness, classes=(0, 1)),
    Formatter(
        name="wsc:t5@1",
        method="generate",
        function=text_to_text,
        classes=(0, 1),
        words=BENCHMARK.labels,
        reader=referent,
        max_new_tokens=32,
    ),
    Formatter(name="wsc:head@1", method="head", function=head, classes=(0, 1)),
)
