"""Small learnable data sets and a small checkpoint to learn them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Any

from tests.tiny import save_tiny, tiny_model

WORDS = ("the", "thing", "in", "it", "of", "that")


def write_rows(path: Path, rows: Iterable[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def opinions(count: int, seed: int = 0) -> list[dict[str, Any]]:
    """Return texts whose label is which of two words they hold."""
    rng = Random(seed)
    rows = []
    for _ in range(count):
        words = [rng.choice(WORDS) for _ in range(rng.randrange(2, 8))]
        label = rng.randrange(2)
        words.insert(rng.randrange(len(words)), ("bad", "good")[label])
        rows.append({"text": " ".join(words), "label": label})
    return rows


def tagged(count: int, seed: int = 0) -> list[dict[str, Any]]:
    """Return sentences whose tags are what the words look like."""
    rng = Random(seed)
    tags = {"the": "DET", "thing": "NOUN", "in": "ADP", "it": "PRON", "of": "ADP", "that": "DET"}
    rows = []
    for _ in range(count):
        tokens = [rng.choice(WORDS) for _ in range(rng.randrange(1, 7))]
        rows.append({"tokens": tokens, "tags": [tags[token] for token in tokens]})
    return rows


def answers(count: int, seed: int = 0) -> list[dict[str, Any]]:
    """Return prompts that are answered by their last word."""
    rng = Random(seed)
    rows = []
    for _ in range(count):
        words = [rng.choice(WORDS) for _ in range(rng.randrange(1, 5))]
        rows.append({"prompt": " ".join(words), "response": words[-1]})
    return rows


def save_base(folder: Path) -> Path:
    """Write a small balanced checkpoint whose random weights are of an ordinary size."""
    return save_tiny(folder, tiny_model(strength=2.0, unbalanced=False))
