"""Tagging without a head: a generator is asked for each label, and what it says is looked up in the text.

An answer counts only where the text holds it as whole words; anything else is dropped and counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.engine.types import Engine, Event, Finished, GenerationRequest, Piece, SamplingParameters
from t5gemma_app.errors import InputError
from t5gemma_app.tasks.labels import read_labels
from t5gemma_app.tasks.spans import Span
from t5gemma_app.tasks.tagging import Tagged, text_input
from t5gemma_app.tasks.turns import BOS, Turn, write_turns
from t5gemma_app.tasks.words import Range, split_words

MOST_LABELS, MOST_ANSWERS = 24, 64
"""Labels of one text, each of which is a question, and answers to one question that are looked up."""
ANSWER_TOKENS = 128

_BULLET = re.compile(r"^\s*(?:[-*•–]|\(?\d{1,3}[.):])\s+")
_QUOTES = "\"'“”‘’«»`"
_NOTHING = frozenset(("", "none", "no", "nothing", "n/a", "not mentioned", "-"))


@dataclass(frozen=True, slots=True)
class Extracted:
    """What a generator found."""

    tagged: Tagged
    dropped: tuple[tuple[str, str], ...]
    """Label and words of answers that the text does not hold."""


@dataclass(frozen=True, slots=True)
class Asking:
    """A label is being asked for."""

    label: str
    number: int
    """From 1."""
    of: int


def prompt_for(checkpoint: Checkpoint, text: str, label: str) -> tuple[Piece, ...]:
    """Return what is sent for a label: a turn, or the bare words where the checkpoint knows no turns."""
    asked = f"{text}\n\nList every {label} in the text above, each on its own line, as written. If there is none: none"
    if checkpoint.stage == "pretrained":
        return (Piece(BOS, control=True), Piece(f"{asked}\n"))
    return write_turns((Turn("user", asked),))


@dataclass(frozen=True, slots=True)
class Searched:
    """A text in which whole words are looked up."""

    text: str
    inside: frozenset[int]
    """Places within a word, where nothing may begin or end."""

    @classmethod
    def of(cls, text: str) -> Searched:
        """Find the words of a text."""
        return cls(text, frozenset(at for start, end in split_words(text) for at in range(start + 1, end)))

    def places(self, name: str) -> list[Range]:
        """Return where the text holds some words, whole; in any case where not as they are written."""
        pattern = re.escape(name)
        found = self._whole(re.compile(pattern)) if name else []
        return found or (self._whole(re.compile(pattern, re.IGNORECASE)) if name else [])

    def _whole(self, pattern: re.Pattern[str]) -> list[Range]:
        found = [Range(*one.span()) for one in pattern.finditer(self.text)]
        return [one for one in found if one.start not in self.inside and one.end not in self.inside]


def read_names(answer: str, searched: Searched) -> tuple[str, ...]:
    """Return what an answer lists, each once: a line each, or parted by commas where no line is in the text."""
    names: dict[str, None] = {}
    for line in answer.split("\n"):
        whole = _bare(line)
        listed = [whole] if searched.places(whole) else [_bare(part) for part in re.split(r"[,;]| and ", whole)]
        names.update(dict.fromkeys(name for name in listed if name.lower() not in _NOTHING))
    return tuple(names)[:MOST_ANSWERS]


def place_names(
    searched: Searched, answers: Sequence[tuple[str, Sequence[str]]], *, every: bool = True
) -> tuple[tuple[Span, ...], tuple[tuple[str, str], ...]]:
    """Return where answers are in a text, without overlaps, and the answers that are not in it.

    Of answers that overlap the longest is kept, then the one whose label was asked for first.

    Args:
        searched: What was read.
        answers: Labels with what was answered.
        every: Whether all places of an answer count, or the first alone.
    """
    found: list[tuple[int, int, int, str]] = []
    dropped: list[tuple[str, str]] = []
    for order, (label, names) in enumerate(answers):
        for name in names:
            places = searched.places(name)
            if not places:
                dropped.append((label, name))
            found += [(start - end, order, start, label) for start, end in (places if every else places[:1])]
    taken: set[int] = set()
    spans: list[Span] = []
    for negative, _, start, label in sorted(found):
        own = range(start, start - negative)
        if taken.isdisjoint(own):
            taken.update(own)
            spans.append(Span(start, own.stop, label, None))
    return tuple(sorted(spans, key=lambda span: span.start)), tuple(dropped)


@dataclass(frozen=True, slots=True)
class Extractor:
    """Finds spans by asking a generator, one question a label."""

    engine: Engine
    max_text: int | None = None
    """Characters a text may have; None takes any number."""

    def checked(self, checkpoint: Checkpoint, text: str, labels: str | Sequence[str]) -> tuple[str, tuple[str, ...]]:
        """Return text and labels as they are used.

        Raises:
            InputError: The text is empty or too long, a label can't be asked for, or the checkpoint writes no text.
        """
        if checkpoint.head != "none":
            raise InputError(
                f"{checkpoint.name} has a classification head and writes no text.",
                remedy="Leave the labels out to use its own, or choose a checkpoint that chats.",
            )
        names = read_labels(labels, fewest=1)
        if len(names) > MOST_LABELS:
            raise InputError(f"There are {len(names)} labels to look for.", expected=f"At most {MOST_LABELS}.")
        if self.max_text is not None and len(text) > self.max_text:
            raise InputError(
                f"The text has {len(text):,} characters.",
                expected=f"This server takes {self.max_text:,}.",
                remedy="Shorten it, or raise T5GEMMA_MAX_TEXT.",
            )
        return text_input(text).text, names

    def ask(
        self,
        checkpoint: Checkpoint,
        text: str,
        labels: str | Sequence[str],
        *,
        every: bool = True,
        visitor: str = "",
    ) -> Iterator[Asking | Event | Extracted]:
        """Ask for one label after the other, and yield what happens; the last is what was found. Leaving cancels.

        Args:
            checkpoint: What is asked.
            text: Where to look.
            labels: What to look for.
            every: Whether all places of an answer count, or the first alone.
            visitor: Who asks; visitors take turns.

        Raises:
            InputError: See `checked`; or the text with its question is longer than the checkpoint reads.
        """
        text, names = self.checked(checkpoint, text, labels)
        answers = []
        for number, label in enumerate(names, start=1):
            yield Asking(label, number, len(names))
            request = GenerationRequest(checkpoint, prompt_for(checkpoint, text, label), _greedy(), visitor)
            answer = self.engine.generate(request)
            try:
                for event in answer:
                    if isinstance(event, Finished):
                        answers.append(event.result.text)
                    else:
                        yield event
            finally:
                answer.cancel()
        yield extracted(text, names, answers, every=every)

    def find(
        self, checkpoint: Checkpoint, texts: Sequence[str], labels: str | Sequence[str], *, every: bool = True
    ) -> list[Extracted]:
        """Find labels in many texts, all questions in padded batches, at background priority.

        Raises:
            InputError: See `ask`.
        """
        checked = [self.checked(checkpoint, text, labels) for text in texts]
        prompts = [prompt_for(checkpoint, text, label) for text, names in checked for label in names]
        said = iter(self.engine.generate_batch(checkpoint, prompts, _greedy()) if prompts else [])
        return [extracted(text, names, [next(said).text for _ in names], every=every) for text, names in checked]


def extracted(text: str, labels: Sequence[str], answers: Sequence[str], *, every: bool = True) -> Extracted:
    """Return what the answers, one a label, found in a text, as any tagged text."""
    searched = Searched.of(text)
    names = [(label, read_names(answer, searched)) for label, answer in zip(labels, answers, strict=True)]
    spans, dropped = place_names(searched, names, every=every)
    tagged = Tagged(text, spans, (), (), tuple(labels), "BIO", "each label was asked for")
    return Extracted(tagged, dropped)


def _greedy() -> SamplingParameters:
    return SamplingParameters(max_new_tokens=ANSWER_TOKENS)


def _bare(line: str) -> str:
    """Return a line without its bullet, quotes and final full stop."""
    bare = _BULLET.sub("", line).strip().strip(_QUOTES).strip()
    return bare.rstrip(".,;:!").rstrip(_QUOTES).strip()
