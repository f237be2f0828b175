"""The cut between what training may see and what the measurement asks.

Knows only names and shares; refuses to know what is cut. A piece falls on one side by the hash of the seed and its own
name, so an endless generator never has to remember what it has already shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import blake2b
from random import Random

Sampler = Callable[[Random], "Exchange"]


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question and its answer, before history, system text and turn markers."""

    skill: str
    question: str
    answer: str
    earlier: tuple[tuple[str, str], ...] = ()
    """Earlier exchanges that the question depends on, oldest first."""


@dataclass(frozen=True, slots=True)
class Split:
    """One side of the cut."""

    seed: int
    held_out: bool

    def takes(self, kind: str, item: str, share: float) -> bool:
        """Say whether the item lies on this side, when `share` of its kind is held out."""
        digest = blake2b(f"{self.seed}:{kind}:{item}".encode(), digest_size=4).digest()
        return (int.from_bytes(digest, "big") / 2**32 < share) is self.held_out

    def part(self, kind: str, items: Iterable[str], share: float) -> tuple[str, ...]:
        """Return the items of this side, in their order."""
        return tuple(item for item in items if self.takes(kind, item, share))
