"""The labels a person chooses from, checked."""

from __future__ import annotations

import re
from collections.abc import Sequence

from t5gemma_app.errors import InputError
from t5gemma_app.tasks.conversation import replace_surrogates

MOST_LABELS = 200
"""Each label is an answer that the decoder scores for every text; with more, a page would wait for minutes."""
MOST_CHARACTERS = 200
NONE = "none of these"
"""What is said where no label is chosen."""

_BREAK = re.compile(r"[,;\n]")


def read_labels(wish: str | Sequence[str], *, fewest: int = 2) -> tuple[str, ...]:
    """Return labels from a list, or from one text with commas, semicolons or line ends between them.

    Args:
        wish: What was typed or sent.
        fewest: How many there must be.

    Raises:
        InputError: A label is empty, repeated or too long, or there are too few or too many; the message names it.
    """
    if isinstance(wish, str):
        text = wish.strip().strip(",;").strip()
        parts = _BREAK.split(text) if text else []
    else:
        parts = list(wish)
    labels = tuple(re.sub(r"\s+", " ", replace_surrogates(str(part))).strip() for part in parts)
    if len(labels) < fewest:
        raise InputError(
            f"There {_count(len(labels))}.",
            expected=f"At least {fewest} are needed to choose from." if fewest > 1 else "At least one is needed.",
            remedy="Write them with commas between, such as: sport, politics, science.",
        )
    if len(labels) > MOST_LABELS:
        raise InputError(
            f"There are {len(labels):,} labels.",
            expected=f"At most {MOST_LABELS} are scored for a text.",
            remedy="Leave some out, or train a head on them.",
        )
    for place, label in enumerate(labels, start=1):
        if not label:
            raise InputError(f"Label {place} of {len(labels)} is empty.", remedy="Remove a comma, or name it.")
        if len(label) > MOST_CHARACTERS:
            raise InputError(
                f"Label {place} has {len(label):,} characters.", expected=f"A label has at most {MOST_CHARACTERS}."
            )
    folded = [label.casefold() for label in labels]
    twice = next((label for at, label in enumerate(labels) if folded[at] in folded[:at]), None)
    if twice is not None:
        raise InputError(f"The label {twice!r} is there twice.", remedy="Remove one of them.")
    return labels


def _count(number: int) -> str:
    return {0: "are no labels", 1: "is one label"}.get(number, f"are {number} labels")
