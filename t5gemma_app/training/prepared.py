"""A task's rows read, checked and encoded, ready to be trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from t5gemma_app.engine.encode import TextEncoder
from t5gemma_app.training.data.reading import DataOrder, kind_of, read_data
from t5gemma_app.training.data.splits import DataReport
from t5gemma_app.training.encoding import Encoded, encode_answers, encode_texts, encode_words
from t5gemma_app.training.examples import Kind


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a run trains and is evaluated on."""

    kind: Kind
    labels: tuple[str, ...]
    commonest: int | None
    reports: tuple[DataReport, DataReport]
    train: Encoded
    evaluation: Encoded


def prepare(order: DataOrder, encoder: TextEncoder, longest: int, seed: int) -> Prepared:
    """Read, check and encode the rows of a task.

    Raises:
        InputError: A file, a row or a label is wrong; the message names the place.
    """
    kind, data = kind_of(order.task), read_data(order, seed)

    def encode(rows: Sequence[Any]) -> Encoded:
        if kind == "sequence":
            return encode_texts(encoder, rows, data.labels, longest)
        if kind == "token":
            return encode_words(encoder, rows, data.labels, longest)
        return encode_answers(encoder, rows, longest, turns=order.task == "chat")

    return Prepared(kind, data.labels, data.commonest, data.reports, encode(data.train), encode(data.evaluation))
