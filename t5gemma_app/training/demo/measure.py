"""The held-out measurement: greedy answers, exact match, an interval for every skill.

Knows how answers are compared; refuses to know how the model was trained.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from transformers import PreTrainedTokenizerBase, T5GemmaForConditionalGeneration

from t5gemma_app.training.demo.batches import encode_prompt, padded
from t5gemma_app.training.demo.mixture import Conversation
from t5gemma_app.training.intervals import wilson
from t5gemma_app.training.tokenizer import PAD_ID


@dataclass(frozen=True, slots=True)
class Score:
    """How often one skill's answers were exact."""

    skill: str
    n: int
    exact: int

    @property
    def share(self) -> float:
        """The share of exact answers."""
        return self.exact / self.n

    def interval(self) -> tuple[float, float]:
        """Return Wilson's 95 % interval for the share."""
        return wilson(self.exact, self.n)


@dataclass(frozen=True, slots=True)
class Answered:
    """A held-out row with the model's answer."""

    row: Conversation
    given: str

    @property
    def exact(self) -> bool:
        """Whether the answer is the expected one, outer spaces aside."""
        return self.given.strip() == self.row.answer.strip()


def answer(
    model: T5GemmaForConditionalGeneration,
    tokenizer: PreTrainedTokenizerBase,
    rows: Sequence[Conversation],
    batch_rows: int = 50,
) -> list[Answered]:
    """Answer every row greedily by the library's own `generate`, in the order given."""
    prompts = [encode_prompt(tokenizer, row) for row in rows]
    order = sorted(range(len(rows)), key=lambda index: len(prompts[index]))
    given: dict[int, str] = {}
    model.eval()
    for start in range(0, len(order), batch_rows):
        chosen = order[start : start + batch_rows]
        ids = padded([prompts[index] for index in chosen], PAD_ID)
        with torch.inference_mode():
            produced = model.generate(
                input_ids=ids, attention_mask=(ids != PAD_ID).long(), do_sample=False, max_new_tokens=40
            )
        for index, text in zip(chosen, tokenizer.batch_decode(produced, skip_special_tokens=True), strict=True):
            given[index] = text
    return [Answered(row, given[index]) for index, row in enumerate(rows)]


def scores(answered: Sequence[Answered]) -> tuple[Score, ...]:
    """Return one score a skill, in order of appearance, and the total last."""
    skills = dict.fromkeys(item.row.skill for item in answered)
    parts = [
        Score(
            skill,
            sum(item.row.skill == skill for item in answered),
            sum(item.exact for item in answered if item.row.skill == skill),
        )
        for skill in skills
    ]
    return (*parts, Score("total", len(answered), sum(item.exact for item in answered)))
