"""What a formatter is: a versioned pure function from a row to examples, and how its answers map to classes."""

from __future__ import annotations

import hashlib
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from t5gemma_app.benchmarks.records import Example, Method

Row = Mapping[str, Any]


Reader = Callable[[Row, str, tuple[str, ...]], str | None]
"""Reads a generated answer to a row as one of the label words, or as None where it is none."""


def label_word(row: Row, text: str, words: tuple[str, ...]) -> str | None:
    """Return the label word that a text is, apart from case, punctuation around it and white space.

    Args:
        row: Not read: a label word means the same for every row.
        text: What the model wrote.
        words: The label words.
    """
    bare = text.strip().strip(string.punctuation + string.whitespace).lower()
    return next((word for word in words if word.lower() == bare), None)


@dataclass(frozen=True, slots=True)
class Formatter:
    """A way to show a benchmark's rows to a model; a changed prompt is a new version, never an edit."""

    name: str
    """Benchmark, name and version, such as `boolq:harness@1`."""
    method: Method
    function: Callable[[Row], list[Example]]
    classes: tuple[int, ...] = ()
    """The class number of each choice; empty where answers are texts."""
    words: tuple[str, ...] = ()
    """What `generate` may write, in the order of `classes`; empty where any text is an answer."""
    reader: Reader = label_word
    """How `generate` reads an answer where there are label words."""
    max_new_tokens: int = 0
    """How long a generated answer may get."""

    def class_of(self, answer: int | str | None) -> int | None:
        """Return the class number of a choice's index or of a label word, or None where it has none."""
        if isinstance(answer, str):
            return self.classes[self.words.index(answer)] if answer in self.words else None
        if answer is None or not 0 <= answer < len(self.classes):
            return None
        return self.classes[answer]


def continued(context: str, choices: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """Move white space from the end of a context to the start of every choice.

    An encoder-decoder reads the two apart, and a space belongs to the word after it in the vocabulary.
    """
    kept = context.rstrip()
    moved = context[len(kept) :]
    return kept, tuple(moved + choice for choice in choices)


def digest(text: str) -> str:
    """Return a short name for a text, to group rows that share it."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
