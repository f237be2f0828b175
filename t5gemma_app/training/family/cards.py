"""The cards of the family: those that the pipeline wrote, with every data set by its name and licence."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from t5gemma_app.checkpoints.card import DataUse, read_card
from t5gemma_app.errors import BrokenCheckpointError
from t5gemma_app.training.cards import Facts, write_card
from t5gemma_app.training.demo.measure import Score as SkillScore
from t5gemma_app.training.scores import Score

LICENCE = "Apache-2.0"
"""Of the weights; what they were trained on keeps its own, and the card names it."""


@dataclass(frozen=True, slots=True)
class About:
    """What a step's card says besides what the pipeline knows."""

    kind: str
    command: str
    family_command: str
    data: tuple[DataUse, ...]
    remarks: tuple[str, ...] = ()
    skills: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()


def rewrite_card(folder: Path, about: About, scores: tuple[Score, ...]) -> None:
    """Write a finished checkpoint's cards again, with what the family knows of it.

    Raises:
        BrokenCheckpointError: The pipeline's own card is not there.
    """
    card = read_card(folder)
    if card.training is None:
        raise BrokenCheckpointError(f"{folder} has no card of its training.", remedy="Delete it and its .run folder.")
    facts = Facts(
        name=folder.name,
        task=card.training.task,
        kind=about.kind,
        base=card.training.base,
        base_licence=LICENCE,
        command=about.command,
        seed=card.training.seed,
        steps=card.training.steps,
        seconds=card.training.seconds,
        device=card.training.hardware,
        data=about.data,
        scores=scores,
        stage=card.stage,
        objective=card.objective,
        longest=card.training.longest,
        remarks=(*about.remarks, f"One step of `{about.family_command}`, which makes the whole family."),
        skills=about.skills,
        examples=about.examples,
    )
    write_card(folder, facts)


def skill_scores(results: tuple[SkillScore, ...]) -> tuple[Score, ...]:
    """Return held-out chat scores as a card has them, the total first."""
    *skills, total = results
    return tuple(
        Score(f"exact answers, {one.skill if one is not total else 'all skills'}", one.share, one.n, *one.interval())
        for one in (total, *skills)
    )
