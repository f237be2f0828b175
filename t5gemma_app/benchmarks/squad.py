"""How two short answers are compared: SQuAD's normalisation, exact match and token F1, best over the right answers."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Iterable

_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalised(text: str) -> str:
    """Return a text in lower case without ASCII punctuation, English articles and surplus white space."""
    bare = text.lower().translate(_PUNCTUATION)
    return " ".join(re.sub(r"\b(?:a|an|the)\b", " ", bare).split())


def exact(prediction: str, gold: str) -> float:
    """Return 1 where two texts are the same once normalised, else 0."""
    return float(normalised(prediction) == normalised(gold))


def f1(prediction: str, gold: str) -> float:
    """Return the harmonic mean of precision and recall over the words of two normalised texts.

    Where normalising leaves nothing of one of them, they agree only if it leaves nothing of both.
    """
    predicted, wanted = normalised(prediction).split(), normalised(gold).split()
    if not predicted or not wanted:
        return float(predicted == wanted)
    shared = sum((Counter(predicted) & Counter(wanted)).values())
    return 2 * shared / (len(predicted) + len(wanted))


def best(prediction: str, golds: Iterable[str]) -> dict[str, float]:
    """Return `f1` and `em` of a prediction, each against the right answer that suits it best; 0 where there is none."""
    answers = list(golds)
    return {
        "f1": max((f1(prediction, gold) for gold in answers), default=0.0),
        "em": max((exact(prediction, gold) for gold in answers), default=0.0),
    }
