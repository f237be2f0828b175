"""What is done with rows, as the file machinery sees it: rows in, one result a row out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

Kind = Literal["text", "number", "json"]


@dataclass(frozen=True, slots=True)
class Field:
    """A field that is added to each row."""

    name: str
    kind: Kind = "text"
    """`json` is written as JSON text where a format has no nested values."""


ERROR = Field("error")
"""Is added to every row last: why it has no result; empty where it has one."""


@dataclass(frozen=True, slots=True)
class RowInput:
    """What of a row is worked on."""

    number: int
    """Its place in the file, from 0."""
    values: tuple[Any, ...]
    """Of the chosen columns, as the file holds them; None where it has none."""


@dataclass(frozen=True, slots=True)
class RowResult:
    """What came of a row."""

    values: dict[str, Any] = field(default_factory=dict)
    """By the name of the field; JSON values."""
    tally: tuple[str, ...] = ()
    """What to count of it, such as its label."""
    error: str = ""


class RowWork(Protocol):
    """Works on rows."""

    @property
    def fields(self) -> tuple[Field, ...]:
        """What it adds to each row, `error` left out."""
        ...

    def prepare(self) -> Iterator[str]:
        """Bring into memory what is needed, yielding what goes on."""
        ...

    def results(self, rows: Sequence[RowInput]) -> list[RowResult]:
        """Return a result for each row, in their order; the result must not depend on what else is among them."""
        ...


def text_of(value: Any) -> str:
    """Return a cell's text; numbers become text.

    Raises:
        ValueError: There is none; the message says so in words for people.
    """
    if value is None:
        raise ValueError("There is no text in this row.")
    if isinstance(value, bool | list | dict | bytes):
        raise ValueError(f"This is {_WORDS[type(value)]}, not a text.")
    text = str(value)
    if not text.strip():
        raise ValueError("The text is empty.")
    return text


_WORDS: dict[type, str] = {bool: "true or false", list: "a list", dict: "an object", bytes: "binary"}
