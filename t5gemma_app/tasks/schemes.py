"""What the names of a token head's labels mean: where a word stands in a span, and what the span is.

Knows names only; refuses to know pieces, scores and texts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

from t5gemma_app.errors import InputError

Scheme = Literal["BIO", "IO", "BIOES", "words"]
"""How labels mark spans; with `words` each word has a label of its own, as parts of speech have."""
Position = Literal["begin", "inside", "end", "single", "outside"]

SCHEMES: tuple[Scheme, ...] = get_args(Scheme)
OUTSIDE = "O"

_PREFIXED = re.compile(r"(?P<prefix>[BIESLU])[-_](?P<name>.+)", re.S)
_NAMELESS = re.compile(r"LABEL_\d+")
# L and U are the letters of BILOU, another spelling of BIOES.
_POSITIONS: dict[str, Position] = {
    "B": "begin",
    "I": "inside",
    "E": "end",
    "L": "end",
    "S": "single",
    "U": "single",
}
_PREFIXES: dict[Scheme, frozenset[str]] = {
    "IO": frozenset("I"),
    "BIO": frozenset("BI"),
    "BIOES": frozenset("BIESLU"),
}


class Meaning(NamedTuple):
    """What one label says of a word."""

    position: Position
    name: str
    """What the span is; empty outside of spans."""


@dataclass(frozen=True, slots=True)
class LabelMap:
    """A head's labels with their meaning."""

    labels: tuple[str, ...]
    meanings: tuple[Meaning, ...]
    scheme: Scheme
    reason: str
    """Why it is read by this scheme."""

    @property
    def names(self) -> tuple[str, ...]:
        """Return what spans can be, each once, in the order of the labels."""
        return tuple(dict.fromkeys(meaning.name for meaning in self.meanings if meaning.name))

    @property
    def outside(self) -> str:
        """Return the label of words in no span; empty where there is none."""
        return next(
            (label for label, one in zip(self.labels, self.meanings, strict=True) if one.position == "outside"), ""
        )


def label_map(labels: Sequence[str], scheme: str = "auto") -> LabelMap:
    """Return what labels mean, by the scheme their names follow or by a given one.

    Args:
        labels: The head's labels in order.
        scheme: `auto`, or one of `SCHEMES`. `IO` reads any prefix as inside, so that only kinds are told apart;
            `words` takes every label as it is.

    Raises:
        InputError: There are no names, they follow no scheme, or not the given one.
    """
    named = tuple(labels)
    if not named or all(_NAMELESS.fullmatch(label) for label in named):
        raise InputError(
            "The head's labels have no names.",
            expected="config.json names them in id2label, such as B-PER, I-PER and O.",
            remedy="Save the checkpoint again with id2label and label2id.",
        )
    if scheme == "auto":
        found, reason = _detected(named)
    elif scheme in SCHEMES:
        found, reason = next(known for known in SCHEMES if known == scheme), "as asked for"
    else:
        raise InputError(f"There is no scheme {scheme!r}.", expected=f"It is auto, {', '.join(SCHEMES)}.")
    return LabelMap(named, tuple(_meaning(label, found) for label in named), found, reason)


def _detected(labels: Sequence[str]) -> tuple[Scheme, str]:
    """Return the scheme that the names follow, and why."""
    inside = [label for label in labels if label != OUTSIDE]
    prefixes = {match["prefix"] for label in inside if (match := _PREFIXED.fullmatch(label))}
    plain = [label for label in inside if not _PREFIXED.fullmatch(label)]
    if not plain and prefixes:
        for scheme, taken in _PREFIXES.items():
            if prefixes <= taken:
                return scheme, f"all labels begin with {_listed(prefixes)}"
    if not prefixes and len(inside) < len(labels):
        return "IO", "the labels have no prefixes, and O is one of them"
    if not prefixes:
        return "words", "the labels have no prefixes, and O is not one of them"
    raise InputError(
        f"The labels follow no scheme: {plain[0]!r} has no prefix, others begin with {_listed(prefixes)}.",
        expected="All begin with B- or I- (and E- or S-), or none does.",
        remedy="Choose the scheme `words` to take every label as it is, or `IO` to pass over the prefixes.",
    )


def _meaning(label: str, scheme: Scheme) -> Meaning:
    if scheme == "words":
        return Meaning("single", label)
    if label == OUTSIDE:
        return Meaning("outside", "")
    match = _PREFIXED.fullmatch(label)
    if scheme == "IO":
        return Meaning("inside", match["name"] if match else label)
    if match is None or match["prefix"] not in _PREFIXES[scheme]:
        raise InputError(
            f"The label {label!r} is not of the scheme {scheme}.",
            expected=f"Labels are {OUTSIDE} or begin with {_listed(_PREFIXES[scheme])}.",
            remedy="Choose another scheme, or auto.",
        )
    return Meaning(_POSITIONS[match["prefix"]], match["name"])


def _listed(prefixes: Sequence[str] | set[str] | frozenset[str]) -> str:
    written = [f"{prefix}-" for prefix in "BIESLU" if prefix in prefixes]
    return " or ".join([", ".join(written[:-1]), written[-1]] if len(written) > 1 else written)
