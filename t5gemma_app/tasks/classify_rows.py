"""Rows of files, classified."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.engine.types import HeadInput
from t5gemma_app.errors import InputError, OutOfMemoryError
from t5gemma_app.tasks.classification import Classification, Classifier, ClassifyOptions
from t5gemma_app.tasks.files.work import Field, RowInput, RowResult, text_of
from t5gemma_app.tasks.verdicts import Unread, Verdict

TASK = "classify"
FIELDS = (Field("label"), Field("score", "number"), Field("scores", "json"))
"""The chosen label, the most probable one's probability, and all of them; a head that answers with a number has it as
its score."""
DIGITS = 6


@dataclass(frozen=True, slots=True)
class ClassifyRows:
    """Classifies a column of texts, or two of pairs."""

    classification: Classification
    checkpoint: Checkpoint
    classifier: Classifier

    @property
    def fields(self) -> tuple[Field, ...]:
        """What each row gets."""
        return FIELDS

    def prepare(self) -> Iterator[str]:
        """Load the checkpoint."""
        for loading in self.classification.engine.load(self.checkpoint):
            yield f"loading {self.checkpoint.name}: {loading.stage}"

    def results(self, rows: Sequence[RowInput]) -> list[RowResult]:
        """Return what is said of each row; a row that can't be read says why."""
        inputs = [self._input(row) for row in rows]
        found = iter(self._classify([one for one in inputs if isinstance(one, HeadInput)]))
        return [next(found) if isinstance(one, HeadInput) else RowResult(error=one) for one in inputs]

    def _classify(self, inputs: Sequence[HeadInput]) -> list[RowResult]:
        """Classify texts together; where the memory does not suffice, in halves, down to the one that is too much."""
        if not inputs:
            return []
        try:
            return [row_result(verdict) for verdict in self.classifier.classify(inputs)]
        except OutOfMemoryError:
            if len(inputs) == 1:
                return [RowResult(error="There was not enough memory for this text.")]
        half = len(inputs) // 2
        return self._classify(inputs[:half]) + self._classify(inputs[half:])

    def _input(self, row: RowInput) -> HeadInput | str:
        """Return a row's texts, or why it has none."""
        try:
            texts = [text_of(value) for value in row.values]
            return self.classification.checked(texts[0], texts[1] if len(texts) > 1 else None)
        except ValueError as error:
            return str(error)
        except InputError as error:
            return error.what


def classify_rows(
    classification: Classification, checkpoint: Checkpoint, options: ClassifyOptions | Mapping[str, Any]
) -> ClassifyRows:
    """Return what classifies rows as somebody wishes.

    Raises:
        InputError: The wishes don't fit the checkpoint.
    """
    if not isinstance(options, ClassifyOptions):
        options = ClassifyOptions(**options)
    return ClassifyRows(classification, checkpoint, classification.classifier(checkpoint, options))


def row_result(verdict: Verdict | Unread) -> RowResult:
    """Return a verdict as fields of a row."""
    if isinstance(verdict, Unread):
        return RowResult(error=verdict.why)
    if verdict.number is not None:
        return RowResult({"label": None, "score": verdict.number, "scores": {}})
    scores = {score.label: round(score.probability, DIGITS) for score in verdict.ranked}
    values = {"label": verdict.label, "score": max(scores.values()), "scores": scores}
    return RowResult(values, verdict.chosen or (verdict.label,))
