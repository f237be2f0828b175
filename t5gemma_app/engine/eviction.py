"""Which loaded checkpoints leave when another one needs room: a pure decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

GB = 1e9


@dataclass(frozen=True, slots=True)
class Resident:
    """A loaded checkpoint as the decision sees it."""

    name: str
    bytes: int
    last_used: float
    leased: bool
    """Whether an answer of it is being computed; it can't leave then."""


@dataclass(frozen=True, slots=True)
class Eviction:
    """Who leaves, and why; `enough` is false when even that makes too little room."""

    names: tuple[str, ...]
    enough: bool
    reason: str


def plan_eviction(residents: Sequence[Resident], needed: int, budget: int) -> Eviction:
    """Choose the least recently used idle checkpoints until `needed` bytes fit into `budget`."""
    used = sum(r.bytes for r in residents)
    if used + needed <= budget:
        return Eviction((), True, f"{needed / GB:.2f} GB fit beside {used / GB:.2f} of {budget / GB:.2f} GB")
    leaving: list[Resident] = []
    for resident in sorted((r for r in residents if not r.leased), key=lambda r: r.last_used):
        leaving.append(resident)
        used -= resident.bytes
        if used + needed <= budget:
            break
    names = tuple(r.name for r in leaving)
    if used + needed > budget:
        return Eviction(
            (), False, f"{needed / GB:.2f} GB needed, {(budget - used) / GB:.2f} GB free even without idle checkpoints"
        )
    return Eviction(names, True, f"{', '.join(names)} used longest ago; {needed / GB:.2f} GB were needed")
