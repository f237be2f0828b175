"""The model card of the demo checkpoint: README.md for people, workbench.json for the app.

Knows what a card must say; every figure in it comes from the run that wrote it.
"""
# ruff: noqa: E501  (tables of wordings are read more easily in long lines)

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from t5gemma_app.training.demo.facts.sources import SOURCES
from t5gemma_app.training.demo.measure import Score

EXAMPLES = (
    "How do plants create energy?",
    "What is the capital of Kenya?",
    'What is the opposite of "brave"?',
    "What is the plural of mouse?",
    "What is 17 + 25?",
    "Write good morning in capital letters.",
    "Find the name: Clara flew to Porto in May.",
    "The key is in the garage. The lamp is in the attic. Where is the key?",
    "Who was the first king of Balonia?",
)
SKILLS = (
    "short factual questions", "capitals", "opposites", "plurals", "small sums", "capital letters", "names, places and dates in a sentence",
    "questions about two sentences", "small talk", "saying when it doesn't know",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Facts:
    """What a finished run knows about itself."""

    seed: int
    minutes: float
    steps: int
    rows: int
    parameters: int
    pieces: int
    hardware: str
    with_data: bool
    scores: tuple[Score, ...]
    fresh: tuple[Score, ...] = ()
    """Scores on a draw that nobody looked at before the run had ended."""
    remark: str = ""
    """What somebody must know to judge the run, such as an interruption."""


def score_table(results: tuple[Score, ...]) -> str:
    """Write the scores as a markdown table."""
    lines = ["| skill | prompts | exact | 95 % interval (Wilson) |", "|---|---:|---:|---|"]
    for score in results:
        low, high = score.interval()
        lines.append(f"| {score.skill} | {score.n} | {score.share:.1%} | {low:.1%} to {high:.1%} |")
    return "\n".join(lines)


def write_card(folder: Path, facts: Facts) -> None:
    """Write both cards into the checkpoint's folder."""
    command = "python -m t5gemma_app train demo" + (" --data DIR" if facts.with_data else "")
    sources = "\n".join(f"- {source.name}, {source.licence}: {source.purpose}" for source in SOURCES if facts.with_data)
    text = _TEXT.format(
        examples="\n".join(f"- {example}" for example in EXAMPLES),
        table=score_table(facts.scores),
        command=f"{command} --steps {facts.steps} --seed {facts.seed}",
        minutes=f"{facts.minutes:.1f}",
        steps=f"{facts.steps:,}",
        rows=f"{facts.rows:,}",
        parameters=f"{facts.parameters:,}",
        pieces=f"{facts.pieces:,}",
        hardware=facts.hardware,
        sources=sources or "- nothing else",
        seed=facts.seed,
        fresh=_FRESH.format(table=score_table(facts.fresh)) if facts.fresh else "",
        remark=f"- {facts.remark}\n" if facts.remark else "",
    )
    (folder / "README.md").write_text(text, encoding="utf-8")
    total = facts.scores[-1]
    card = {
        "objective": "unknown",
        "stage": "instruction-tuned",
        "licence": "Apache-2.0",
        "description": (
            f"A tiny T5Gemma trained from nothing by this project in {facts.minutes:.0f} minutes on two CPU cores. It knows a few hundred "
            f"facts and a dozen skills: {total.share:.0%} of {total.n} held-out prompts answered exactly. For trying the app, not for use."
        ),
        "skills": list(SKILLS),
        "examples": list(EXAMPLES),
    }
    (folder / "workbench.json").write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


_FRESH = """
Some settings of the recipe were chosen after looking at failures among these prompts. So here is a second draw of 500 prompts
from the same side of the split, which nobody looked at before the weights were final (`--draw 1`):

{table}
"""

_TEXT = """\
---
library_name: transformers
pipeline_tag: text-generation
language: en
tags: [t5gemma, demo]
---

# t5gemma-demo-chat

A tiny T5Gemma ({parameters} parameters, {pieces} pieces) trained from random weights by this project's own recipe, so that the app answers with no token
and no network. It uses T5Gemma's architecture, softcaps and turn markers, and no weights of Google's.

It is meant for trying the app and for tests. It is not a source of knowledge: it knows only what its recipe lists.

## What to ask

{examples}

## Training

- Command: `{command}`
- Measured: {minutes} minutes of training time on {hardware}, shared with other work ({steps} steps, {rows} rows); seed {seed}.
- Own data, in `t5gemma_app/training/demo/facts/`: tables of facts, capitals, opposites, plurals, names and small talk, written for this recipe; rows are
  generated without end from them.
- Further data sets:
{sources}
{remark}- Weights are rounded to bfloat16; load them in float32. The answer ends with `<end_of_turn>`.

## Held-out measurement

Greedy decoding, exact match after stripping, weights as stored: `python -m t5gemma_app.training.demo measure --checkpoint DIR`.

{table}
{fresh}
No held-out prompt, nor any part that makes it held out, is ever generated for training (asserted by a test). What "unseen" means:

- facts, capitals, opposites, plurals, times, small talk: the fact is known, and the prompt has a frame or a decoration ("Quick question: ...") that training
  never shows with any fact. About a fifth of all frames and decorations is kept back.
- facts reworded: a whole question that training never shows for this fact in any form.
- sums: a pair of numbers that training never shows with this operation, in either order. Numbers go up to 50; the times table up to 10.
- upper case, extraction, passage, memory: words, names and towns (or pairs of things) that training never shows in this skill; rooms and dates are known.
  So that the spelling of every piece is learnt, training also shows two listed words joined to one, kept-back words among them.
- unknown: invented names, years or questions that training never shows.
- A sixth of the prompts come after one to three unrelated exchanges, a seventh with a system sentence never shown in training,
  a tenth without the start of the model's turn.

## Limits

- English only; short prompts. Long or unusual wordings fail, often with a confident wrong answer.
- Questions outside its tables should get "I don't know that.", but many won't.
- No reasoning, no code, no translation, no arithmetic beyond the numbers above.
"""
