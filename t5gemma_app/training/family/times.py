"""What a family took and reached, as tables."""

from __future__ import annotations

from collections.abc import Sequence

from t5gemma_app.training.cards import score_words
from t5gemma_app.training.family.ledger import Entry


def time_table(entries: Sequence[Entry]) -> str:
    """Return the minutes of each kind of step as a markdown table, with their sum."""
    groups = dict.fromkeys(entry.group for entry in entries)
    lines = ["| step | checkpoints | steps of training | minutes |", "|---|---:|---:|---:|"]
    for group in groups:
        found = [entry for entry in entries if entry.group == group and entry.done]
        if found:
            lines.append(_row(group, found))
    return "\n".join([*lines, _row("all", [entry for entry in entries if entry.done])])


def score_lines(entries: Sequence[Entry]) -> list[str]:
    """Return each finished checkpoint's first figure in words."""
    return [f"{entry.name}: {score_words(entry.scores[0])}" for entry in entries if entry.done and entry.scores]


def _row(name: str, entries: Sequence[Entry]) -> str:
    minutes = sum(entry.spent for entry in entries) / 60
    return f"| {name} | {len(entries)} | {sum(entry.steps for entry in entries):,} | {minutes:.1f} |"
