"""How often the page is told what was written meanwhile; the same for the browser and for programs."""

from __future__ import annotations

import time
from collections.abc import Callable

FRAME_SECONDS = 0.05
"""Pause between two updates of an answer; faster than this nobody reads."""
UPDATES_A_SECOND = 60
"""Updates of all answers together: each costs the server a few milliseconds that the answers need themselves."""
SLOWEST_SECONDS = 1.0


def frame_seconds(streams: int) -> float:
    """Return the pause between two updates of an answer: longer the more answers are streamed, so that all have time.

    Args:
        streams: Answers that are streamed at present.
    """
    return min(SLOWEST_SECONDS, max(FRAME_SECONDS, streams / UPDATES_A_SECOND))


class Frames:
    """Gathers what is written of an answer until it is time to show it; the first characters are shown at once.

    Args:
        streams: Returns how many answers are streamed at present.
    """

    def __init__(self, streams: Callable[[], int]) -> None:
        self._streams = streams
        self._held = ""
        self._due = 0.0

    def add(self, text: str) -> str:
        """Take new characters and return those that are to be shown now; empty while it is too early."""
        self._held += text
        return self.rest() if time.monotonic() >= self._due else ""

    def rest(self) -> str:
        """Return the characters that were not shown yet."""
        held, self._held = self._held, ""
        self._due = time.monotonic() + frame_seconds(self._streams())
        return held
