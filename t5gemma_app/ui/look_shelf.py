"""Answers that were looked into, kept so that another layer or head is shown without computing again."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict

from t5gemma_app.engine.types import CrossAttention
from t5gemma_app.errors import InputError

MOST_BYTES = 256_000_000
"""Of all answers together; the ones used least recently go first."""


class LookShelf:
    """What pages look at, under keys that nobody can guess.

    Args:
        most_bytes: Weights that are kept.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._kept: OrderedDict[str, CrossAttention] = OrderedDict()
        self._lock = threading.Lock()  # handlers of many pages run in many threads

    def add(self, seen: CrossAttention) -> str:
        """Keep what was seen and return its key."""
        key = secrets.token_urlsafe(16)
        with self._lock:
            self._kept[key] = seen
            while len(self._kept) > 1 and sum(map(_bytes, self._kept.values())) > self._most_bytes:
                self._kept.popitem(last=False)
        return key

    def get(self, key: str) -> CrossAttention:
        """Return what was seen.

        Raises:
            InputError: It made room for newer ones.
        """
        with self._lock:
            seen = self._kept.get(key)
            if seen is None:
                raise InputError("This answer's weights are not kept any more.", remedy="Look into it again.")
            self._kept.move_to_end(key)
            return seen


def _bytes(seen: CrossAttention) -> int:
    return seen.weights.itemsize * len(seen.weights)
