"""Rows with the columns that a task needs, checked one by one; a wrong row is named with its file and line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from t5gemma_app.errors import InputError, did_you_mean
from t5gemma_app.tasks.turns import Role, Turn
from t5gemma_app.training.data.tables import Record

MAX_CHARACTERS = 100_000
"""Longest text of a row; a longer one is a file that was taken for a row."""
_TAG_COLUMNS = ("tags", "upos", "ner_tags", "labels")
_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant", "model": "assistant"}


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns hold what."""

    text: str = "text"
    pair: str | None = None
    label: str = "label"
    tokens: str = "tokens"
    tags: str | None = None
    """None takes the first of the usual names that is there."""
    prompt: str = "prompt"
    response: str = "response"


@dataclass(frozen=True, slots=True)
class TextRow:
    """A text, or two that belong together, with a label."""

    text: str
    pair: str | None
    label: str
    place: str


@dataclass(frozen=True, slots=True)
class WordRow:
    """Words with a tag each."""

    tokens: tuple[str, ...]
    tags: tuple[str, ...]
    place: str


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """Something to answer and its answer; `turns` is one text where no turns are written."""

    turns: tuple[Turn, ...]
    response: str
    place: str
    opened: bool = True
    """Whether the start of the answer's turn is written after the last turn."""


def text_row(record: Record, columns: Columns, max_characters: int = MAX_CHARACTERS) -> TextRow:
    """Read a text with its label.

    Raises:
        InputError: A column is missing or holds something else.
    """
    pair = None if columns.pair is None else _text(record, columns.pair, max_characters)
    label = _value(record, columns.label)
    if not isinstance(label, str | int | bool) or not str(label).strip():
        raise _wrong(record, columns.label, label, "A label is a word or a whole number.")
    return TextRow(_text(record, columns.text, max_characters), pair, str(label).strip(), record.place)


def word_row(record: Record, columns: Columns, max_characters: int = MAX_CHARACTERS) -> WordRow:
    """Read words with their tags.

    Raises:
        InputError: A column is missing, holds something else, or words and tags are not as many.
    """
    column = columns.tags or next((name for name in _TAG_COLUMNS if name in record.values), _TAG_COLUMNS[0])
    tokens, tags = _words(record, columns.tokens), _words(record, column)
    if len(tokens) != len(tags):
        raise InputError(
            f"{record.place} has {len(tokens)} tokens and {len(tags)} tags.",
            expected="There is one tag for each token.",
        )
    _refuse_long(record, columns.tokens, sum(map(len, tokens)), max_characters)
    return WordRow(tokens, tags, record.place)


def answer_row(record: Record, columns: Columns, max_characters: int = MAX_CHARACTERS) -> AnswerRow:
    """Read a prompt or a conversation with the answer to give.

    A row with `messages` is a conversation whose last message is the answer; `add_generation_prompt: false` leaves the
    start of the answer's turn out of what the model reads.

    Raises:
        InputError: A column is missing or holds something else.
    """
    if "messages" in record.values and columns.prompt not in record.values:
        turns = _turns(record, max_characters)
        if len(turns) < 2 or turns[-1].role != "assistant":
            raise InputError(f"{record.place} does not end with an answer.", expected="The assistant speaks last.")
        opened = record.values.get("add_generation_prompt", True)
        if not isinstance(opened, bool):
            raise _wrong(record, "add_generation_prompt", opened, "It is true or false.")
        return AnswerRow(turns[:-1], turns[-1].text, record.place, opened)
    prompt = _text(record, columns.prompt, max_characters)
    return AnswerRow((Turn("user", prompt),), _text(record, columns.response, max_characters), record.place)


def _turns(record: Record, max_characters: int) -> tuple[Turn, ...]:
    messages = record.values["messages"]
    if not isinstance(messages, list):
        raise _wrong(record, "messages", messages, "It is a list of messages.")
    turns = []
    for message in messages:
        role = _ROLES.get(message.get("role", "")) if isinstance(message, dict) else None
        text = message.get("content") if isinstance(message, dict) else None
        if role is None or not isinstance(text, str) or not text.strip():
            raise _wrong(record, "messages", message, "Each message has a role, user or assistant, and content.")
        _refuse_long(record, "messages", len(text), max_characters)
        turns.append(Turn(role, text))
    return tuple(turns)


def _value(record: Record, column: str) -> Any:
    if column not in record.values:
        raise InputError(
            f"{record.place} has no column {column!r}.",
            expected=f"It has {', '.join(record.values) or 'none'}.",
            remedy=did_you_mean(column, record.values),
        )
    return record.values[column]


def _text(record: Record, column: str, max_characters: int) -> str:
    value = _value(record, column)
    if not isinstance(value, str) or not value.strip():
        raise _wrong(record, column, value, "It is a text that is not empty.")
    _refuse_long(record, column, len(value), max_characters)
    return value


def _refuse_long(record: Record, column: str, characters: int, most: int) -> None:
    if characters > most:
        raise InputError(
            f"{record.place} has {characters:,} characters in {column!r}.",
            expected=f"A row has at most {most:,}.",
            remedy="Cut the row, or raise --max-characters.",
        )


def _words(record: Record, column: str) -> tuple[str, ...]:
    value = _value(record, column)
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        raise _wrong(record, column, value, "It is a list with at least one item.")
    if not all(isinstance(item, str | int) and str(item).strip() for item in value):
        raise _wrong(record, column, value, "Each item is a word that is not blank.")
    return tuple(str(item) for item in value)


def _wrong(record: Record, column: str, value: object, expected: str) -> InputError:
    return InputError(f"{record.place} has {str(value)[:60]!r} in {column!r}.", expected=expected)
