from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t5gemma_app.checkpoints.records import Checkpoint, Stack
from t5gemma_app.engine.fake import FakeEngine
from t5gemma_app.errors import InputError
from t5gemma_app.tasks.embedding import Embedder, Near, nearest, similarities, similarity

CHECKPOINT = Checkpoint("any", "local", "nowhere", encoder=Stack(2, 8, 8, 2, 1, 4, 512, 16, 8, 1, 50.0))
TEXTS = ["the ferry was late", "The ferry was LATE", "bread and butter", "late bread"]


def test_texts_are_alike_that_share_words():
    vectors = Embedder(FakeEngine()).embed(CHECKPOINT, TEXTS)
    table = similarities(vectors[:2], vectors)
    assert table[0][0] == table[0][1] == pytest.approx(1)
    assert table[0][3] > table[0][2]
    assert nearest(vectors[0], vectors, 2) == [Near(0, table[0][0]), Near(1, table[0][1])]
    assert nearest(vectors[0], vectors, 9)[-1].row == 2
    assert nearest(vectors[0], [], 3) == []


@given(st.lists(st.floats(-10, 10), min_size=3, max_size=3), st.lists(st.floats(-10, 10), min_size=3, max_size=3))
def test_similarity_is_a_cosine(one, other):
    for values in (one, other):
        if math.hypot(*values) < 1e-3:
            return
    unit = [tuple(value / math.hypot(*values) for value in values) for values in (one, other)]
    found = similarity(*unit)
    assert -1 <= found <= 1
    assert found == similarity(*reversed(unit))
    assert similarity(unit[0], unit[0]) == pytest.approx(1)


class Short(FakeEngine):
    def embed(self, checkpoint, texts, pooling="mean", *, budget=None, urgent=False, visitor=""):
        return [() if len(text) > 30 else (1.0,) for text in texts]


@pytest.mark.parametrize(
    ("texts", "pooling", "words"),
    [
        ([" "], "mean", "The text is empty"),
        (["a", "\n"], "mean", "Text 2 is empty"),
        (["a"], "max", "no pooling 'max'"),
        (["a", "b" * 41], "mean", "Text 2 has 41 characters"),
        (["a", "b" * 31], "mean", "Text 2 is longer than any reads. At most 16 tokens"),
    ],
)
def test_what_can_not_be_read_is_said(texts, pooling, words):
    with pytest.raises(InputError, match=words):
        Embedder(Short(), max_text=40).embed(CHECKPOINT, texts, pooling)
