"""Where one text differs from another, word by word; every character of a text is in exactly one part.

Compares words and signs, not the blanks between them: another line break is no difference.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

Kind = Literal["same", "added", "missing"]

# A character of a script that sets no blanks between words, a word, or a sign, with the blanks behind it; or blanks.
_DENSE = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_DENSE}]\s*|[^\W{_DENSE}]+(?:['’][^\W{_DENSE}]+)*\s*|[^\w\s]\s*|\s+")


@dataclass(frozen=True, slots=True)
class Part:
    """Neighbouring words that share a fate."""

    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class Difference:
    """A text beside a reference: the words both have, those only it has, and those only the reference has."""

    parts: tuple[Part, ...] = ()
    same: int = 0
    """Words that both have, in the same order."""
    added: int = 0
    missing: int = 0

    @property
    def none(self) -> bool:
        """Whether the two texts say the same, blanks aside."""
        return not self.added and not self.missing

    def sentence(self, reference: str) -> str:
        """Return the difference in words, such as `5 of 7 words as in A, 1 of A is missing`.

        Args:
            reference: What the reference is called.
        """
        if self.none:
            return f"the same words as {reference}"
        total = self.same + self.added
        words = f"{self.same:,} of {total:,} {'word' if total == 1 else 'words'} as in {reference}"
        if not self.missing:
            return words
        return f"{words}, {self.missing:,} of {reference} {'is' if self.missing == 1 else 'are'} missing"


def words_of(text: str) -> list[str]:
    """Cut a text into words and signs, each with the blanks behind it; joined they are the text."""
    return _WORD.findall(text)


def compare(reference: str, text: str) -> Difference:
    """Return where a text differs from a reference.

    Words that occur in both are found in the order in which they stand, so that a moved sentence is missing in one
    place and added in another. In texts of 200 words and more, frequent words are no place where the two can meet;
    the result may then be coarser than it could be, never wrong.
    """
    before, after = words_of(reference.lstrip()), words_of(text.lstrip())
    parts = [Part("same", text[: len(text) - len(text.lstrip())])]
    counts: dict[Kind, int] = {"same": 0, "added": 0, "missing": 0}
    for kind, words in _runs(before, after):
        counts[kind] += len(words)
        joined = "".join(words)
        if parts[-1].kind == kind:
            parts[-1] = Part(kind, parts[-1].text + joined)
        else:
            parts.append(Part(kind, joined))
    kept = tuple(part for part in parts if part.text)
    return Difference(kept, counts["same"], counts["added"], counts["missing"])


def _runs(before: Sequence[str], after: Sequence[str]) -> Iterator[tuple[Kind, Sequence[str]]]:
    matcher = SequenceMatcher(None, [word.strip() for word in before], [word.strip() for word in after])
    for tag, old, old_end, new, new_end in matcher.get_opcodes():
        if tag == "equal":
            yield "same", after[new:new_end]
            continue
        if old < old_end:
            yield "missing", before[old:old_end]
        if new < new_end:
            yield "added", after[new:new_end]
