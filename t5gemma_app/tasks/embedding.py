"""Texts as vectors of an encoder, and how alike they are."""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, get_args

from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.engine.types import Engine, Pooling, Vector
from t5gemma_app.errors import InputError
from t5gemma_app.tasks.conversation import replace_surrogates

POOLINGS: tuple[Pooling, ...] = get_args(Pooling)


class Near(NamedTuple):
    """A row that is near a question."""

    row: int
    """Its number, from 0."""
    similarity: float


@dataclass(frozen=True, slots=True)
class Embedder:
    """Turns texts into vectors through an engine."""

    engine: Engine
    max_text: int | None = None
    """Characters a text may have; None takes any number."""

    def embed(
        self,
        checkpoint: Checkpoint,
        texts: Sequence[str],
        pooling: str = "mean",
        *,
        urgent: bool = False,
        visitor: str = "",
    ) -> list[Vector]:
        """Return a vector of length 1 for each text, in the order given; each alone would give the same.

        Args:
            checkpoint: Any; its encoder alone is used.
            texts: At least one character each.
            pooling: `mean` over the tokens, or the `last` token.
            urgent: Whether somebody waits for it.
            visitor: Who does; visitors take turns, and have so many requests each.

        Raises:
            InputError: A text is empty or longer than is read, or there is no such pooling.
            BusyError: Too many wait, of all or of this visitor.
        """
        chosen = self.pooling(pooling)
        cleaned = [replace_surrogates(text) for text in texts]
        for number, text in enumerate(cleaned, start=1):
            self._refuse(number, len(cleaned), text)
        vectors = self.engine.embed(checkpoint, cleaned, chosen, urgent=urgent, visitor=visitor)
        for number, vector in enumerate(vectors, start=1):
            if not vector:
                limit = f"{checkpoint.encoder.positions:,}" if checkpoint.encoder else "fewer"
                raise InputError(
                    f"{_which(number, len(cleaned))} is longer than {checkpoint.name} reads.",
                    expected=f"At most {limit} tokens.",
                    remedy="Shorten it, or split it.",
                )
        return vectors

    @staticmethod
    def pooling(name: str) -> Pooling:
        """Return a pooling by its name.

        Raises:
            InputError: There is no such one.
        """
        chosen = next((known for known in POOLINGS if known == name), None)
        if chosen is None:
            raise InputError(f"There is no pooling {name!r}.", expected=f"It is one of {', '.join(POOLINGS)}.")
        return chosen

    def _refuse(self, number: int, of: int, text: str) -> None:
        if not text.strip():
            raise InputError(f"{_which(number, of)} is empty.", expected="At least one word.")
        if self.max_text is not None and len(text) > self.max_text:
            raise InputError(
                f"{_which(number, of)} has {len(text):,} characters.",
                expected=f"This server takes {self.max_text:,}.",
                remedy="Shorten it, or raise T5GEMMA_MAX_TEXT.",
            )


def similarity(one: Vector, other: Vector) -> float:
    """Return the cosine of two vectors of length 1: 1 for the same direction, 0 for nothing in common."""
    return max(-1.0, min(1.0, math.sumprod(one, other) if hasattr(math, "sumprod") else _sumprod(one, other)))


def similarities(rows: Sequence[Vector], columns: Sequence[Vector]) -> list[list[float]]:
    """Return the similarity of each of `rows` with each of `columns`."""
    return [[similarity(row, column) for column in columns] for row in rows]


def nearest(question: Vector, rows: Sequence[Vector], count: int) -> list[Near]:
    """Return the rows that are most like a question, the nearest first; of equal ones the earlier."""
    found = [Near(number, similarity(question, row)) for number, row in enumerate(rows)]
    return heapq.nsmallest(count, found, key=lambda near: (-near.similarity, near.row))


def _sumprod(one: Vector, other: Vector) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def _which(number: int, of: int) -> str:
    return "The text" if of == 1 else f"Text {number}"
