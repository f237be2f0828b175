"""Asks the engine about a batch of examples and judges what it says; knows nothing of runs, files or metrics."""

from __future__ import annotations

import math
from collections.abc import Sequence

from t5gemma_app.benchmarks.formatter import Formatter
from t5gemma_app.benchmarks.outcomes import generated, ranked
from t5gemma_app.benchmarks.records import Example, Sample
from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.engine.types import Engine, HeadInput, Logits, Piece, SamplingParameters, ScoringRequest
from t5gemma_app.errors import InputError, OutOfMemoryError
from t5gemma_app.tasks.turns import BOS


class Answerer:
    """The questions of one checkpoint.

    Args:
        engine: Where they are computed.
        checkpoint: What answers.
        budget: Padded tokens of a batch; the engine's own choice when None.
        longest: Tokens that a head's texts are cut to; 0 cuts none.
    """

    def __init__(self, engine: Engine, checkpoint: Checkpoint, budget: int | None = None, longest: int = 0) -> None:
        self._engine = engine
        self._checkpoint = checkpoint
        self._budget = budget
        self._longest = longest or None

    def answer(self, formatter: Formatter, examples: Sequence[Example]) -> list[Sample]:
        """Return the sample of each example, in order; one that can't be answered is unscored and says why.

        A batch for which the memory does not suffice, or of which one example is refused, is cut in two until the
        culprit stands alone.

        Args:
            formatter: The one that made the examples.
            examples: At least one.

        Raises:
            OutOfMemoryError: There is not enough memory for a single example.
            WorkbenchError: The engine failed.
        """
        try:
            if formatter.method == "head":
                return self._classify(examples)
            return self._rank(examples) if formatter.method == "rank" else self._generate(formatter, examples)
        except (OutOfMemoryError, InputError) as error:
            if len(examples) > 1:
                half = len(examples) // 2
                return [*self.answer(formatter, examples[:half]), *self.answer(formatter, examples[half:])]
            if isinstance(error, InputError):
                return [_refused(examples[0], str(error))]
            raise

    def _rank(self, examples: Sequence[Example]) -> list[Sample]:
        requests = [ScoringRequest(example.context, example.choices) for example in examples]
        scored = self._engine.score(self._checkpoint, requests, budget=self._budget)
        return [
            ranked(example, [score.logprob for score in scores], [score.tokens for score in scores])
            for example, scores in zip(examples, scored, strict=True)
        ]

    def _classify(self, examples: Sequence[Example]) -> list[Sample]:
        """Ask the head; its labels are the examples' choices, in an order of its own."""
        inputs = [HeadInput(example.context, example.pair or None, self._longest) for example in examples]
        outputs = self._engine.classify(self._checkpoint, inputs, budget=self._budget)
        samples = []
        for example, output in zip(examples, outputs, strict=True):
            if not output.logits:
                samples.append(_refused(example, self._too_long(output.tokens)))
                continue
            logprobs = log_softmax(output.logits)
            samples.append(ranked(example, [logprobs[self._checkpoint.labels.index(c)] for c in example.choices]))
        return samples

    def _too_long(self, tokens: int) -> str:
        limit = self._checkpoint.encoder.positions if self._checkpoint.encoder else 0
        return f"The text has {tokens:,} tokens; {self._checkpoint.name} reads at most {limit:,}."

    def _generate(self, formatter: Formatter, examples: Sequence[Example]) -> list[Sample]:
        prompts = [(Piece(BOS, control=True), Piece(example.context)) for example in examples]
        parameters = SamplingParameters(max_new_tokens=formatter.max_new_tokens)
        results = self._engine.generate_batch(self._checkpoint, prompts, parameters)
        return [
            generated(example, formatter, result.text, len(result.token_ids))
            for example, result in zip(examples, results, strict=True)
        ]


def log_softmax(logits: Logits) -> list[float]:
    """Return the natural logarithms of the shares; NaN where a logit is no finite number."""
    if not all(map(math.isfinite, logits)):
        return [math.nan] * len(logits)
    largest = max(logits)
    whole = largest + math.log(math.fsum(math.exp(logit - largest) for logit in logits))
    return [logit - whole for logit in logits]


def _refused(example: Example, why: str) -> Sample:
    return Sample(
        id=example.id,
        benchmark=example.benchmark,
        formatter=example.formatter,
        group=example.group,
        gold=example.gold,
        prediction=None,
        outcome="unscored",
        note=why,
    )
