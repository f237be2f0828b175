"""Cuts the examples that are still missing into batches: a pure decision.

A batch is what one transaction stores and what a killed process loses, and between two of them a run can be paused.
Inside it the engine cuts again, by tokens it has counted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

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
        example = self.example
        characters = len(example.context) + len(example.pair)
        if example.method == "rank":
            characters += sum(map(len, example.choices))
        return characters // CHARACTERS_PER_TOKEN + 1


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
    # Rows with the same context have the same length often enough that sorting by it keeps them together.
    return sorted(todo, key=lambda item: (-item.cost, item.example.context, item.place))


def take(todo: Sequence[Todo], tokens: int) -> int:
    """Return how many items from the front make the next batch of padded tokens; at least one."""
    width = todo[0].cost
    return max(1, min(len(todo), tokens // width))


def grown(tokens: int, seconds: float, wanted: float = WANTED_SECONDS) -> int:
    """Return the tokens of the next batch after one of `tokens` took `seconds`; at most twice or half as many."""
    if seconds < wanted / 2:
        return min(MOST_TOKENS, tokens * 2)
    if seconds > wanted * 2:
        return max(1, tokens // 2)
    return tokens
