from __future__ import annotations

import pytest

from t5gemma_app.errors import InputError
from t5gemma_app.tasks.turns import Turn
from t5gemma_app.training.data.rows import Columns, answer_row, text_row, word_row
from t5gemma_app.training.data.tables import Record


def record(**values: object) -> Record:
    return Record("file, line 7", dict(values))


def test_texts_take_words_and_numbers_as_labels() -> None:
    assert text_row(record(text="a", label=1), Columns()).label == "1"
    row = text_row(record(a="x", b="y", c=" yes "), Columns(text="a", pair="b", label="c"))
    assert (row.text, row.pair, row.label) == ("x", "y", "yes")


def test_words_find_their_tags_by_the_usual_names() -> None:
    assert word_row(record(tokens=["a", "b"], upos=["X", "Y"], xpos=["1", "2"]), Columns()).tags == ("X", "Y")
    assert word_row(record(tokens=["a"], upos=["X"], xpos=["1"]), Columns(tags="xpos")).tags == ("1",)


def test_answers_come_as_prompts_or_as_conversations() -> None:
    row = answer_row(record(prompt="hi", response="ho"), Columns())
    assert (row.turns, row.response) == ((Turn("user", "hi"),), "ho")
    messages = [{"role": role, "content": role} for role in ("user", "assistant", "user", "model")]
    row = answer_row(record(messages=messages), Columns())
    assert [turn.role for turn in row.turns] == ["user", "assistant", "user"]
    assert row.response == "model"


@pytest.mark.parametrize(
    ("read", "values", "words"),
    [
        (text_row, {"texts": "a", "label": 1}, "no column 'text'.*It has texts, label.*Did you mean texts"),
        (text_row, {"text": " ", "label": 1}, "in 'text'.*not empty"),
        (text_row, {"text": 5, "label": 1}, "'5' in 'text'"),
        (text_row, {"text": "a", "label": 0.5}, "whole number"),
        (text_row, {"text": "a", "label": ""}, "in 'label'"),
        (text_row, {"text": "a", "label": None}, "'None' in 'label'"),
        (text_row, {"text": "a" * 1_000_000, "label": 1}, "1,000,000 characters"),
        (word_row, {"tokens": ["a", "b"], "tags": ["X"]}, "2 tokens and 1 tags"),
        (word_row, {"tokens": "a b", "tags": ["X"]}, "in 'tokens'.*list"),
        (word_row, {"tokens": ["a", " "], "tags": ["X", "Y"]}, "not blank"),
        (word_row, {"tokens": [], "tags": []}, "at least one"),
        (word_row, {"tokens": ["a"]}, "no column 'tags'"),
        (answer_row, {"prompt": "a"}, "no column 'response'"),
        (answer_row, {"messages": [{"role": "user", "content": "a"}]}, "assistant speaks last"),
        (answer_row, {"messages": [{"role": "system", "content": "a"}]}, "user or assistant"),
        (answer_row, {"messages": "a"}, "list of messages"),
    ],
)
def test_a_wrong_row_is_named_with_its_place(read, values: dict, words: str) -> None:
    with pytest.raises(InputError, match=words) as raised:
        read(record(**values), Columns())
    assert "line 7" in str(raised.value)
