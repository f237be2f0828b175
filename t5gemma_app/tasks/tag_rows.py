"""Rows of files, tagged: a column of texts, or one of given words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any

from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.errors import InputError, OutOfMemoryError
from t5gemma_app.tasks.extraction import Extractor
from t5gemma_app.tasks.files.work import Field, RowInput, RowResult, text_of
from t5gemma_app.tasks.tagging import Tagged, Tagger, TagInput, TagOptions, text_input, token_input

TASK = "tag"
SPANS, TAGS = Field("spans", "json"), Field("tags", "json")


@dataclass(frozen=True, slots=True)
class TagOrder:
    """How a file's rows are tagged."""

    options: TagOptions = field(default_factory=TagOptions)
    labels: str = ""
    """What to ask a checkpoint without a head for, parted by commas."""
    every: bool = True
    """Whether all places of an answer count, or the first alone."""
    words: bool = False
    """Whether the column holds words in place of a text."""

    def to_data(self) -> dict[str, Any]:
        """Return the order as JSON values; `read_order` takes them back."""
        return asdict(self)


def read_order(data: Mapping[str, Any]) -> TagOrder:
    """Return an order from JSON values."""
    values = dict(data)
    return TagOrder(options=TagOptions(**values.pop("options", {})), **values)


@dataclass(frozen=True, slots=True)
class TagRows:
    """Tags rows with a head, or by asking for labels."""

    tagger: Tagger
    extractor: Extractor
    checkpoint: Checkpoint
    order: TagOrder

    @property
    def fields(self) -> tuple[Field, ...]:
        """What each row gets: spans, and one tag a word where words are given."""
        return (TAGS, SPANS) if self.order.words else (SPANS,)

    def prepare(self) -> Iterator[str]:
        """Load the checkpoint."""
        for loading in self.tagger.engine.load(self.checkpoint):
            yield f"loading {self.checkpoint.name}: {loading.stage}"

    def results(self, rows: Sequence[RowInput]) -> list[RowResult]:
        """Return what is found in each row; a row that can't be read says why."""
        inputs = [self._input(row.values[0]) for row in rows]
        found = iter(self._tag([one for one in inputs if isinstance(one, TagInput)]))
        return [next(found) if isinstance(one, TagInput) else RowResult(error=one) for one in inputs]

    def _tag(self, inputs: Sequence[TagInput]) -> list[RowResult]:
        """Tag texts together; where that fails for one of them, in halves, down to the one that is too much."""
        if not inputs:
            return []
        try:
            return [self._result(tagged) for tagged in self._tagged(inputs)]
        except (OutOfMemoryError, InputError) as error:
            if len(inputs) == 1:
                return [RowResult(error=error.what)]
        half = len(inputs) // 2
        return self._tag(inputs[:half]) + self._tag(inputs[half:])

    def _tagged(self, inputs: Sequence[TagInput]) -> list[Tagged]:
        if self.checkpoint.head == "token":
            return self.tagger.tag(self.checkpoint, inputs, self.order.options)
        texts = [one.text for one in inputs]
        found = self.extractor.find(self.checkpoint, texts, self.order.labels, every=self.order.every)
        return [one.tagged for one in found]

    def _result(self, tagged: Tagged) -> RowResult:
        values: dict[str, Any] = {"spans": [span.to_dict() for span in tagged.spans]}
        if self.order.words:
            values["tags"] = list(tagged.tags)
        return RowResult(values, tuple(dict.fromkeys(span.label for span in tagged.spans)))

    def _input(self, value: Any) -> TagInput | str:
        """Return a row's text or words, or why it has none."""
        try:
            return token_input(words_of(value)) if self.order.words else text_input(text_of(value))
        except ValueError as error:
            return str(error)
        except InputError as error:
            return error.what


def tag_rows(
    tagger: Tagger, extractor: Extractor, checkpoint: Checkpoint, order: TagOrder | Mapping[str, Any]
) -> TagRows:
    """Return what tags rows as somebody wishes.

    Raises:
        InputError: The wishes don't fit the checkpoint.
    """
    if not isinstance(order, TagOrder):
        order = read_order(order)
    if checkpoint.head == "none":
        extractor.checked(checkpoint, "a text", order.labels)
        if order.words:
            raise InputError(
                f"{checkpoint.name} has no token head, so it can't give each word a tag.",
                remedy="Choose a column with texts, or a checkpoint with a token head.",
            )
        return TagRows(tagger, extractor, checkpoint, order)
    if order.labels.strip():
        raise InputError(
            f"{checkpoint.name} has labels of its own.",
            remedy="Leave the labels out, or choose a checkpoint that writes to look for yours.",
        )
    tagger.labels(checkpoint, order.options.checked())
    if order.words and order.options.aggregation == "none":
        raise InputError("Given words need an aggregation.", expected="It is first, average or max.")
    return TagRows(tagger, extractor, checkpoint, order)


def words_of(value: Any) -> list[str]:
    """Return a cell's words: a list of texts, also one that is written as JSON, or a text with blanks between them.

    Raises:
        ValueError: It is neither; the message says so in words for people.
    """
    if isinstance(value, str) and value.lstrip().startswith("["):
        with suppress(ValueError):  # a text that begins with a bracket
            value = json.loads(value)
    if isinstance(value, list):
        if not all(isinstance(word, str) for word in value):
            raise ValueError("The list holds something else than words.")
        return value
    return text_of(value).split()


def holds_words(value: Any) -> bool:
    """Return whether a cell holds a list of words and no text."""
    try:
        return not isinstance(value, str) and bool(words_of(value)) and isinstance(value, list)
    except ValueError:
        return False
