from __future__ import annotations

from dataclasses import asdict, replace

import pytest

from t5gemma_app.engine.fake import FakeEngine
from t5gemma_app.errors import OutOfMemoryError
from t5gemma_app.tasks.classification import Classification, ClassifyOptions
from t5gemma_app.tasks.classify_rows import classify_rows
from t5gemma_app.tasks.files.work import RowInput
from tests.ui.fakes import DEMO, HEAD


class Full(FakeEngine):
    """Has no memory for more than three texts, nor for one that says `huge`."""

    def classify(self, checkpoint, inputs, **wishes):
        if len(inputs) > 3 or any("huge" in one.text for one in inputs):
            raise OutOfMemoryError("full")
        return super().classify(checkpoint, inputs)


def rows(*values):
    return [RowInput(number, value if isinstance(value, tuple) else (value,)) for number, value in enumerate(values)]


def work(engine=None, checkpoint=HEAD, **options):
    return classify_rows(Classification(engine or FakeEngine(), 50), checkpoint, ClassifyOptions(**options))


def test_a_row_gets_label_score_and_scores():
    (found,) = work().results(rows("hello"))
    assert found.values["label"] in HEAD.labels and found.tally == (found.values["label"],)
    assert list(found.values["scores"].values()) == sorted(found.values["scores"].values(), reverse=True)
    assert found.values["score"] == found.values["scores"][found.values["label"]]


def test_what_is_wrong_with_a_row_stays_in_the_row():
    found = work().results(rows("a", "", None, "x" * 51, ["a"], 3, ("a", " ")))
    assert [row.error for row in found] == [
        "",
        "The text is empty.",
        "There is no text in this row.",
        "The text has 51 characters.",
        "This is a list, not a text.",
        "",
        "The text is empty.",
    ]


def test_rows_alone_and_together_say_the_same():
    together = work().results(rows("a", "b", "c"))
    assert together == [work().results([row])[0] for row in rows("a", "b", "c")]


def test_a_text_that_is_too_much_for_the_memory_does_not_end_the_others():
    found = work(Full()).results(rows(*"abcdefg", "huge", "h"))
    assert [bool(row.error) for row in found] == [False] * 7 + [True, False]
    assert found[:7] == work().results(rows(*"abcdefg"))


def test_options_survive_being_written_down():
    options = ClassifyOptions(labels=("a", "b"), calibrate=True)
    classification = Classification(FakeEngine(), 50)
    kept = classify_rows(classification, DEMO, {**asdict(options), "labels": ["a", "b"]})
    assert kept.results(rows("x")) == classify_rows(classification, DEMO, options).results(rows("x"))


def test_a_number_is_the_score_of_its_row():
    (found,) = work(checkpoint=replace(HEAD, problem="number", labels=("stars",))).results(rows("x"))
    assert found.values["label"] is None and isinstance(found.values["score"], float)


def test_loading_is_told():
    assert [stage.split(":")[0] for stage in work().prepare()] == ["loading a-classifier"] * 2


def test_several_labels_are_counted_each():
    found = work(checkpoint=DEMO, labels=("a", "b", "c"), several=True, threshold=0.0).results(rows("x"))[0]
    assert found.tally == ("a", "b", "c") and found.values["label"] == "a; b; c"
    with pytest.raises(KeyError):
        found.values["labels"]
