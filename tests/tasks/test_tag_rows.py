from __future__ import annotations

import pytest

from t5gemma_app.engine.fake import FakeEngine
from t5gemma_app.errors import InputError, OutOfMemoryError
from t5gemma_app.tasks.extraction import Extractor
from t5gemma_app.tasks.files.work import RowInput
from t5gemma_app.tasks.tag_rows import TagOrder, holds_words, read_order, tag_rows, words_of
from t5gemma_app.tasks.tagging import Tagger, TagOptions
from tests.ui.fakes import DEMO, TAGGER
from tests.ui.naming import NamingEngine


def work(order, checkpoint=TAGGER, engine=None, max_text=None):
    engine = engine or NamingEngine()
    return tag_rows(Tagger(engine, max_text), Extractor(engine, max_text), checkpoint, order)


def rows(*values):
    return [RowInput(number, (value,)) for number, value in enumerate(values)]


def test_rows_are_tagged_and_those_without_a_text_say_why():
    done = work(TagOrder()).results(rows("Mia", None, "  ", "x in Oslo", ["a"], "long" * 9))
    kinds = [[span["label"] for span in one.values.get("spans", ())] for one in done]
    assert kinds == [["person"], [], [], ["place"], [], []]
    errors = [one.error for one in done]
    assert errors[1:3] == ["There is no text in this row.", "The text is empty."]
    assert errors[3:5] == ["", "This is a list, not a text."]
    assert done[0].tally == ("person",)


def test_one_text_that_is_too_long_leaves_the_others_alone():
    done = work(TagOrder(), max_text=10).results(rows("Mia", "x" * 11, "Oslo"))
    assert [bool(one.error) for one in done] == [False, True, False]
    assert "has 11 characters" in done[1].error


class Full(NamingEngine):
    def tag(self, checkpoint, windows, *, budget=None, urgent=False, visitor=""):
        if sum(map(len, windows)) > 3:
            raise OutOfMemoryError("There was not enough memory.")
        return super().tag(checkpoint, windows, budget=budget, urgent=urgent)


def test_rows_are_halved_where_the_memory_does_not_suffice():
    done = work(TagOrder(), engine=Full()).results(rows("Mia in Oslo", "a b c d e", "Mia", "Oslo"))
    assert [one.error for one in done] == ["", "There was not enough memory.", "", ""]


def test_an_order_survives_the_disk():
    order = TagOrder(TagOptions("max", "IO", 0.5, True), "a, b", False, True)
    assert read_order(order.to_data()) == order
    assert read_order({}) == TagOrder()
    assert work(TagOrder(words=True).to_data()).fields[0].name == "tags"


@pytest.mark.parametrize(
    ("value", "words"),
    [(["a", "b"], ["a", "b"]), ('["a", "b c"]', ["a", "b c"]), ("a  b", ["a", "b"]), ("[a b", ["[a", "b"])],
)
def test_words_are_read_from_any_cell(value, words):
    assert words_of(value) == words
    assert holds_words(value) == isinstance(value, list)


@pytest.mark.parametrize("value", [None, "", [1], {"a": 1}, True])
def test_other_cells_hold_no_words(value):
    assert not holds_words(value)
    with pytest.raises(ValueError, match=r"\w"):
        words_of(value)


@pytest.mark.parametrize(
    ("order", "checkpoint", "words"),
    [
        (TagOrder(), DEMO, "no labels"),
        (TagOrder(labels="a", words=True), DEMO, "no token head"),
        (TagOrder(labels="a"), TAGGER, "labels of its own"),
        (TagOrder(TagOptions("none"), words=True), TAGGER, "need an aggregation"),
        (TagOrder(TagOptions(threshold=3)), TAGGER, "threshold is 3"),
    ],
)
def test_what_does_not_fit_is_said_before_anything_is_read(order, checkpoint, words):
    with pytest.raises(InputError, match=words):
        work(order, checkpoint, FakeEngine())
