from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from t5gemma_app.engine.types import HeadInput
from t5gemma_app.tasks.occlusion import MOST_STRETCHES, occlude
from t5gemma_app.tasks.verdicts import LabelScore, Unread, Verdict


class Counting:
    """Finds a text the better the more of its words are `good`, and remembers what it read."""

    labels = ("good", "bad")
    notes = ()

    def __init__(self) -> None:
        self.read = []

    def classify(self, inputs, *, urgent=False, visitor=""):
        self.read += inputs
        return [self._verdict(f"{one.text} {one.pair or ''}".split()) for one in inputs]

    def _verdict(self, words):
        if not words:
            return Unread("nothing")
        share = words.count("good") / 100
        return Verdict((LabelScore("good", share, 0.0), LabelScore("bad", 1 - share, 0.0)), ("good",))


def effects(text, pair=None, label="good"):
    one = HeadInput(text, pair)
    *_, last = occlude(Counting(), one, label)
    assert last.done == last.total == len(last.effects)
    return [
        ((pair if effect.second else text)[effect.start : effect.end], round(effect.change * 100))
        for effect in last.effects
    ]


def test_a_word_weighs_what_its_absence_takes():
    assert effects("a good day") == [("a", 0), ("good", 1), ("day", 0)]
    assert effects("a good day", label="bad") == [("a", 0), ("good", -1), ("day", 0)]
    assert effects("so", "good good") == [("so", 0), ("good", 1), ("good", 1)]


def test_what_is_left_out_leaves_no_gap():
    classifier = Counting()
    list(occlude(classifier, HeadInput("one two\nthree"), "good"))
    assert [one.text for one in classifier.read] == ["one two\nthree", "two\nthree", "one \nthree", "one two"]


def test_a_text_that_can_not_be_read_has_no_effects():
    assert list(occlude(Counting(), HeadInput(" "), "good")) == []


@settings(deadline=None)
@given(st.integers(1, 400), st.integers(0, 400))
def test_the_cost_is_bounded_and_every_word_is_left_out_once(first, second):
    text, pair = " ".join(["good"] * first), " ".join(["good"] * second) or None
    *_, last = occlude(Counting(), HeadInput(text, pair), "good")
    assert last.total <= MOST_STRETCHES
    assert round(sum(effect.change for effect in last.effects) * 100) in (first + second, 1, 0)
