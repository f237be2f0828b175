"""Log-probabilities of answers, with each context encoded once and each answer prefix decoded once.

Works on token ids. A [rows, positions, vocabulary] array is never built: the output head runs over a few positions at a
time, and only their log-sum and the answers' own logits are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from t5gemma_app.engine.generate import padded, special_ids

# Positions per pass of the output head: 64 x 256,000 float32 logits are 66 MB.
HEAD_POSITIONS = 64

Answers = tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Question:
    """One context's ids and the ids of the answers to score."""

    context: tuple[int, ...]
    answers: Answers


@dataclass(frozen=True, slots=True)
class Prefix:
    """A decoder input that serves one or several answers of a question."""

    question: int
    ids: tuple[int, ...]
    """Starts with the decoder's start id."""


def plan_prefixes(questions: Sequence[Question], start: int) -> tuple[list[Prefix], list[list[int]]]:
    """Return the decoder inputs that are needed, and for each answer which of them serves it.

    An answer needs the start id and all its tokens but the last; an input that another one continues is not run on its
    own, so `yes` and `no` share one row, and so do answers that differ in their last token only.
    """
    prefixes: list[Prefix] = []
    places: list[list[int]] = []
    for number, question in enumerate(questions):
        wanted = [(start, *answer[:-1]) for answer in question.answers]
        kept: list[tuple[int, ...]] = []
        for ids in sorted(set(wanted), key=len, reverse=True):
            if not any(longer[: len(ids)] == ids for longer in kept):
                kept.append(ids)
        first = len(prefixes)
        prefixes += [Prefix(number, ids) for ids in kept]
        places.append([first + next(i for i, longer in enumerate(kept) if longer[: len(ids)] == ids) for ids in wanted])
    return prefixes, places


@torch.inference_mode()
def score_questions(model: Any, questions: Sequence[Question]) -> list[list[float]]:
    """Return the summed log-probability of every answer of every question.

    Args:
        model: A T5Gemma or T5Gemma 2 for conditional generation, in evaluation mode, not on FlashAttention.
        questions: At least one; an answer has at least one token.
    """
    start, pad, _ = special_ids(model)
    device = model.get_input_embeddings().weight.device
    ids, mask = padded([question.context for question in questions], pad, device)
    encoded = model.get_encoder()(input_ids=ids, attention_mask=mask).last_hidden_state
    prefixes, places = plan_prefixes(questions, start)
    rows = torch.tensor([prefix.question for prefix in prefixes], device=device)
    # A row per context in the common case; indexing would then copy the whole encoding for nothing.
    if rows.tolist() != list(range(len(questions))):
        encoded, mask = encoded[rows], mask[rows]
    inputs, input_mask = padded([prefix.ids for prefix in prefixes], pad, device)
    hidden = model.get_decoder()(
        input_ids=inputs,
        attention_mask=input_mask,
        encoder_hidden_states=encoded,
        encoder_attention_mask=mask,
        use_cache=False,
    ).last_hidden_state
    wanted: dict[tuple[int, int], dict[int, float]] = {}
    for question, rows_of in zip(questions, places, strict=True):
        for answer, row in zip(question.answers, rows_of, strict=True):
            for place, token in enumerate(answer):
                wanted.setdefault((row, place), {})[token] = 0.0
    _fill(model, hidden, wanted)
    return [
        [
            sum(wanted[row, place][token] for place, token in enumerate(answer))
            for answer, row in zip(question.answers, rows_of, strict=True)
        ]
        for question, rows_of in zip(questions, places, strict=True)
    ]


def _fill(model: Any, hidden: Tensor, wanted: dict[tuple[int, int], dict[int, float]]) -> None:
    """Write the log-probability of each wanted token at each (row, position)."""
    positions = list(wanted)
    cap = model.get_decoder().config.final_logit_softcapping
    for begin in range(0, len(positions), HEAD_POSITIONS):
        part = positions[begin : begin + HEAD_POSITIONS]
        index = torch.tensor(part, device=hidden.device)
        logits = model.lm_head(hidden[index[:, 0], index[:, 1]]).float()
        if cap is not None:
            logits.div_(cap).tanh_().mul_(cap)
        total = torch.logsumexp(logits, dim=-1)
        pairs = [(at, token) for at, position in enumerate(part) for token in wanted[position]]
        at = torch.tensor([pair[0] for pair in pairs], device=hidden.device)
        token = torch.tensor([pair[1] for pair in pairs], device=hidden.device)
        values = (logits[at, token].double() - total[at].double()).tolist()
        for (place, word), value in zip(pairs, values, strict=True):
            wanted[part[place]][word] = value
