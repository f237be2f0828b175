"""Computations that pause between their parts, as generators: whoever runs them decides what happens meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any, TypeVar

Row = TypeVar("Row")
Result = TypeVar("Result")


def exhaust(steps: Generator[Any, None, Result]) -> Result:
    """Run a generator to its end and return its value."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: Result = end.value
            return result


def at_once(
    compute: Callable[[Sequence[Row]], Sequence[Result]],
) -> Callable[[Sequence[Row]], Generator[None, None, Sequence[Result]]]:
    """Return a computation that never pauses in the form of one that does."""

    def steps(rows: Sequence[Row]) -> Generator[None, None, Sequence[Result]]:
        yield from ()
        return compute(rows)

    return steps
