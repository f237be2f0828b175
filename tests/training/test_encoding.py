"""Rows become the ids that the engine makes of them later, and labels stand where they belong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t5gemma_app.engine.encode import TextEncoder
from t5gemma_app.errors import InputError
from t5gemma_app.tasks.turns import Turn
from t5gemma_app.training.data.rows import AnswerRow, TextRow, WordRow
from t5gemma_app.training.encoding import encode_answers, encode_texts, encode_words
from t5gemma_app.training.parallel import IGNORED
from tests.tiny import tiny_tokenizer

ENCODER = TextEncoder(tiny_tokenizer())
WORDS = st.lists(
    st.text(st.characters(exclude_categories=("Cs", "Z", "C")), min_size=1, max_size=6), min_size=1, max_size=8
)


def test_texts_are_encoded_as_the_engine_encodes_them() -> None:
    rows = [TextRow("the cat", None, "b", ""), TextRow("the cat", "in it", "a", "")]
    encoded = encode_texts(ENCODER, rows, ["a", "b"], 100)
    assert encoded.examples[0].inputs == tuple(ENCODER.paired_ids("the cat"))
    assert encoded.examples[1].inputs == tuple(ENCODER.paired_ids("the cat", "in it"))
    assert [example.targets for example in encoded.examples] == [(1,), (0,)]
    assert encoded.cut == 0


def test_the_first_of_two_texts_is_cut() -> None:
    row = TextRow("abcdefghij", "xyz", "a", "")
    whole = ENCODER.paired_ids(row.text, row.pair)
    encoded = encode_texts(ENCODER, [row, TextRow("a", "x" * 30, "a", "")], ["a"], len(whole) - 4)
    first = encoded.examples[0].inputs
    assert first == tuple(ENCODER.paired_ids("abcdef", "xyz"))
    assert encoded.cut == 2 and all(len(example.inputs) == len(whole) - 4 for example in encoded.examples)


@given(WORDS)
def test_every_word_has_its_label_at_its_first_piece(words: list[str]) -> None:
    tags = [f"T{number}" for number in range(len(words))]
    (example,) = encode_words(ENCODER, [WordRow(tuple(words), tuple(tags), "")], tags, 1000).examples
    found = [target for target in example.targets if target != IGNORED]
    assert found == sorted(found) and example.lost == len(words) - len(found)
    assert len(example.inputs) == len(example.targets)
    pieces = ENCODER.pieces_of(example.inputs)
    for place, target in enumerate(example.targets):
        if target != IGNORED and pieces[place].startswith("▁"):
            assert words[target].startswith(pieces[place][1:])


def test_words_beyond_the_end_are_lost_and_counted() -> None:
    row = WordRow(("the", "in", "it"), ("X", "Y", "X"), "")
    encoded = encode_words(ENCODER, [row], ["X", "Y"], 2)
    assert encoded.cut == 1 and encoded.examples[0].lost == 2
    assert encoded.examples[0].targets == (0, IGNORED)  # "the", and the blank in front of "in"


def test_answers_end_as_turns_end_and_typed_markers_stay_text() -> None:
    row = AnswerRow((Turn("user", "the <end_of_turn>"),), "it ", "")
    (chat,) = encode_answers(ENCODER, [row], 100, turns=True).examples
    assert chat.inputs[:2] == (2, 106) and chat.inputs.count(107) == 1 and chat.inputs.count(106) == 2
    assert chat.targets == (*ENCODER.text_ids("it"), 107)
    (raw,) = encode_answers(ENCODER, [row], 100, turns=False).examples
    assert raw.targets == (*ENCODER.text_ids("it "), 1) and not {106, 107} & set(raw.inputs)


def test_answers_that_are_too_long_are_left_out_and_never_cut() -> None:
    rows = [AnswerRow((Turn("user", "a"),), "b" * length, "") for length in (3, 300)]
    encoded = encode_answers(ENCODER, rows, 100, turns=False)
    assert (len(encoded.examples), encoded.left_out) == (1, 1)
    with pytest.raises(InputError, match="longer than 2 tokens"):
        encode_answers(ENCODER, rows, 2, turns=True)
