"""The chat rows of the family: conversations of the demo recipe's mixture, from the side of its split that trains."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from t5gemma_app.training.demo.mixture import AGAIN_FROM_CHUNK, LATE_FROM_CHUNK, Conversation, Mixture

FILE = "conversations.jsonl"
_CHUNKS, _EARLY = 48, 8


def write_conversations(path: Path, seed: int, rows: int, chat: Path) -> None:
    """Write so many conversations, whole or not at all.

    Args:
        path: Where to.
        seed: Decides rows and split, as in the demo recipe.
        rows: How many.
        chat: The local folder of questions to decline.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.unfinished")
    with unfinished.open("w", encoding="utf-8") as file:
        for conversation in conversations(seed, rows, chat):
            file.write(json.dumps(as_row(conversation), ensure_ascii=False) + "\n")
    unfinished.replace(path)


def conversations(seed: int, rows: int, chat: Path) -> Iterator[Conversation]:
    """Yield conversations of the training side."""
    mixture = Mixture(seed, chat)
    for number, start in enumerate(range(0, rows, -(-rows // _CHUNKS))):
        yield from mixture.chunk(_chunk(number), min(-(-rows // _CHUNKS), rows - start))


def as_row(conversation: Conversation) -> dict[str, object]:
    """Return a conversation as fine-tuning reads it."""
    messages = [{"role": turn.role, "content": turn.text} for turn in conversation.turns]
    messages.append({"role": "assistant", "content": conversation.answer})
    row: dict[str, object] = {"messages": messages}
    if not conversation.answer_prompt:
        row["add_generation_prompt"] = False
    return row


def _chunk(number: int) -> int:
    """Return which chunk of the mixture is taken: a few as it begins, then as it goes on, with more to copy."""
    if number < _EARLY:
        return number
    return LATE_FROM_CHUNK + (number - _EARLY) * (AGAIN_FROM_CHUNK - LATE_FROM_CHUNK) // (_CHUNKS - _EARLY)
