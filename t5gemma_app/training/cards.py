"""The card of a trained checkpoint: README.md for people, workbench.json for the app; figures come from the run."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from t5gemma_app.benchmarks.rows import DataSource
from t5gemma_app.checkpoints.card import CARD, Card, CardScore, DataUse, Training
from t5gemma_app.training.scores import Score

_KIND_TAGS = {"sequence": "text-classification", "token": "token-classification", "text": "text-generation"}


@dataclass(frozen=True, slots=True)
class Facts:
    """What a finished run knows about itself."""

    name: str
    task: str
    kind: str
    base: str
    base_licence: str | None
    command: str
    seed: int
    steps: int
    seconds: float
    device: str
    data: tuple[DataUse, ...]
    scores: tuple[Score, ...]
    stage: str | None = None
    objective: str | None = None
    remarks: tuple[str, ...] = ()
    """What one must know to judge the figures, such as how rows were held out."""
    longest: int = 0
    """Tokens that inputs were cut to."""
    skills: tuple[str, ...] = ()
    """What it was taught."""
    examples: tuple[str, ...] = ()
    """Prompts worth trying."""


def data_uses(part: str, sources: Sequence[DataSource], rows: int, licence: str) -> tuple[DataUse, ...]:
    """Return what a card says of a part's files; of several files only their sum is known."""
    return tuple(
        DataUse(
            part="training" if part == "training" else "evaluation",
            name=_shown(source),
            licence=licence,
            digest=source.revision_or_hash,
            rows=rows if len(sources) == 1 else 0,
        )
        for source in sources
    )


def hardware(device: str) -> str:
    """Return what a run was computed on, in words."""
    if device != "cpu":
        return device
    return f"{os.cpu_count()} cores of an {platform.machine()} CPU"


def write_card(folder: Path, facts: Facts) -> None:
    """Write both cards into a checkpoint's folder."""
    training = Training(
        base=facts.base,
        task=facts.task,
        command=facts.command[:4000],
        seed=facts.seed,
        steps=facts.steps,
        seconds=round(facts.seconds, 1),
        hardware=hardware(facts.device),
        longest=facts.longest,
        data=facts.data,
        scores=tuple(
            CardScore(name=s.name, value=s.value, n=s.n, low=s.low, high=s.high, baseline=s.baseline)
            for s in facts.scores
        ),
    )
    card = Card.model_validate(
        {
            "stage": facts.stage,
            "objective": facts.objective,
            "licence": facts.base_licence,
            "description": _description(facts)[:2000],
            "skills": facts.skills,
            "examples": facts.examples,
            "training": training,
        }
    )
    text = json.dumps(card.model_dump(exclude_none=True, exclude_defaults=True), indent=2, ensure_ascii=False)
    (folder / CARD).write_text(text + "\n", encoding="utf-8")
    (folder / "README.md").write_text(_readme(facts, training), encoding="utf-8")


def score_words(score: Score) -> str:
    """Return a figure in words, with its interval and what a guess reaches."""
    if score.low is None or score.high is None:
        return f"{score.name} {score.value:.4f} (n = {score.n:,})"
    words = f"{score.name} {score.value:.1%} (95 % interval {score.low:.1%} to {score.high:.1%}, n = {score.n:,})"
    return words if score.baseline is None else f"{words}, always the commonest label {score.baseline:.1%}"


def _description(facts: Facts) -> str:
    score = f": {score_words(facts.scores[0])}" if facts.scores else ""
    return f"Trained from {facts.base} for {facts.task} in {facts.steps:,} steps{score}. " + " ".join(facts.remarks)


def _readme(facts: Facts, training: Training) -> str:
    head = ["---", "library_name: transformers", "tags: [t5gemma]"]
    if facts.kind in _KIND_TAGS:
        head.append(f"pipeline_tag: {_KIND_TAGS[facts.kind]}")
    lines = [
        *head,
        "---",
        "",
        f"# {facts.name}",
        "",
        _description(facts).strip(),
        "",
        *(["## What to ask", "", *(f"- {example}" for example in facts.examples), ""] if facts.examples else []),
        "## Training",
        "",
        f"- Command: `{facts.command}`",
        f"- Began with: {facts.base}{f' ({facts.base_licence})' if facts.base_licence else ''}",
        f"- {training.steps:,} steps in {training.seconds / 60:.1f} minutes on {training.hardware}; seed {facts.seed}",
        *(f"- {remark}" for remark in facts.remarks),
        "",
        "## Data",
        "",
        *(f"- {use.part}: {use.name}, licence {use.licence}{_rows(use)}" for use in facts.data),
        "",
        "## Measured",
        "",
        "Of the weights as they are stored, in bfloat16 and loaded in float32:",
        "",
        *(f"- {score_words(score)}" for score in facts.scores),
        "",
        "Intervals are Wilson's; words of one sentence are not independent, so theirs is narrower than it should be."
        if facts.kind == "token"
        else "Intervals are Wilson's.",
        "",
    ]
    return "\n".join(lines)


def _rows(use: DataUse) -> str:
    return f", {use.rows:,} rows" if use.rows else ""


def _shown(source: DataSource) -> str:
    """Return a source's name without the folders of this machine."""
    if source.kind == "hub":
        return f"{source.location}#{source.split}"
    path = Path(source.location)
    return f"{path.parent.name}/{path.name}"
