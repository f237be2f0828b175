"""An engine whose token head knows a few names, for screens that should look like something."""

from __future__ import annotations

import time
from collections.abc import Sequence

from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.engine.fake import FakeEngine
from t5gemma_app.engine.types import Logits, Token, Window

NAMES = {
    "Ada": "B-person", "Lovelace": "I-person", "Charles": "B-person", "Babbage": "I-person", "Mia": "B-person",
    "London": "B-place", "Oslo": "B-place", "Bergen": "B-place", "1843": "B-date", "יוסי": "B-person",
    "ירושלים": "B-place",
}  # fmt: skip
UNSURE = ("Oslo", "Charles")
"""Names that it is not sure of."""


class NamingEngine(FakeEngine):
    """Says of each word whether it is a name; pieces keep their full stops apart, as a tokenizer's do."""

    def __init__(self, **wishes: object) -> None:
        super().__init__(**wishes)  # type: ignore[arg-type]
        self._words: dict[int, str] = {}

    def tokens(self, checkpoint: Checkpoint, text: str) -> tuple[Token, ...]:
        """Return words, and what is no letter apart from them."""
        found = []
        for token in super().tokens(checkpoint, text):
            written = text[token.start : token.end]
            bare = written.rstrip(".,;!?")
            for start, end in ((token.start, token.start + len(bare)), (token.start + len(bare), token.end)):
                if start < end:
                    word = text[start:end]
                    found.append(Token(len(self._words), word.replace(" ", "▁"), start, end))
                    self._words[len(self._words)] = word.strip()
        return tuple(found)

    def tag(
        self,
        checkpoint: Checkpoint,
        windows: Sequence[Window],
        *,
        budget: int | None = None,
        urgent: bool = False,
        visitor: str = "",
    ) -> list[tuple[Logits, ...]]:
        """Return strong logits for names it knows, weak ones for those it is not sure of."""
        found = []
        for window in windows:
            time.sleep(self.delay)
            found.append(tuple(self._logits(checkpoint, self._words[index]) for index in window))
        return found

    def _logits(self, checkpoint: Checkpoint, word: str) -> Logits:
        label = NAMES.get(word, "O")
        strength = 2.0 if word in UNSURE else 6.0
        return tuple(strength if one == label else 0.0 for one in checkpoint.labels)
