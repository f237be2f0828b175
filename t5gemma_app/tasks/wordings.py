"""How a text and a label are put into words for a checkpoint that writes.

Two kinds. A *continuation* ends in the label: what stands before it is read by the encoder, once for all labels, and
the rest is what the decoder would write. A *question* asks for each label on its own and is answered by Yes or No.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from t5gemma_app.errors import InputError, did_you_mean

YES, NO = "Yes", "No"
MOST_CHARACTERS = 4000

_SLOT = re.compile(r"\{(\w*)\}")
_KNOWN = ("text", "label", "labels")


@dataclass(frozen=True, slots=True)
class Wording:
    """A named text with {text}, {label} and, where it helps, {labels}."""

    name: str
    about: str
    text: str

    @property
    def question(self) -> bool:
        """Whether each label is asked for on its own."""
        return self.text.rfind("{label}") < self.text.rfind("{text}") or self.text.rstrip().endswith("?")

    def context(self, text: str, labels: Sequence[str], label: str = "") -> str:
        """Return what the encoder reads."""
        before = self.text if self.question else self._before.rstrip()
        return _filled(before, {"text": text, "labels": ", ".join(labels), "label": label})

    def answer(self, label: str, labels: Sequence[str]) -> str:
        """Return what the decoder would write for a label; a continuation only."""
        blank = self._before[len(self._before.rstrip()) :]
        return blank + _filled(self.text[len(self._before) :], {"label": label, "labels": ", ".join(labels)})

    @property
    def _before(self) -> str:
        return self.text[: self.text.rfind("{label}")]


WORDINGS: tuple[Wording, ...] = (
    Wording("topic", "what a text is about", "{text}\n\nTopic: {label}"),
    Wording("sentiment", "how a text feels", "Review: {text}\n\nSentiment: {label}"),
    Wording("statement", "a sentence about the text", "{text}\n\nThis text is about {label}"),
    Wording(
        "instruction",
        "names all labels first",
        "Which of these fits the text best: {labels}?\n\nText: {text}\n\nAnswer: {label}",
    ),
    Wording("question", "asks for each label on its own", "{text}\n\nIs this text about {label}? Yes or no?"),
)
DEFAULT, DEFAULT_SEVERAL = "topic", "question"


def read_wording(wish: str, *, several: bool = False) -> Wording:
    """Return a wording by its name, or the one that a text with {text} and {label} is.

    Args:
        wish: A name of `WORDINGS`, or a text of one's own; empty takes the default.
        several: Whether any number of labels may fit, which is asked for label by label.

    Raises:
        InputError: There is no such name, or the text lacks what it needs; the message says what.
    """
    wish = wish.strip("\n")
    name = wish.strip().lower() or (DEFAULT_SEVERAL if several else DEFAULT)
    named = next((wording for wording in WORDINGS if wording.name == name), None)
    wording = named or _own(wish)
    if several and not wording.question:
        raise InputError(
            f"The wording {named.name if named else 'of your own'!r} puts the label at its end, "
            "so that labels compete for one place.",
            expected="Where several labels may fit, each is asked for on its own and answered by Yes or No.",
            remedy="Use the wording 'question', or put {label} before {text} or into a question.",
        )
    return wording


def _own(text: str) -> Wording:
    if "{" not in text:
        names = [wording.name for wording in WORDINGS]
        raise InputError(
            f"There is no wording {text[:80]!r}.",
            expected=did_you_mean(text, names)
            or f"It is one of {', '.join(names)}, or a text with {{text}} and {{label}}.",
        )
    if len(text) > MOST_CHARACTERS:
        raise InputError(f"The wording has {len(text):,} characters.", expected=f"It may have {MOST_CHARACTERS:,}.")
    slots = _SLOT.findall(text)
    unknown = next((slot for slot in slots if slot not in _KNOWN), None)
    if unknown is not None:
        raise InputError(f"The wording has {{{unknown}}}.", expected="It may have {text}, {label} and {labels}.")
    for slot in ("text", "label"):
        if slot not in slots:
            raise InputError(
                f"The wording lacks {{{slot}}}.", expected="It has {text} and {label}, such as: {text} Topic: {label}."
            )
    return Wording("own", "of your own", text)


def _filled(template: str, values: dict[str, str]) -> str:
    """Fill the slots at once, so that a text that holds `{label}` stays as it is."""
    return _SLOT.sub(lambda found: values.get(found[1], found[0]), template)
