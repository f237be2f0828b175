"""Where a decoder looked in the source while it wrote an answer, word by word.

Knows words and averages; the weights themselves are the engine's.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.engine.types import Answer, CrossAttention, Engine, Finished, Piece, SeenToken
from t5gemma_app.errors import InputError
from t5gemma_app.tasks.chat import Chat
from t5gemma_app.tasks.conversation import replace_surrogates
from t5gemma_app.tasks.turns import Turn
from t5gemma_app.tasks.words import Range, found_words

LONGEST_ANSWER = 128
"""Tokens of an answer that is looked into; the picture of more would show nothing."""

_GLYPHS = str.maketrans({"\n": "⏎", "\t": "⇥", " ": "␣"})


class Stretch(NamedTuple):
    """Neighbouring tokens that are shown as one."""

    text: str
    before: str
    """Blanks in front of it."""
    first: int
    end: int
    """Tokens from `first` up to, but not including, `end`."""
    mark: bool
    """Whether it is a control mark or only blanks: there attention rests when it needs nothing."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One layer and head, or an average, of an answer's cross-attention."""

    source: tuple[Stretch, ...]
    answer: tuple[Stretch, ...]
    rows: tuple[tuple[float, ...], ...]
    """For each stretch of the answer the share that went to each of the source."""

    def depths(self) -> tuple[tuple[float, ...], ...]:
        """Return how strongly to show each share: 1 for the row's largest on words, whatever goes to marks."""
        return tuple(self._depth(row) for row in self.rows)

    def _depth(self, row: Sequence[float]) -> tuple[float, ...]:
        words = [share for share, stretch in zip(row, self.source, strict=True) if not stretch.mark]
        top = max(words or row)
        return tuple(min(1.0, share / top) if top > 0 else 0.0 for share in row)


@dataclass(frozen=True, slots=True)
class Looker:
    """Looks into answers through an engine."""

    engine: Engine
    chat: Chat

    def pieces(self, checkpoint: Checkpoint, prompt: str) -> tuple[Piece, ...]:
        """Return a prompt as it is sent.

        Raises:
            InputError: It is empty or too long, or the checkpoint writes no text.
        """
        return self.chat.fit(checkpoint, (Turn("user", prompt),)).pieces

    def look(
        self, checkpoint: Checkpoint, prompt: str, answer: str | Sequence[int], visitor: str = ""
    ) -> CrossAttention:
        """Return where the decoder looks while it writes an answer.

        Args:
            checkpoint: What would write it.
            prompt: What it answers.
            answer: A text, or the token ids that were generated.
            visitor: Who waits for it; visitors take turns, and have so many requests each.

        Raises:
            InputError: Prompt or answer is empty or too long, or the checkpoint writes no text.
            BusyError: Too many wait, of all or of this visitor.
        """
        pieces = self.pieces(checkpoint, prompt)
        if isinstance(answer, str):
            answer = replace_surrogates(answer)
            if not answer:
                raise InputError("The answer is empty.", remedy="Write one, or let the checkpoint answer.")
            ids = tuple(token.id for token in self.engine.tokens(checkpoint, answer))
        else:
            ids = tuple(answer)
        if not ids:
            raise InputError("The answer is empty.", remedy="Ask something else, or write an answer.")
        if len(ids) > LONGEST_ANSWER:
            raise InputError(
                f"The answer has {len(ids):,} tokens.",
                expected=f"At most {LONGEST_ANSWER} can be looked into.",
                remedy="Shorten it.",
            )
        return self.engine.look(checkpoint, pieces, ids, visitor=visitor)


def picture(seen: CrossAttention, layer: int = 0, head: int = 0, *, by_word: bool = True) -> Picture:
    """Return one layer and head as a picture.

    Args:
        seen: What was looked at.
        layer: From 1; 0 averages over all.
        head: From 1; 0 averages over all.
        by_word: Whether the pieces of a word are shown as one: what went to them is added up, and what the pieces of
            an answer's word looked at is averaged.

    Raises:
        InputError: There is no such layer or head.
    """
    for name, value, most in (("layer", layer, seen.layers), ("head", head, seen.heads)):
        if not 0 <= value <= most:
            raise InputError(f"There is no {name} {value}.", expected=f"It is 0, for all, or 1 to {most}.")
    source, answer = stretches(seen.source, by_word), stretches(seen.answer, by_word)
    rows = seen.rows(layer, head)
    shown = []
    for stretch in answer:
        own = rows[stretch.first : stretch.end]
        mean = [math.fsum(column) / len(own) for column in zip(*own, strict=True)]
        shown.append(tuple(math.fsum(mean[one.first : one.end]) for one in source))
    return Picture(source, answer, tuple(shown))


def stretches(tokens: Sequence[SeenToken], by_word: bool) -> tuple[Stretch, ...]:
    """Return tokens as words, or one by one; together they are all tokens."""
    result: list[Stretch] = []
    at = 0
    while at < len(tokens):
        if tokens[at].control:
            result.append(Stretch(tokens[at].text, "", at, at + 1, True))
            at += 1
            continue
        end = at
        while end < len(tokens) and not tokens[end].control:
            end += 1
        result += _text_stretches(tokens[at:end], at, by_word)
        at = end
    return tuple(result)


def _text_stretches(tokens: Sequence[SeenToken], first: int, by_word: bool) -> Iterator[Stretch]:
    """Yield the stretches of tokens that are text; `first` is the number of the first of them."""
    text, places, at = "".join(token.text for token in tokens), [], 0
    for token in tokens:
        places.append(Range(at, at + len(token.text)))
        at += len(token.text)
    groups = _by_word(text, places) if by_word else [(number, number + 1) for number in range(len(tokens))]
    for begin, end in groups:
        written = text[places[begin].start : places[end - 1].end]
        bare = written.strip()
        if bare:
            before = written[: len(written) - len(written.lstrip())]
            yield Stretch(bare, before, first + begin, first + end, False)
        else:
            # The bytes of a character that a later piece completes have no text of their own.
            shown = written.translate(_GLYPHS) or tokens[begin].piece
            yield Stretch(shown, "", first + begin, first + end, True)


def _by_word(text: str, places: Sequence[Range]) -> list[tuple[int, int]]:
    """Return first and last-plus-one token of each word and of each token between words."""
    groups: list[tuple[int, int]] = []
    at = 0
    for word in found_words(text, places):
        begin, end = word.pieces[0], word.pieces[-1] + 1
        # A character's bytes without text stand before the one that has it, and belong to it.
        while begin > at and places[begin - 1].start == places[begin - 1].end:
            begin -= 1
        groups += [(number, number + 1) for number in range(at, begin)]
        groups.append((begin, end))
        at = end
    return [*groups, *((number, number + 1) for number in range(at, len(places)))]


def ids_of(answer: Answer) -> tuple[int, ...]:
    """Run an answer to its end and return its tokens."""
    for event in answer:
        if isinstance(event, Finished):
            return event.result.token_ids
    return ()
