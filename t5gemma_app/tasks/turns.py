"""Gemma's turn markers as data, and the pieces a prompt is made of.

Knows how a conversation is written down; refuses to know tokenizers, models and history limits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from t5gemma_app.engine.types import Piece

BOS = "<bos>"
EOS = "<eos>"
START_OF_TURN = "<start_of_turn>"
END_OF_TURN = "<end_of_turn>"

Role = Literal["user", "assistant"]

# The name Gemma gives each speaker inside a turn; its chat template has no system role.
SPEAKERS: dict[Role, str] = {"user": "user", "assistant": "model"}


@dataclass(frozen=True, slots=True)
class Turn:
    """One utterance of a conversation."""

    role: Role
    text: str


def fold_system(turns: Sequence[Turn], system: str) -> tuple[Turn, ...]:
    """Put the system text in front of the first user turn, since Gemma has no system role."""
    if not system.strip():
        return tuple(turns)
    folded = list(turns)
    for index, turn in enumerate(folded):
        if turn.role == "user":
            folded[index] = Turn("user", f"{system.strip()}\n\n{turn.text}")
            break
    return tuple(folded)


def write_turns(turns: Sequence[Turn], *, answer: bool = True) -> tuple[Piece, ...]:
    """Write a conversation as pieces: exactly one `<bos>`, then each turn, then the start of the model's answer.

    Turn texts are stripped as Gemma's own chat template strips them.
    """
    pieces = [Piece(BOS, control=True)]
    for turn in turns:
        pieces += [
            Piece(START_OF_TURN, control=True),
            Piece(f"{SPEAKERS[turn.role]}\n{turn.text.strip()}"),
            Piece(END_OF_TURN, control=True),
            Piece("\n"),
        ]
    if answer:
        pieces += [Piece(START_OF_TURN, control=True), Piece("model\n")]
    return tuple(pieces)


def written(pieces: Sequence[Piece]) -> str:
    """Return the prompt as one string, as `show what was sent` displays it."""
    return "".join(piece.text for piece in pieces)
