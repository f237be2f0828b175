"""The output head on a CPU: look for the best words in 8 bits, then prove that no other word can win.

T5Gemma's 256,000 words make the head two thirds of a small model's step. The table is kept a second time in 8-bit
codes; their product with the quantised state is cheap, and how far it can be off is bounded for every word by
Cauchy-Schwarz: |W·x - (sC)·(tq)| <= |sC| |x - tq| + |W - sC| |x|. Words whose upper bound stays below the best lower
bound are out; the few others are computed in float32, so the best words and their scores are those of the full product.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from t5gemma_app.engine.int8 import LARGEST_CODE, coded_table, step_of

# Below this many weights the whole product fits into the processor's caches and is quick anyway.
SMALLEST_TABLE = 1 << 24
# With more words than this in question the full product is as quick.
MOST_CANDIDATES = 4096
# Float32 products of either kind differ in their last bits; the bound leaves room for that.
ROUNDING = 2e-6
PROBES = 8
BLOCK_WORDS = 256


class Words(NamedTuple):
    """Words with their scores."""

    scores: Tensor
    """[words], float32"""
    ids: Tensor
    """[words], ascending"""


@dataclass(slots=True)
class ScreenCount:
    """How often the screening decided, and how often the full product had to."""

    screened: int = 0
    full: int = 0

    @property
    def fallback_rate(self) -> float:
        """Share of the rows that needed the full product."""
        return self.full / max(1, self.full + self.screened)


class ScreenedHead:
    """Finds the best words of a table for given states.

    Args:
        weight: The output table, [vocabulary, hidden], float32 on the CPU.
    """

    def __init__(self, weight: Tensor) -> None:
        self._weight = weight.detach()
        blocks = -(-len(weight) // BLOCK_WORDS)
        padded = blocks * BLOCK_WORDS
        codes = torch.zeros(padded, weight.shape[1], dtype=torch.int8)
        scales, residuals, lengths = torch.ones(padded), torch.zeros(padded), torch.zeros(padded)
        # In parts, so that no second float32 table is ever in memory.
        for start in range(0, len(weight), 1 << 14):
            words = self._weight[start : start + (1 << 14)]
            part = slice(start, start + len(words))
            step = step_of(words, LARGEST_CODE)
            scales[part] = step[:, 0]
            code = torch.round(words / step)
            codes[part] = code.to(torch.int8)
            close = code.mul_(step)
            lengths[part] = close.norm(dim=1)
            residuals[part] = (words - close).norm(dim=1)
        self._table = coded_table(codes, scales)
        self._code_bytes = codes.numel()
        self._lengths, self._residuals = lengths.view(blocks, -1), residuals.view(blocks, -1)
        self._longest, self._roughest = self._lengths.amax(dim=1), self._residuals.amax(dim=1)
        self.count = ScreenCount()

    @property
    def bytes(self) -> int:
        """Memory beside the table itself."""
        parts = (self._lengths, self._residuals, self._longest, self._roughest)
        # Beside the codes a scale and a sum a word.
        return self._code_bytes + 2 * 4 * self._lengths.numel() + sum(4 * part.numel() for part in parts)

    def best(self, states: Tensor) -> list[int]:
        """Return each row's best word, the same as the full product's.

        Args:
            states: [rows, hidden], float32.
        """
        return [int(words.ids[words.scores.argmax()]) for words in self.top(states, 1)]

    @torch.inference_mode()
    def top(self, states: Tensor, count: int) -> list[Words]:
        """Return for each row words among which its `count` best are, with their exact scores.

        Blocks of words are judged first, by their largest score and loosest bound, so that the whole vocabulary is
        passed twice only; in the few blocks left every word is judged by its own bound.

        Args:
            states: [rows, hidden], float32.
            count: How many of the best words must be there.
        """
        step = step_of(states, self._table.largest)
        code = torch.round(states / step)
        size = states.norm(dim=1, keepdim=True) / step
        off = (states / step - code).norm(dim=1, keepdim=True) + ROUNDING * size
        about = self._about(code)  # in units of the row's step, as all below
        most = about.amax(dim=2)
        slack = off * self._longest + size * self._roughest
        least = _at_least(most - slack, about, slack, count)
        may_win = most + slack >= least
        return [
            self._exact(states[row], self._words(about[row], may_win[row], off[row], size[row], count))
            for row in range(len(states))
        ]

    def _about(self, code: Tensor) -> Tensor:
        """Return approximate scores, [rows, blocks, words]."""
        about = self._table.product(code)
        about[:, len(self._weight) :] = -torch.inf
        return about.view(len(code), -1, BLOCK_WORDS)

    def _words(self, about: Tensor, may_win: Tensor, off: Tensor, size: Tensor, count: int) -> Tensor:
        """Return the ids of a row's words that can be among its best, [words]."""
        blocks = torch.nonzero(may_win).flatten()
        scores = about[blocks].flatten()
        slack = (off * self._lengths[blocks] + size * self._residuals[blocks]).flatten()
        low = scores - slack
        least = low.amax() if count == 1 else torch.topk(low, min(count, len(low))).values[-1]
        places = torch.nonzero(scores + slack >= least).flatten()
        return blocks[places // BLOCK_WORDS] * BLOCK_WORDS + places % BLOCK_WORDS

    def _exact(self, state: Tensor, ids: Tensor) -> Words:
        if len(ids) > MOST_CANDIDATES:
            self.count.full += 1
            return Words(functional.linear(state, self._weight), torch.arange(len(self._weight)))
        self.count.screened += 1
        return Words(functional.linear(state, self._weight[ids]), ids)


def _at_least(lows: Tensor, about: Tensor, slack: Tensor, count: int) -> Tensor:
    """Return what each row's `count`-th best score is at least, [rows, 1].

    Args:
        lows: What each block's best score is at least, [rows, blocks].
        about: Approximate scores, [rows, blocks, words].
        slack: How far those of a block can be off, [rows, blocks].
        count: Which place is asked about.
    """
    if count == 1:
        return lows.amax(dim=1, keepdim=True)
    if count <= lows.shape[1]:  # so many blocks have a word of their own
        return torch.topk(lows, count, dim=1).values[:, -1:]
    flat = about.flatten(1)
    return torch.topk(flat, min(count, flat.shape[1]), dim=1).values[:, -1:] - slack.amax(dim=1, keepdim=True)


class HeadChoice(NamedTuple):
    """The head that decoding uses, and why; None is the full product."""

    head: ScreenedHead | None
    reason: str


def choose_head(weight: Tensor, wish: str) -> HeadChoice:
    """Choose between screening and the full product by timing both on this machine.

    Args:
        weight: The output table, [vocabulary, hidden].
        wish: `auto`, `on` or `off`.
    """
    if wish == "off":
        return HeadChoice(None, "full product: set by T5GEMMA_SCREENED_HEAD")
    if weight.device.type != "cpu" or weight.dtype != torch.float32:
        return HeadChoice(None, "full product: screening is for float32 on a CPU")
    if weight.numel() < SMALLEST_TABLE and wish != "on":
        return HeadChoice(None, "full product: the table is small")
    head = ScreenedHead(weight)
    if wish == "on":
        return HeadChoice(head, "screened in 8 bits, exact: set by T5GEMMA_SCREENED_HEAD")
    # States of a real model are not at hand yet; drawn ones are the hardest, for no word stands out. A row of the table
    # would not do: that of the padding is zero, with which every word ties.
    states = torch.randn(1, weight.shape[1], generator=torch.Generator().manual_seed(0))
    screened, full = _quickest(lambda: head.best(states), lambda: functional.linear(states, weight))
    words = f"{screened:.0f} ms a step in 8 bits, {full:.0f} ms in full"
    head.count = ScreenCount()
    if screened < full:
        return HeadChoice(head, f"screened, exact: {words}")
    return HeadChoice(None, f"full product: {words}")


@torch.inference_mode()
def _quickest(*works: Callable[[], object]) -> list[float]:
    """Return the least milliseconds of each, run in turn: a trial's first passes meet cold memory and other work."""
    least = [math.inf] * len(works)
    for _ in range(PROBES):
        for place, work in enumerate(works):
            begun = time.perf_counter()
            work()
            least[place] = min(least[place], (time.perf_counter() - begun) * 1e3)
    return least
