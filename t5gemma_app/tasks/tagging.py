"""Tagging with a token head: texts or given words in, spans and one label a word out.

Knows windows, words and label schemes; what a head says is the engine's, and files are others' work.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.engine.types import Engine, Token, Window
from t5gemma_app.errors import InputError
from t5gemma_app.tasks.conversation import replace_surrogates
from t5gemma_app.tasks.schemes import LabelMap, Scheme, label_map
from t5gemma_app.tasks.spans import AGGREGATIONS, Aggregation, Probabilities, Span, best, decide, group
from t5gemma_app.tasks.verdicts import softmax
from t5gemma_app.tasks.windows import Place, Stretch, cut_windows, deciding_places
from t5gemma_app.tasks.words import Range, found_words, given_words, join_tokens

# The shortest encoder of the family, for checkpoints whose configuration was not read; the marks around a text.
SAFE_POSITIONS, MARKS = 8192, 8


@dataclass(frozen=True, slots=True)
class TagOptions:
    """How pieces become words and spans."""

    aggregation: Aggregation = "first"
    scheme: str = "auto"
    """`auto`, or one of `schemes.SCHEMES`."""
    threshold: float = 0.0
    """Spans less probable than this are left out."""
    random_head: bool = False
    """Whether a head without trained weights is used all the same."""

    def checked(self) -> TagOptions:
        """Return self when every value can be used.

        Raises:
            InputError: One can't; the message names it.
        """
        if self.aggregation not in AGGREGATIONS:
            known = ", ".join(AGGREGATIONS)
            raise InputError(f"There is no aggregation {self.aggregation!r}.", expected=f"It is one of {known}.")
        if not 0.0 <= self.threshold <= 1.0:
            raise InputError(f"The threshold is {self.threshold}.", expected="It takes a probability from 0 to 1.")
        return self


@dataclass(frozen=True, slots=True)
class TagInput:
    """What is tagged: a text, and where its words are if somebody knows."""

    text: str
    words: tuple[Range, ...] | None = None


@dataclass(frozen=True, slots=True)
class WordTag:
    """A word or a piece with the head's own label."""

    start: int
    end: int
    label: str
    score: float
    piece: str = ""
    """A word piece as the tokenizer spells it; empty for a word."""


@dataclass(frozen=True, slots=True)
class Tagged:
    """A text with what was found in it."""

    text: str
    spans: tuple[Span, ...]
    words: tuple[WordTag, ...]
    """One a word, as given or as found; empty without aggregation."""
    pieces: tuple[WordTag, ...]
    """What the model saw, piece by piece."""
    names: tuple[str, ...]
    """What spans can be."""
    scheme: Scheme
    reason: str
    """Why labels are read by this scheme."""
    windows: int = 1
    """In how many overlapping parts the text was read."""
    outside: str = ""
    """The label of words in no span; empty where there is none."""

    @property
    def tags(self) -> tuple[str, ...]:
        """Return one label a word."""
        return tuple(word.label for word in self.words)

    def above(self, threshold: float) -> Tagged:
        """Return the text without spans that are less probable; their words then are outside, where labels say so."""
        dropped = [span for span in self.spans if span.score is not None and span.score < threshold]
        if not dropped:
            return self
        gone = {at for span in dropped for at in range(span.start, span.end)}
        words = tuple(
            replace(word, label=self.outside) if self.outside and word.start in gone else word for word in self.words
        )
        return replace(self, spans=tuple(span for span in self.spans if span not in dropped), words=words)


@dataclass(frozen=True, slots=True)
class _Reading:
    """A text's pieces and the windows they are read in."""

    tokens: tuple[Token, ...]
    windows: tuple[Stretch, ...]
    places: tuple[Place, ...]


def text_input(text: str) -> TagInput:
    """Return a text to tag, with unpaired surrogates replaced.

    Raises:
        InputError: It holds no word.
    """
    text = replace_surrogates(text)
    if not text.strip():
        raise InputError("The text is empty.", expected="At least one word to tag.")
    return TagInput(text)


def token_input(tokens: Sequence[str]) -> TagInput:
    """Return given words to tag, joined by blanks.

    Raises:
        InputError: There are none, or one of them is blank.
    """
    cleaned = [replace_surrogates(token) for token in tokens]
    if not cleaned:
        raise InputError("There are no tokens.", expected="At least one word to tag.")
    blank = next((number for number, token in enumerate(cleaned, start=1) if not token.strip()), None)
    if blank is not None:
        raise InputError(f"Token {blank} is blank.", expected="Every token has a character that is no blank.")
    return TagInput(*join_tokens(cleaned))


@dataclass(frozen=True, slots=True)
class Tagger:
    """Tags texts through an engine."""

    engine: Engine
    max_text: int | None = None
    """Characters a text may have; None takes any number."""

    def labels(self, checkpoint: Checkpoint, options: TagOptions | None = None) -> LabelMap:
        """Return what the checkpoint's labels mean.

        Raises:
            InputError: It has no token head or one without weights, or its labels have no names or follow no scheme.
        """
        options = options or TagOptions()
        if checkpoint.head != "token":
            raise InputError(
                f"{checkpoint.name} has no token head.",
                expected="A checkpoint that was trained to tag words.",
                remedy="Choose one in `models list`, train one, or name labels to find them by asking for them.",
            )
        if checkpoint.random_head and not options.random_head:
            raise InputError(
                f"The head of {checkpoint.name} has no trained weights: its files hold none, so its labels are random.",
                expected="A checkpoint whose files hold score.out_proj.weight.",
                remedy="Train it first, or say that you want the random head all the same.",
            )
        return label_map(checkpoint.labels if checkpoint.labels_named else (), options.scheme)

    def tag(
        self,
        checkpoint: Checkpoint,
        inputs: Sequence[TagInput],
        options: TagOptions | None = None,
        *,
        urgent: bool = False,
        visitor: str = "",
    ) -> list[Tagged]:
        """Tag texts, in the order given; each alone would give the same.

        Args:
            checkpoint: One with a token head.
            inputs: See `text_input` and `token_input`.
            options: How pieces become words and spans.
            urgent: Whether somebody waits for it.
            visitor: Who does; visitors take turns, and have so many requests each.

        Raises:
            InputError: The checkpoint can't tag, an option is wrong, or a text is too long for this server.
            BusyError: Too many wait, of all or of this visitor.
        """
        options = (options or TagOptions()).checked()
        labels = self.labels(checkpoint, options)
        for one in inputs:
            self._refuse_long(one.text)
            if one.words is not None and options.aggregation == "none":
                raise InputError(
                    "Given words need an aggregation, because each gets one label.",
                    expected="The aggregation is first, average or max.",
                )
        readings = [self._reading(checkpoint, one.text) for one in inputs]
        windows: list[Window] = [
            tuple(token.id for token in reading.tokens[start:end])
            for reading in readings
            for start, end in reading.windows
        ]
        said = iter(self.engine.tag(checkpoint, windows, urgent=urgent, visitor=visitor))
        results = []
        for one, reading in zip(inputs, readings, strict=True):
            parts = [next(said) for _ in reading.windows]
            pieces = [softmax(parts[window][at]) for window, at in reading.places]
            results.append(assemble(one, reading.tokens, pieces, labels, options, len(reading.windows)))
        return results

    def _reading(self, checkpoint: Checkpoint, text: str) -> _Reading:
        tokens = self.engine.tokens(checkpoint, text)
        limit = checkpoint.encoder.positions if checkpoint.encoder else SAFE_POSITIONS
        windows = cut_windows(len(tokens), max(1, limit - MARKS))
        return _Reading(tokens, windows, deciding_places(windows))

    def _refuse_long(self, text: str) -> None:
        if self.max_text is not None and len(text) > self.max_text:
            raise InputError(
                f"The text has {len(text):,} characters.",
                expected=f"This server takes {self.max_text:,}.",
                remedy="Shorten it, use a file, or raise T5GEMMA_MAX_TEXT.",
            )


def assemble(
    one: TagInput,
    tokens: Sequence[Token],
    pieces: Sequence[Probabilities],
    labels: LabelMap,
    options: TagOptions,
    windows: int = 1,
) -> Tagged:
    """Put a text's result together from the probabilities of its pieces."""
    places = [Range(token.start, token.end) for token in tokens]
    seen = tuple(
        WordTag(token.start, token.end, labels.labels[label], score, token.piece)
        for token, (label, score) in zip(tokens, map(best, pieces), strict=True)
    )
    found = found_words(one.text, places) if one.words is None else given_words(one.words, places)
    if options.aggregation == "none":
        spans = _piece_spans(one.text, seen, labels)
        tagged: tuple[WordTag, ...] = ()
    else:
        decisions = [decide(word, pieces, options.aggregation) for word in found]
        spans = group(found, decisions, labels)
        tagged = tuple(
            WordTag(word.start, word.end, labels.labels[decision.label], decision.score)
            if decision is not None
            else WordTag(word.start, word.end, labels.outside, 0.0)
            for word, decision in zip(found, decisions, strict=True)
        )
    return Tagged(
        text=one.text,
        spans=spans,
        words=tagged,
        pieces=seen,
        names=labels.names if options.aggregation != "none" else tuple(n for n in labels.labels if n != labels.outside),
        scheme=labels.scheme,
        reason=labels.reason,
        windows=windows,
        outside=labels.outside,
    ).above(options.threshold)


def _piece_spans(text: str, pieces: Sequence[WordTag], labels: LabelMap) -> tuple[Span, ...]:
    """Return every piece as a span of its own, blanks around it left out; bytes of one character are one span."""
    spans: list[Span] = []
    for piece in pieces:
        written = text[piece.start : piece.end]
        start = piece.start + len(written) - len(written.lstrip())
        end = piece.start + len(written.rstrip())
        if piece.label == labels.outside or start >= end or (spans and start < spans[-1].end):
            continue
        spans.append(Span(start, end, piece.label, piece.score))
    return tuple(spans)
