from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t5gemma_app.engine.encode import TextEncoder, TextStream
from t5gemma_app.engine.types import Piece
from t5gemma_app.errors import BrokenCheckpointError
from tests.tiny import tiny_tokenizer

ENCODER = TextEncoder(tiny_tokenizer())
MARKERS = ["<bos>", "<eos>", "<pad>", "<unk>", "<start_of_turn>", "<end_of_turn>"]
# Unpaired surrogates are replaced where text enters the app; everything else may arrive here.
CHARACTERS = st.characters(exclude_categories=["Cs"])
TEXT = st.text(CHARACTERS, max_size=60)
HOSTILE = st.lists(st.one_of(st.sampled_from([*MARKERS, "<", "▁", "_turn>", "<end"]), TEXT), max_size=8).map("".join)


@given(HOSTILE)
def test_typed_markers_never_become_control_tokens(text):
    ids = ENCODER.text_ids(text)
    assert not ENCODER.control_ids & set(ids)
    # the tokenizer itself writes a space for its own space mark; nothing else may change
    assert ENCODER.text(ids) == text.replace("▁", " ")


@given(st.lists(TEXT, min_size=1, max_size=4))
def test_ordinary_text_is_encoded_as_transformers_would(texts):
    texts = [t.replace("<", "(") for t in texts]
    pieces = [Piece("<bos>", control=True)]
    for text in texts:
        pieces += [Piece("<start_of_turn>", control=True), Piece(text), Piece("<end_of_turn>", control=True)]
    whole = "".join(piece.text for piece in pieces)
    assert ENCODER.ids(pieces) == tiny_tokenizer().encode(whole, add_special_tokens=False).ids


@given(TEXT, st.lists(st.text(CHARACTERS, min_size=1, max_size=4), max_size=3))
def test_streamed_equals_whole(text, stops):
    ids = ENCODER.text_ids(text.replace("<", "("))
    whole = ENCODER.text(ids)
    ends = [at for at in (whole.find(stop) for stop in stops) if at >= 0]
    stream = TextStream(ENCODER, stops)
    parts = []
    for index in ids:
        parts.append(stream.push(index))
        if stream.stopped:
            break
    parts.append(stream.finish())
    expected = whole[: min(ends)] if ends else whole
    assert "".join(parts) == stream.text == expected


def test_a_character_of_several_bytes_arrives_whole():
    stream = TextStream(ENCODER)
    parts = [stream.push(index) for index in ENCODER.text_ids("a🦙b")]
    assert parts == ["a", "", "", "", "🦙", "b"]


def test_what_may_start_a_stop_string_is_held_back():
    stream = TextStream(ENCODER, ["END"])
    assert [stream.push(i) for i in ENCODER.text_ids("xENx")] == ["x", "", "", "ENx"]


def test_an_unknown_control_marker_is_an_error():
    with pytest.raises(BrokenCheckpointError, match="<nothing>"):
        ENCODER.ids([Piece("<nothing>", control=True)])


def test_a_broken_file_is_an_error(tmp_path):
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(BrokenCheckpointError, match="can't be read"):
        TextEncoder.from_folder(tmp_path)
