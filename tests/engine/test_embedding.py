from __future__ import annotations

import pytest
import torch

from t5gemma_app.checkpoints.folder import read_folder
from t5gemma_app.engine.embedding import embed_rows, encoder_of
from tests.tiny import save_tiny, tiny_head, tiny_model, tiny_model_2

TEXTS = ["the end", "a", "in the beginning there was nothing, and then the word", "x y z " * 12, "the end"]


@pytest.fixture(scope="module", params=["whole", "encoder", "token", "sequence"])
def checkpoint(request, tmp_path_factory):
    model = tiny_model(strength=3.0) if request.param == "whole" else tiny_head(request.param)
    return read_folder(save_tiny(tmp_path_factory.mktemp("embed") / f"tiny-{request.param}", model))


@pytest.mark.parametrize("pooling", ["mean", "last"])
def test_batched_equals_single_for_every_kind_of_checkpoint(engine, checkpoint, pooling):
    together = engine.embed(checkpoint, TEXTS, pooling, budget=200)
    assert [len(vector) for vector in together] == [64] * len(TEXTS)
    for text, vector in zip(TEXTS, together, strict=True):
        (alone,) = engine.embed(checkpoint, [text], pooling, urgent=True)
        assert max(abs(a - b) for a, b in zip(vector, alone, strict=True)) < 1e-5
    assert together[0] == pytest.approx(together[4], abs=1e-5)
    assert together[0] != pytest.approx(together[1], abs=1e-2)


def test_vectors_are_the_states_of_the_real_tokens_pooled(engine, tiny):
    list(engine.load(tiny))
    model = engine.runtime()._pool.lease(tiny.name).model
    ids = engine.encoder(tiny).framed_ids(TEXTS[0])
    with torch.inference_mode():
        states = model.get_encoder()(input_ids=torch.tensor([ids])).last_hidden_state[0]
    for pooling, expected in (("mean", states.mean(dim=0)), ("last", states[-1])):
        (vector,) = engine.embed(tiny, [TEXTS[0]], pooling)
        assert torch.tensor(vector) == pytest.approx((expected / expected.norm()).numpy(), abs=1e-5)
    engine.runtime()._pool.release(tiny.name)


def test_padding_is_no_part_of_a_vector():
    model = tiny_model(strength=3.0)
    with torch.no_grad():
        model.get_encoder().embed_tokens.weight[0] = 1e4  # what stands in padded places would spoil any mean
    short, longer = embed_rows(model, [[2, 400], [2, 400, 401, 402, 403]], "mean")
    assert short == pytest.approx(embed_rows(model, [[2, 400]], "mean")[0], abs=1e-5)
    assert short != pytest.approx(longer, abs=1e-3)


def test_a_text_longer_than_is_read_has_no_vector(engine, tiny):
    first, second = engine.embed(tiny, ["ok", "x" * 600])
    assert len(first) == 64 and second == ()
    assert engine.embed(tiny, []) == []


def test_a_model_without_an_encoder_is_refused():
    with pytest.raises(TypeError, match="Linear has no encoder"):
        encoder_of(torch.nn.Linear(1, 1))


def test_t5gemma_2_is_embedded_too():
    model = tiny_model_2()
    rows = [[2, 400, 401], [2, 400, 401, 402, 403, 404, 405, 406]]
    for pooling in ("mean", "last"):
        together = embed_rows(model, rows, pooling)
        for row, vector in zip(rows, together, strict=True):
            assert vector == pytest.approx(embed_rows(model, [row], pooling)[0], abs=1e-5)
