"""Asks the engine for the answers of a batch of examples; knows nothing of runs, files or metrics."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from t5gemma_app.benchmarks.records import ChoiceRecord, Example
from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.engine.types import Engine, Piece, SamplingParameters, ScoringRequest
from t5gemma_app.errors import InputError, OutOfMemoryError
from t5gemma_app.tasks.turns import BOS


class Answer(NamedTuple):
    """What the engine said to one example."""

    choices: tuple[ChoiceRecord, ...] = ()
    """The choices' log-probabilities; empty where text was generated or nothing came back."""
    text: str | None = None
    """What was generated."""
    note: str = ""
    """Why there is no answer."""


class Answerer:
    """The questions of one checkpoint.

    Args:
        engine: Where they are computed.
        checkpoint: What answers.
        budget: Padded tokens of a batch; the engine's own choice when None.
    """

    def __init__(self, engine: Engine, checkpoint: Checkpoint, budget: int | None = None) -> None:
        self._engine = engine
        self._checkpoint = checkpoint
        self._budget = budget

    def answer(self, examples: Sequence[Example], max_new_tokens: int) -> list[Answer]:
        """Return an answer to each example, in order; one that can't be answered says why.

        A batch for which the memory does not suffice, or of which one example is refused, is cut in two until the
        culprit stands alone.

        Args:
            examples: At least one, all of one method.
            max_new_tokens: How long a generated answer may get.

        Raises:
            OutOfMemoryError: There is not enough memory for a single example.
            WorkbenchError: The engine failed.
        """
        try:
            return self._rank(examples) if examples[0].method == "rank" else self._generate(examples, max_new_tokens)
        except (OutOfMemoryError, InputError) as error:
            if len(examples) > 1:
                half = len(examples) // 2
                return [*self.answer(examples[:half], max_new_tokens), *self.answer(examples[half:], max_new_tokens)]
            if isinstance(error, InputError):
                return [Answer(note=str(error))]
            raise

    def _rank(self, examples: Sequence[Example]) -> list[Answer]:
        requests = [ScoringRequest(example.context, example.choices) for example in examples]
        scored = self._engine.score(self._checkpoint, requests, budget=self._budget)
        answers = []
        for example, scores in zip(examples, scored, strict=True):
            choices = tuple(
                ChoiceRecord(text, score.logprob, score.tokens)
                for text, score in zip(example.choices, scores, strict=True)
            )
            missing = any(math.isnan(choice.logprob) for choice in choices)
            answers.append(Answer(choices, note="longer than the encoder takes" if missing else ""))
        return answers

    def _generate(self, examples: Sequence[Example], max_new_tokens: int) -> list[Answer]:
        prompts = [(Piece(BOS, control=True), Piece(example.context)) for example in examples]
        parameters = SamplingParameters(max_new_tokens=max_new_tokens)
        results = self._engine.generate_batch(self._checkpoint, prompts, parameters)
        return [Answer(text=result.text) for result in results]
