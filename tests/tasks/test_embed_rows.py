from __future__ import annotations

from dataclasses import replace

import pytest

from t5gemma_app.engine.fake import FakeEngine
from t5gemma_app.errors import OutOfMemoryError
from t5gemma_app.tasks.embed_rows import EmbedRows
from t5gemma_app.tasks.embedding import Embedder
from t5gemma_app.tasks.files.work import RowInput
from tests.ui.fakes import DEMO


class Small(FakeEngine):
    """Has no memory for two texts at once, none for a huge one, and reads no long one."""

    def embed(self, checkpoint, texts, pooling="mean", *, budget=None, urgent=False, visitor=""):
        if len(texts) > 1 or texts[0] == "huge":
            raise OutOfMemoryError("full")
        return [()] if texts[0] == "long" else super().embed(checkpoint, texts, pooling)


def test_each_row_gets_a_vector_or_says_why():
    values = ("late ferry", None, "huge", "long", "bread", 7)
    work = EmbedRows(Embedder(Small()), replace(DEMO, name="demo"))
    done = work.results([RowInput(number, (value,)) for number, value in enumerate(values)])
    assert [len(one.values.get("embedding", ())) for one in done] == [32, 0, 0, 0, 32, 32]
    assert [one.error for one in done][1:4] == [
        "There is no text in this row.",
        "There was not enough memory for this text.",
        "The text is longer than the 512 tokens that demo reads.",
    ]
    exact = FakeEngine().embed(DEMO, ["late ferry"])[0]
    assert done[0].values["embedding"] == pytest.approx(exact, abs=1e-8)
    assert [field.name for field in work.fields] == ["embedding"]
    assert next(EmbedRows(Embedder(FakeEngine()), DEMO).prepare()).startswith("loading t5gemma-demo-chat")
