"""Which rows a step has: a pure function of seed and step, so that a resumed run sees what it would have seen."""

from __future__ import annotations

from random import Random

from t5gemma_app.training.examples import Example, Stream

WINDOW = 50
"""Batches whose rows are sorted by length together: enough for little padding, and few enough for a random order."""


class RowOrder:
    """The rows of each step, epoch after epoch in a new order, rows of similar length side by side.

    Args:
        stream: The rows.
        batch_rows: Rows of a step; the last one of an epoch may have fewer.
        seed: Decides the order.
    """

    def __init__(self, stream: Stream, batch_rows: int, seed: int) -> None:
        self._stream = stream
        self._rows = batch_rows
        self._seed = seed
        self._per_epoch = -(-len(stream) // batch_rows)
        self._epoch = -1
        self._batches: list[list[int]] = []

    def indices(self, step: int) -> tuple[int, list[int]]:
        """Return a step's epoch and the numbers of its rows."""
        epoch, place = divmod(step, self._per_epoch)
        if epoch != self._epoch:
            self._batches, self._epoch = self._cut(epoch), epoch
        return epoch, self._batches[place]

    def examples(self, step: int) -> list[Example]:
        """Return a step's rows."""
        epoch, indices = self.indices(step)
        return [self._stream.example(epoch, index) for index in indices]

    def _cut(self, epoch: int) -> list[list[int]]:
        rng = Random(f"{self._seed}:order:{epoch}")  # noqa: S311  (an order that can be made again, no secret)
        numbers = list(range(len(self._stream)))
        rng.shuffle(numbers)
        wide = self._rows * WINDOW
        batches: list[list[int]] = []
        for start in range(0, len(numbers), wide):
            window = sorted(numbers[start : start + wide], key=self._stream.length)
            batches += [window[at : at + self._rows] for at in range(0, len(window), self._rows)]
        rng.shuffle(batches)
        return batches
