"""What an answer looked at, as values without torch; part of `engine.types`."""

from __future__ import annotations

from array import array
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SeenToken:
    """A token of a prompt or an answer."""

    piece: str
    """As the tokenizer spells it."""
    text: str
    """Its characters; of a character's bytes only the last token has it."""
    control: bool = False
    """Whether it is a mark that only the app writes, such as `<bos>`."""


@dataclass(frozen=True, slots=True)
class CrossAttention:
    """Where a decoder looked in the source while it wrote each token of an answer."""

    source: tuple[SeenToken, ...]
    answer: tuple[SeenToken, ...]
    layers: int
    heads: int
    weights: array[float]
    """[1 + layers, 1 + heads, answer, source]; number 0 averages over all layers, and over all heads."""
    merged: bool = False
    """Whether source and answer share one attention (T5Gemma 2), so that a row's weights sum to less than 1."""

    def rows(self, layer: int, head: int) -> tuple[tuple[float, ...], ...]:
        """Return the weights of a layer and a head, a row for each token of the answer; 0 averages over all."""
        width = len(self.source)
        begin = (layer * (1 + self.heads) + head) * len(self.answer) * width
        return tuple(
            tuple(self.weights[begin + at * width : begin + (at + 1) * width]) for at in range(len(self.answer))
        )
