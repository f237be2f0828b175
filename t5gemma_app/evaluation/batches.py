"""Cuts the examples that are still missing into batches: a pure decision.

A batch is what one transaction stores and what a killed process loses, and between two of them a run can be paused.
Inside it the engine cuts again, by tokens it has counted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from t5gemma_app.benchmarks.records import Example

CHARACTERS_PER_TOKEN = 4
"""Of English text with Gemma's vocabulary; only the size of batches and the time left depend on it."""
FIRST_TOKENS = 2048
MOST_TOKENS = 1 << 18
WANTED_SECONDS = 2.0
"""How long a batch should take: as much as a person waits for a pause, or would lose."""


@dataclass(frozen=True, slots=True)
class Todo:
    """An example that is not answered yet."""

    place: int
    """Its row in the benchmark, from 0."""
    example: Example

    @property
    def cost(self) -> int:
        """Estimated tokens that are read and written for it."""
        return (len(self.example.context) + self._characters) // CHARACTERS_PER_TOKEN + 1

    @property
    def further_cost(self) -> int:
        """Estimated tokens for it when its context was read for another example."""
        return self._characters // CHARACTERS_PER_TOKEN + 1

    @property
    def _characters(self) -> int:
        """Characters beside its context."""
        example = self.example
        return len(example.pair) + (sum(map(len, example.choices)) if example.method == "rank" else 0)


def missing(
    examples: Sequence[Example], answered: Callable[[Example], bool], shard: int = 0, shards: int = 1
) -> list[Todo]:
    """Return what a shard still has to answer, longest first, so that a lack of memory shows at once.

    Args:
        examples: All rows of a benchmark, in order.
        answered: Whether an example's sample is stored.
        shard: Which rows: those whose number modulo `shards` it is.
        shards: Into how many parts the rows are dealt.
    """
    todo = [
        Todo(place, example)
        for place, example in enumerate(examples)
        if place % shards == shard and not answered(example)
    ]
    longest: dict[str, int] = {}
    for item in todo:
        longest[item.example.context] = max(item.cost, longest.get(item.example.context, 0))
    # The engine reads a context once for all examples of a batch, so those that share one stand together.
    return sorted(todo, key=lambda t: (-longest[t.example.context], t.example.context, -t.cost, t.place))


def take(todo: Sequence[Todo], tokens: int) -> int:
    """Return how many items from the front make the next batch of tokens; at least one."""
    total = todo[0].cost
    for count, (before, item) in enumerate(pairwise(todo), start=1):
        shared = item.example.method == "rank" and item.example.context == before.example.context
        total += item.further_cost if shared else item.cost
        if total > tokens:
            return count
    return len(todo)


def grown(tokens: int, seconds: float, wanted: float = WANTED_SECONDS) -> int:
    """Return the tokens of the next batch after one of `tokens` took `seconds`; at most twice or half as many."""
    if seconds < wanted / 2:
        return min(MOST_TOKENS, tokens * 2)
    if seconds > wanted * 2:
        return max(1, tokens // 2)
    return tokens
