"""Overlapping windows over a text that is longer than an encoder reads, and which of them decides each token."""

from __future__ import annotations

from typing import NamedTuple


class Stretch(NamedTuple):
    """Tokens from `start` up to, but not including, `end`."""

    start: int
    end: int


class Place(NamedTuple):
    """Where a token is decided: the number of the window, and the token's place in it."""

    window: int
    at: int


OVERLAP_SHARE = 4
"""Neighbouring windows share a quarter of their tokens, so that each token has an eighth around it at least."""


def cut_windows(length: int, size: int) -> tuple[Stretch, ...]:
    """Return windows that cover so many tokens; all but a single one are full.

    Args:
        length: How many tokens there are.
        size: How many a window has at most; at least 1.
    """
    if length <= size:
        return (Stretch(0, length),)
    step = max(1, size - size // OVERLAP_SHARE)
    starts = [*range(0, length - size, step), length - size]
    return tuple(Stretch(start, start + size) for start in starts)


def deciding_places(windows: tuple[Stretch, ...]) -> tuple[Place, ...]:
    """Return for each token the window in which it has most context on its poorer side.

    The beginning and the end of the text cost nothing there: nothing is left out on that side.
    """
    length = windows[-1].end
    best: list[tuple[int, Place]] = []
    for number, window in enumerate(windows):
        for token in range(window.start, window.end):
            left = length if window.start == 0 else token - window.start
            right = length if window.end == length else window.end - 1 - token
            place = (min(left, right), Place(number, token - window.start))
            if token == len(best):
                best.append(place)
            elif place[0] > best[token][0]:
                best[token] = place
    return tuple(place for _, place in best)
