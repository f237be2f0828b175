"""PrefixLM as T5Gemma uses it: the first half of a sequence is read, the second half is written."""

from __future__ import annotations

from collections.abc import Sequence

from t5gemma_app.errors import InputError
from t5gemma_app.training.objectives.pairs import Pair


def prefix_pair(ids: Sequence[int]) -> Pair:
    """Cut a sequence in two equal halves; of an odd number of ids the input gets the one more.

    Raises:
        InputError: There are fewer than two ids.
    """
    if len(ids) < 2:
        raise InputError(f"A sequence of {len(ids)} ids can't be halved.", expected="It takes two ids or more.")
    middle = (len(ids) + 1) // 2
    return Pair(tuple(ids[:middle]), tuple(ids[middle:]))
