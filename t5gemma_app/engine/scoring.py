"""What has to be scored for a list of requests: every distinct context once, with all answers anybody wants of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from t5gemma_app.engine.encode import TextEncoder
from t5gemma_app.engine.score import Question
from t5gemma_app.engine.types import ChoiceScore, Piece, ScoringRequest
from t5gemma_app.errors import InputError


@dataclass(frozen=True, slots=True)
class ScoringPlan:
    """Distinct questions, and where each request finds its answers in them."""

    questions: list[Question]
    places: list[tuple[tuple[int, int], ...] | None]
    """For each request the (question, answer) of its choices; None where its context is too long."""
    requests: Sequence[ScoringRequest]

    def spread(self, scores: Sequence[Sequence[ChoiceScore]]) -> list[tuple[ChoiceScore, ...]]:
        """Return each request's scores from those of the questions; NaN where nothing could be scored."""
        return [
            tuple(scores[question][answer] for question, answer in place)
            if place is not None
            else tuple(ChoiceScore(math.nan, 0) for _ in request.choices)
            for place, request in zip(self.places, self.requests, strict=True)
        ]


def plan_scoring(encoder: TextEncoder, requests: Sequence[ScoringRequest], limit: int | None) -> ScoringPlan:
    """Tokenise every distinct context and answer once and merge requests of the same context.

    Args:
        encoder: The checkpoint's tokenizer.
        requests: What is wanted.
        limit: Tokens the encoder reads at most, or None.

    Raises:
        InputError: An answer is empty, so that there is nothing to score.
    """
    contexts: dict[str | tuple[Piece, ...], tuple[int, ...]] = {}
    texts: dict[tuple[str, str], tuple[int, ...]] = {}
    answers: dict[tuple[int, ...], dict[tuple[int, ...], int]] = {}
    wanted: list[tuple[tuple[int, ...], list[int]] | None] = []
    for request in requests:
        if request.context not in contexts:
            contexts[request.context] = _context_ids(encoder, request.context)
        context = contexts[request.context]
        if limit is not None and len(context) > limit:
            wanted.append(None)
            continue
        known = answers.setdefault(context, {})
        numbers = []
        for choice in request.choices:
            if (choice, request.end) not in texts:
                texts[choice, request.end] = _answer_ids(encoder, choice, request.end)
            numbers.append(known.setdefault(texts[choice, request.end], len(known)))
        wanted.append((context, numbers))
    order = {context: number for number, context in enumerate(answers)}
    return ScoringPlan(
        questions=[Question(context, tuple(known)) for context, known in answers.items()],
        places=[None if entry is None else tuple((order[entry[0]], answer) for answer in entry[1]) for entry in wanted],
        requests=requests,
    )


def _answer_ids(encoder: TextEncoder, choice: str, end: str) -> tuple[int, ...]:
    ids = encoder.text_ids(choice)
    if not ids:
        raise InputError("An answer to score is empty.", expected="At least one token in every choice.")
    return (*ids, *(encoder.ids((Piece(end, control=True),)) if end else ()))


def _context_ids(encoder: TextEncoder, context: str | tuple[Piece, ...]) -> tuple[int, ...]:
    return tuple(encoder.framed_ids(context) if isinstance(context, str) else encoder.ids(context))
