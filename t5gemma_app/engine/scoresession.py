"""A session of the worker that scores answers: readings batch after batch, then the output head over all of them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence

from t5gemma_app.engine.batchwork import BatchWork, Work
from t5gemma_app.engine.score import Question, Reading, cut_readings
from t5gemma_app.engine.types import ChoiceScore

Scores = tuple[ChoiceScore, ...]


class ScoreSession(Work[Scores]):
    """Scores questions.

    The head reads a table of the whole vocabulary, so it waits until all batches are read: on a CPU a table for each of
    them took a tenth of the time.

    Args:
        read: Reads a batch of questions; see `score.read_questions`.
        score: Scores readings; see `score.score_readings`.
        questions: What to score.
        batches: Numbers of the questions that are read together.
        is_full: Tells an error that means the memory ran out; such a batch is halved and tried again.
    """

    def __init__(
        self,
        read: Callable[[Sequence[Question]], Generator[None, None, list[Reading]]],
        score: Callable[[Sequence[Reading]], Generator[None, None, list[list[float]]]],
        questions: Sequence[Question],
        batches: Sequence[Sequence[int]],
        is_full: Callable[[BaseException], bool],
    ) -> None:
        super().__init__()
        self._reading = BatchWork(read, questions, batches, is_full)
        self._score = score
        self._scoring: Generator[None, None, list[Scores]] | None = None

    def advance(self, short: bool) -> bool:
        """Read on, or score on, until the next pause."""
        if self._scoring is None:
            if not self._reading.advance(short):
                readings = self._reading.done.get()
                assert not isinstance(readings, BaseException)  # `fail` was not called: this session is what fails
                self._scoring = self._scored(readings)
            return True
        try:
            next(self._scoring)
        except StopIteration as end:
            self.done.put(end.value)
            return False
        return True

    def _scored(self, readings: Sequence[Reading]) -> Generator[None, None, list[Scores]]:
        scores: list[Scores] = []
        for group in cut_readings(readings):
            for values, reading in zip((yield from self._score(group)), group, strict=True):
                pairs = zip(values, reading.answers, strict=True)
                scores.append(tuple(ChoiceScore(value, len(answer)) for value, answer in pairs))
        return scores
