"""A fact: one answer and the ways to ask for it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fact:
    """One answer sentence and several questions that it answers."""

    answer: str
    questions: tuple[str, ...]


def read_facts(text: str) -> tuple[Fact, ...]:
    """Read a table in which each line is `answer | question | question ...`."""
    rows = (tuple(part.strip() for part in line.split("|")) for line in text.strip().splitlines() if line.strip())
    return tuple(Fact(answer=row[0], questions=row[1:]) for row in rows)
