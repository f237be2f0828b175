"""Classifying texts: by a head that was trained for it, or by how probable a decoder finds each label's words.

Knows labels, wordings and calibration; what is computed is the engine's, and files are others' work.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.engine.types import Engine, HeadInput, Logits
from t5gemma_app.errors import InputError
from t5gemma_app.tasks.conversation import clean_text
from t5gemma_app.tasks.labels import read_labels
from t5gemma_app.tasks.verdicts import LabelScore, Unread, Verdict, sigmoid, softmax
from t5gemma_app.tasks.wordings import Wording, read_wording
from t5gemma_app.tasks.zeroshot import ZeroShot

THRESHOLD = 0.5


@dataclass(frozen=True, slots=True)
class ClassifyOptions:
    """How texts are classified; most of it concerns checkpoints without a head."""

    labels: tuple[str, ...] | str = ()
    wording: str = ""
    """A name of `wordings.WORDINGS`, or a text with {text} and {label}."""
    several: bool = False
    """Whether any number of labels may fit a text."""
    none: bool = False
    """Whether `none of these` is offered too."""
    calibrate: bool = False
    """Whether what a text without content makes probable is taken off."""
    normalise: bool = False
    """Whether a label's log-probability is divided by its tokens."""
    whole: bool = False
    """Whether that a label ends is scored too, so that one that begins another has no advantage over it."""
    threshold: float = THRESHOLD
    """From which probability on one of several labels fits."""
    random_head: bool = False
    """Whether a head without trained weights is used all the same."""


class Classifier(Protocol):
    """Says something of texts."""

    @property
    def labels(self) -> tuple[str, ...]:
        """What it chooses from."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know who reads its verdicts."""
        ...

    def classify(
        self, inputs: Sequence[HeadInput], *, urgent: bool = False, visitor: str = ""
    ) -> list[Verdict | Unread]:
        """Return a verdict for each input, in their order; blocks.

        Args:
            inputs: What is read.
            urgent: Whether somebody waits for it.
            visitor: Who does; visitors take turns, and have so many requests each.

        Raises:
            BusyError: Too many wait, of all or of this visitor.
        """
        ...


@dataclass(frozen=True, slots=True)
class HeadClassifier:
    """Classifies by a trained sequence head."""

    engine: Engine
    checkpoint: Checkpoint
    threshold: float = THRESHOLD

    @property
    def labels(self) -> tuple[str, ...]:
        """The head's own."""
        return self.checkpoint.labels

    @property
    def notes(self) -> tuple[str, ...]:
        """Whether its labels mean anything."""
        notes = []
        if self.checkpoint.random_head:
            notes.append("The head's weights are random: these labels mean nothing.")
        if not self.checkpoint.labels_named:
            notes.append("The checkpoint does not name its labels; they are numbered.")
        return tuple(notes)

    def classify(
        self, inputs: Sequence[HeadInput], *, urgent: bool = False, visitor: str = ""
    ) -> list[Verdict | Unread]:
        """Return a verdict for each input."""
        outputs = self.engine.classify(self.checkpoint, inputs, urgent=urgent, visitor=visitor)
        limit = self.checkpoint.encoder.positions if self.checkpoint.encoder else 0
        return [
            self._verdict(output.logits, output.tokens) if output.logits else too_long(output.tokens, limit)
            for output in outputs
        ]

    def _verdict(self, logits: Logits, tokens: int) -> Verdict:
        if self.checkpoint.problem == "number":
            return Verdict((), (), tokens, number=logits[0])
        several = self.checkpoint.problem == "several"
        shares = [sigmoid(logit) for logit in logits] if several else softmax(logits)
        scores = tuple(
            LabelScore(label, share, math.log(share) if share > 0 else -math.inf)
            for label, share in zip(self.labels, shares, strict=True)
        )
        if several:
            return Verdict(scores, tuple(s.label for s in scores if s.probability >= self.threshold), tokens)
        return Verdict(scores, (max(scores, key=lambda score: score.probability).label,), tokens)


@dataclass(frozen=True, slots=True)
class Classification:
    """Makes classifiers, within a server's limits."""

    engine: Engine
    max_text: int
    """Characters a text may have."""

    def classifier(self, checkpoint: Checkpoint, options: ClassifyOptions) -> Classifier:
        """Return what classifies with a checkpoint as somebody wishes; loads nothing.

        Raises:
            InputError: The wishes don't fit the checkpoint or each other; the message names which.
        """
        if not 0 <= options.threshold <= 1:
            raise InputError(f"The threshold is {options.threshold}.", expected="It is a probability from 0 to 1.")
        if checkpoint.head == "sequence":
            return self._head(checkpoint, options)
        if checkpoint.head != "none":
            raise InputError(
                f"{checkpoint.name} {'labels words' if checkpoint.head == 'token' else 'is an encoder alone'}.",
                expected="A checkpoint that writes, or one with a sequence head, classifies texts.",
                remedy="Choose another checkpoint here." if checkpoint.head == "encoder" else "Use it to tag.",
            )
        labels = read_labels(options.labels, fewest=1 if options.several or options.none else 2)
        return ZeroShot(
            self.engine,
            checkpoint,
            labels,
            self._wording(options),
            several=options.several,
            none=options.none,
            calibrate=options.calibrate,
            normalise=options.normalise,
            whole=options.whole,
            threshold=options.threshold,
        )

    def checked(self, text: str, pair: str | None = None) -> HeadInput:
        """Return a text, or two, as a classifier reads them.

        Raises:
            InputError: One is empty or too long.
        """
        for name, one in (("text", text), ("second text", pair)):
            if one is None:
                continue
            if not one.strip():
                raise InputError(f"The {name} is empty.", remedy="Write one first.")
            if len(one) > self.max_text:
                raise InputError(
                    f"The {name} has {len(one):,} characters.",
                    expected=f"This server takes {self.max_text:,}.",
                    remedy="Shorten it, or raise T5GEMMA_MAX_TEXT.",
                )
        return HeadInput(clean_text(text), None if pair is None else clean_text(pair))

    @staticmethod
    def _wording(options: ClassifyOptions) -> Wording:
        return read_wording(options.wording, several=options.several)

    def _head(self, checkpoint: Checkpoint, options: ClassifyOptions) -> HeadClassifier:
        if checkpoint.random_head and not options.random_head:
            raise InputError(
                f"The head of {checkpoint.name} has no trained weights: its files hold none, so its labels are random.",
                expected="A checkpoint whose files hold score.out_proj.weight.",
                remedy="Train it first, or say that you want the random head all the same.",
            )
        if options.labels:
            wanted = read_labels(options.labels, fewest=1)
            if set(wanted) != set(checkpoint.labels):
                raise InputError(
                    f"{checkpoint.name} has labels of its own: {_listed(checkpoint.labels)}.",
                    remedy="Leave the labels out, or choose a checkpoint that writes to choose from labels of yours.",
                )
        return HeadClassifier(self.engine, checkpoint, options.threshold)


def too_long(tokens: int, limit: int) -> Unread:
    """Return what is said of a text that the encoder can't read."""
    if not tokens:
        return Unread("The text has no tokens.")
    return Unread(f"The text has {tokens:,} tokens; this checkpoint reads at most {limit:,}.")


def _listed(labels: Sequence[str]) -> str:
    shown = ", ".join(labels[:8])
    return f"{shown} and {len(labels) - 8} more" if len(labels) > 8 else shown
