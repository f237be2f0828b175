"""Labels that nobody trained for, chosen by how probable a decoder finds their words after a text.

Calibration is contextual calibration (Zhao et al., *Calibrate Before Use*, 2021, arXiv 2102.09690): a label's
probability is divided by the one it has after texts without content, so that words which are probable anyway win
nothing by it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.engine.types import ChoiceScore, Engine, HeadInput, Piece, ScoringRequest
from t5gemma_app.tasks.labels import NONE
from t5gemma_app.tasks.turns import END_OF_TURN, EOS, Turn, write_turns
from t5gemma_app.tasks.verdicts import LabelScore, Unread, Verdict, log_mean, softmax
from t5gemma_app.tasks.wordings import NO, YES, Wording

CONTENT_FREE = ("N/A", "[MASK]", "")
"""The paper's own three; their probabilities are averaged."""

Context = str | tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Baseline:
    """What is probable after texts without content; read once for a classifier."""

    values: list[tuple[float, ...]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ZeroShot:
    """Classifies by the log-probability of each label's words.

    The encoder reads a text once for all labels. Where several labels may fit, each is asked for on its own.
    """

    engine: Engine
    checkpoint: Checkpoint
    labels: tuple[str, ...]
    wording: Wording
    several: bool = False
    none: bool = False
    calibrate: bool = False
    normalise: bool = False
    whole: bool = False
    threshold: float = 0.5
    _baseline: Baseline = field(default_factory=Baseline, repr=False, compare=False)

    @property
    def notes(self) -> tuple[str, ...]:
        """What to think of the probabilities."""
        first = (
            "No head was trained for these labels: they are ranked by how probable the checkpoint finds their words."
        )
        notes = [first]
        if self.calibrate:
            notes.append("Calibrated by texts without content (Zhao et al. 2021).")
        begins = None if self.whole or self._asks else _begins_another(self.answers)
        if begins is not None:
            one, other = begins
            notes.append(f"“{one}” begins “{other}” and can't be less probable; scoring the labels' ends is fair.")
        return tuple(notes)

    @property
    def answers(self) -> tuple[str, ...]:
        """The labels, and what stands for none of them where that competes too."""
        return (*self.labels, NONE) if self.none and not self._asks else self.labels

    def classify(
        self, inputs: Sequence[HeadInput], *, urgent: bool = False, visitor: str = ""
    ) -> list[Verdict | Unread]:
        """Return a verdict for each input."""
        if not inputs:
            return []
        baseline = self._content_free(urgent, visitor) if self.calibrate else None
        scored = self._score([_joined(one) for one in inputs], urgent, visitor)
        return [self._verdict(row, baseline) for row in scored]

    @property
    def _asks(self) -> bool:
        """Whether each label is a question of its own."""
        return self.several or self.wording.question

    def _score(self, texts: Sequence[str], urgent: bool, visitor: str) -> list[list[ChoiceScore]]:
        """Return for each text the score of each answer; for questions that of Yes, then that of No, label by label."""
        requests = [request for text in texts for request in self._requests(text)]
        scored = self.engine.score(self.checkpoint, requests, urgent=urgent, visitor=visitor)
        each = len(scored) // len(texts)
        return [
            [score for row in scored[start : start + each] for score in row] for start in range(0, len(scored), each)
        ]

    def _requests(self, text: str) -> list[ScoringRequest]:
        if self._asks:
            choices = self._written(" " + YES), self._written(" " + NO)
            return [
                ScoringRequest(self._context(self.wording.context(text, self.labels, label)), choices, self._end)
                for label in self.labels
            ]
        answers = tuple(self._written(self.wording.answer(answer, self.labels)) for answer in self.answers)
        return [ScoringRequest(self._context(self.wording.context(text, self.labels)), answers, self._end)]

    @property
    def _end(self) -> str:
        """What the checkpoint writes after a whole answer."""
        if not self.whole:
            return ""
        return END_OF_TURN if self.checkpoint.chats else EOS

    def _context(self, text: str) -> Context:
        return write_turns((Turn("user", text),)) if self.checkpoint.chats else text

    def _written(self, answer: str) -> str:
        """Return an answer as the decoder would begin it: a turn of its own has no blank in front."""
        return answer.lstrip() if self.checkpoint.chats else answer

    def _content_free(self, urgent: bool, visitor: str) -> tuple[float, ...]:
        if not self._baseline.values:
            rows = [self._weights(row) for row in self._score(CONTENT_FREE, urgent, visitor)]
            self._baseline.values.append(tuple(log_mean(column) for column in zip(*rows, strict=True)))
        return self._baseline.values[0]

    def _weights(self, row: Sequence[ChoiceScore]) -> list[float]:
        if self.normalise:
            return [score.logprob / score.tokens if score.tokens else score.logprob for score in row]
        return [score.logprob for score in row]

    def _verdict(self, row: Sequence[ChoiceScore], baseline: Sequence[float] | None) -> Verdict | Unread:
        if any(math.isnan(score.logprob) for score in row):
            limit = self.checkpoint.encoder.positions if self.checkpoint.encoder else 0
            return Unread(f"The text with its wording is longer than the {limit:,} tokens this checkpoint reads.")
        weights = self._weights(row)
        if baseline is not None:
            weights = [weight - taken for weight, taken in zip(weights, baseline, strict=True)]
        return self._asked(row, weights) if self._asks else self._competing(row, weights)

    def _competing(self, row: Sequence[ChoiceScore], weights: Sequence[float]) -> Verdict:
        shares = softmax(weights)
        scores = _label_scores(self.labels, shares, row)
        best = max(range(len(shares)), key=lambda at: shares[at])
        return Verdict(
            scores,
            (self.labels[best],) if best < len(self.labels) else (),
            none_probability=shares[-1] if self.none else None,
        )

    def _asked(self, row: Sequence[ChoiceScore], weights: Sequence[float]) -> Verdict:
        shares = [softmax(weights[at : at + 2])[0] for at in range(0, len(weights), 2)]
        scores = _label_scores(self.labels, shares, row[::2])
        if self.several:
            return Verdict(scores, tuple(s.label for s in scores if s.probability >= self.threshold))
        best = max(scores, key=lambda score: score.probability)
        return Verdict(scores, () if self.none and best.probability < self.threshold else (best.label,))


def _label_scores(labels: Sequence[str], shares: Sequence[float], row: Sequence[ChoiceScore]) -> tuple[LabelScore, ...]:
    return tuple(
        LabelScore(label, share, score.logprob, score.tokens)
        for label, share, score in zip(labels, shares, row, strict=False)
    )


def _begins_another(answers: Sequence[str]) -> tuple[str, str] | None:
    """Return an answer whose words another one begins with, and that other one."""
    return next(((one, other) for one in answers for other in answers if other.startswith(f"{one} ")), None)


def _joined(one: HeadInput) -> str:
    return one.text if one.pair is None else f"{one.text}\n\n{one.pair}"
