"""Texts and windows as rows of ids for a head, and what the head said back in the order of the texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from t5gemma_app.checkpoints.records import Checkpoint, Head
from t5gemma_app.engine.encode import TextEncoder
from t5gemma_app.engine.types import HeadInput, HeadOutput, Logits, Window
from t5gemma_app.errors import InputError

HAS: dict[Head, str] = {
    "none": "writes text",
    "sequence": "has a sequence head, which labels texts",
    "token": "has a token head, which labels words",
    "encoder": "is an encoder alone",
}


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of ids, those that the encoder can read among them."""

    every: list[list[int]]
    limit: int | None
    """Tokens a row may have, or None."""
    before: int = 0
    """Marks in front of a row's own ids."""
    own: tuple[int, ...] = ()
    """How many ids of each row are its own."""

    @property
    def fitting(self) -> list[list[int]]:
        """The rows that can be read, in order."""
        return [row for row in self.every if self._fits(row)]

    def outputs(self, logits: Sequence[Logits]) -> list[HeadOutput]:
        """Return a sequence head's answers, one a row."""
        found = iter(logits)
        return [HeadOutput(next(found) if self._fits(row) else (), len(row)) for row in self.every]

    def labelled(self, logits: Sequence[tuple[Logits, ...]]) -> list[tuple[Logits, ...]]:
        """Return a token head's answers of each row's own ids."""
        found = iter(logits)
        return [
            next(found)[self.before : self.before + own] if self._fits(row) else ()
            for row, own in zip(self.every, self.own, strict=True)
        ]

    def _fits(self, row: Sequence[int]) -> bool:
        return bool(row) and (self.limit is None or len(row) <= self.limit)


def input_rows(encoder: TextEncoder, inputs: Sequence[HeadInput], limit: int | None) -> Rows:
    """Return texts and pairs as rows."""
    rows = [
        encoder.paired_ids(one.text, one.pair)
        if one.longest is None
        else encoder.shortened_ids(one.text, one.pair, one.longest)
        for one in inputs
    ]
    return Rows(rows, limit)


def window_rows(encoder: TextEncoder, windows: Sequence[Window], limit: int | None) -> Rows:
    """Return windows as rows, each with the tokenizer's marks around it."""
    framed = [encoder.windowed_ids(window) for window in windows]
    before = framed[0][1] if framed else 0
    return Rows([row for row, _ in framed], limit, before, tuple(map(len, windows)))


def read_limit(checkpoint: Checkpoint) -> int | None:
    """Return how many tokens a checkpoint's encoder reads at most; None where that is not known."""
    return checkpoint.encoder.positions if checkpoint.encoder else None


def require_head(checkpoint: Checkpoint, head: Head) -> None:
    """Raise `InputError` where a checkpoint can't do what is asked of it."""
    if checkpoint.head != head:
        raise InputError(
            f"{checkpoint.name} {HAS[checkpoint.head]}.", expected=f"This takes a checkpoint that {HAS[head]}."
        )
