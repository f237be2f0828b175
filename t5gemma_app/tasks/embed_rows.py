"""Rows of files as vectors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.engine.types import Pooling, Vector
from t5gemma_app.errors import OutOfMemoryError
from t5gemma_app.tasks.conversation import replace_surrogates
from t5gemma_app.tasks.embedding import Embedder
from t5gemma_app.tasks.files.work import Field, RowInput, RowResult, text_of

TASK = "embed"
EMBEDDING = Field("embedding", "json")


@dataclass(frozen=True, slots=True)
class EmbedRows:
    """Turns a column of texts into vectors."""

    embedder: Embedder
    checkpoint: Checkpoint
    pooling: Pooling = "mean"

    @property
    def fields(self) -> tuple[Field, ...]:
        """What each row gets."""
        return (EMBEDDING,)

    def prepare(self) -> Iterator[str]:
        """Load the checkpoint."""
        for loading in self.embedder.engine.load(self.checkpoint):
            yield f"loading {self.checkpoint.name}: {loading.stage}"

    def results(self, rows: Sequence[RowInput]) -> list[RowResult]:
        """Return each row's vector; a row that can't be read says why."""
        texts: list[str | None] = []
        errors: list[str] = []
        for row in rows:
            try:
                texts.append(replace_surrogates(text_of(row.values[0])))
                errors.append("")
            except ValueError as error:
                texts.append(None)
                errors.append(str(error))
        vectors = iter(self._embed([text for text in texts if text is not None]))
        return [
            RowResult(error=error) if text is None else self._result(next(vectors))
            for text, error in zip(texts, errors, strict=True)
        ]

    def _embed(self, texts: Sequence[str]) -> list[Vector | None]:
        """Embed texts together; where the memory does not suffice, in halves, down to the one that is too much."""
        if not texts:
            return []
        try:
            return list(self.embedder.engine.embed(self.checkpoint, texts, self.pooling))
        except OutOfMemoryError:
            if len(texts) == 1:
                return [None]
        half = len(texts) // 2
        return self._embed(texts[:half]) + self._embed(texts[half:])

    def _result(self, vector: Vector | None) -> RowResult:
        if vector is None:
            return RowResult(error="There was not enough memory for this text.")
        if not vector:
            limit = self.checkpoint.encoder.positions if self.checkpoint.encoder else 0
            return RowResult(error=f"The text is longer than the {limit:,} tokens that {self.checkpoint.name} reads.")
        # Eight digits tell float32 numbers below 1 apart as far as a product of two vectors can show.
        return RowResult({EMBEDDING.name: [float(f"{value:.8g}") for value in vector]})
