from __future__ import annotations

import math
from dataclasses import replace

import pytest

from t5gemma_app.engine.fake import FakeEngine
from t5gemma_app.engine.types import HeadInput, HeadOutput
from t5gemma_app.errors import InputError
from t5gemma_app.tasks.classification import Classification, ClassifyOptions, HeadClassifier
from t5gemma_app.tasks.verdicts import Unread, Verdict
from t5gemma_app.tasks.zeroshot import ZeroShot
from tests.ui.fakes import DEMO, HEAD

TOKEN = replace(HEAD, name="a-tagger", head="token")


class Answering(FakeEngine):
    """Says the same of every text."""

    def __init__(self, *logits: float) -> None:
        super().__init__()
        self.logits = logits

    def classify(self, checkpoint, inputs, *, budget=None, urgent=False, visitor=""):
        return [HeadOutput(self.logits, 3) for _ in inputs]


def of(engine=None, max_text=100):
    return Classification(engine or FakeEngine(), max_text)


def said(checkpoint, *logits, **options):
    found = of(Answering(*logits)).classifier(checkpoint, ClassifyOptions(**options)).classify([HeadInput("x")])[0]
    assert isinstance(found, Verdict)
    return found


def test_a_head_chooses_by_softmax():
    found = said(HEAD, 0.0, math.log(3))
    assert found.chosen == ("bad",)
    assert [score.probability for score in found.scores] == pytest.approx([0.25, 0.75])
    assert [math.exp(score.logprob) for score in found.scores] == pytest.approx([0.25, 0.75])
    assert found.margin == pytest.approx(0.5) and found.ranked[0].label == "bad"


def test_a_head_of_several_labels_takes_each_on_its_own():
    several = replace(HEAD, problem="several")
    assert said(several, 1.0, 2.0).chosen == ("good", "bad")
    assert said(several, -800.0, 800.0).chosen == ("bad",)
    assert said(several, 1.0, 2.0, threshold=0.8).chosen == ("bad",)
    assert said(several, -1.0, -2.0).label == "none of these"


def test_a_head_that_answers_with_a_number_says_it():
    found = said(replace(HEAD, problem="number", labels=("stars",)), 3.25)
    assert (found.number, found.label, found.scores, found.margin) == (3.25, "3.25", (), 0.0)


def test_the_checkpoint_decides_how():
    assert isinstance(of().classifier(HEAD, ClassifyOptions()), HeadClassifier)
    assert isinstance(of().classifier(HEAD, ClassifyOptions(labels="bad, good")), HeadClassifier)
    assert isinstance(of().classifier(DEMO, ClassifyOptions(labels="bad, good")), ZeroShot)


@pytest.mark.parametrize(
    ("checkpoint", "options", "words"),
    [
        (HEAD, ClassifyOptions(labels="red, blue"), "labels of its own: good, bad"),
        (replace(HEAD, random_head=True), ClassifyOptions(), "no trained weights"),
        (DEMO, ClassifyOptions(), "no labels"),
        (DEMO, ClassifyOptions(labels="a, b", wording="nonsense"), "no wording"),
        (DEMO, ClassifyOptions(labels="a, b", threshold=2), "threshold is 2"),
        (TOKEN, ClassifyOptions(), "labels words"),
        (replace(HEAD, head="encoder"), ClassifyOptions(), "encoder alone"),
    ],
)
def test_what_does_not_fit_is_said(checkpoint, options, words):
    with pytest.raises(InputError, match=words):
        of().classifier(checkpoint, options)


def test_a_random_head_is_used_when_somebody_insists_and_marked():
    found = of().classifier(replace(HEAD, random_head=True), ClassifyOptions(random_head=True))
    assert "random" in found.notes[0]
    nameless = of().classifier(replace(HEAD, labels_named=False), ClassifyOptions())
    assert "does not name its labels" in nameless.notes[0]


def test_a_text_that_the_head_can_not_read_is_said():
    found = of(Answering()).classifier(HEAD, ClassifyOptions()).classify([HeadInput("x")])
    assert found == [Unread("The text has 3 tokens; this checkpoint reads at most 512.")]


@pytest.mark.parametrize(
    ("text", "pair", "words"),
    [("", None, "text is empty"), ("x", " \n", "second text is empty"), ("x" * 101, None, "101 characters")],
)
def test_texts_are_checked(text, pair, words):
    with pytest.raises(InputError, match=words):
        of().checked(text, pair)


def test_texts_are_cleaned():
    assert of().checked("a\x00b\r\nc\ud800", "d") == HeadInput("ab\nc\ufffd", "d")
