"""Bad texts, words and heads for tagging, vectors and looking inside; rows of the page of `tests.bad_inputs`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from t5gemma_app.checkpoints.folder import read_folder
from t5gemma_app.tasks.tag_rows import TagOrder, tag_rows
from t5gemma_app.tasks.tagging import TagOptions, text_input, token_input
from tests.tiny import save_tiny, tiny_head

if TYPE_CHECKING:
    from tests.bad_inputs import Bench

Attempt = Callable[["Bench"], str]
LABELS = ("O", "B-person", "I-person")


def _head(name: str, labels: tuple[str, ...] = LABELS, order: TagOrder | None = None, **config: object) -> Attempt:
    """Return an attempt to tag with a head of these labels."""

    def attempt(b: Bench) -> str:
        checkpoint = read_folder(save_tiny(b.folder / name, tiny_head("token", labels, **config)))
        services = b.services
        return b.refused(lambda: tag_rows(services.tagger, services.extractor, checkpoint, order or TagOrder()))

    return attempt


def _scheme(scheme: str) -> TagOrder:
    return TagOrder(TagOptions(scheme=scheme))


def _vector(*texts: str, pooling: str = "mean") -> Attempt:
    return lambda b: b.refused(lambda: b.services.embedder.embed(b.tiny, texts, pooling))


def _look(prompt: str, answer: str) -> Attempt:
    return lambda b: b.refused(lambda: b.services.looker.look(b.tiny, prompt, answer))


WORDS: tuple[tuple[str, str, Attempt], ...] = (
    ("an empty text", "tag", lambda b: b.refused(lambda: text_input(" \n"))),
    ("a list of words with an empty one", "tag", lambda b: b.refused(lambda: token_input(["Ada", ""]))),
    ("a checkpoint without a token head", "tag", lambda b: b.refused(lambda: b.services.tagger.labels(b.tiny))),
    ("a token head without names for its labels", "tag", _head("unnamed", ("LABEL_0", "LABEL_1"), id2label=None)),
    ("labels that follow no scheme", "tag", _head("schemeless", ("O", "B-person", "place"))),
    ("labels of another scheme than asked for", "tag", _head("other", ("O", "S-x"), _scheme("BIO"))),
    ("a threshold above 1", "tag", _head("threshold", order=TagOrder(TagOptions(threshold=1.5)))),
    ("labels to look for beside a head's own", "tag", _head("both", order=TagOrder(labels="person"))),
    ("an empty text among others", "vectors", _vector("a text", " ")),
    ("a text longer than the encoder reads", "vectors", _vector("x" * 1000)),
    ("an answer of 300 tokens", "look inside", _look("Where?", "y" * 300)),
    ("an empty prompt", "look inside", _look(" ", "here")),
)
