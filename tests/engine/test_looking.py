from __future__ import annotations

import numpy as np
import pytest
import torch

from t5gemma_app.engine.encode import TextEncoder
from t5gemma_app.engine.looking import answer_tokens, cross_attention, eager_decoder, source_tokens, with_averages
from t5gemma_app.engine.types import GenerationRequest, Piece, SamplingParameters
from t5gemma_app.errors import InputError
from tests.tiny import tiny_model_2, tiny_tokenizer

BOS = Piece("<bos>", control=True)
PROMPT = (BOS, Piece("where is the end of it"))
ANSWER = (400, 401, 402, 403, 107)


@pytest.fixture
def model(engine, tiny):
    list(engine.load(tiny))
    loaded = engine.runtime()._pool.lease(tiny.name)
    yield loaded.model
    engine.runtime()._pool.release(tiny.name)


def logits(model, source, answer):
    with torch.inference_mode():
        return model(
            input_ids=torch.tensor([source]),
            attention_mask=torch.ones(1, len(source), dtype=torch.long),
            decoder_input_ids=torch.tensor([[2, *answer[:-1]]]),
        ).logits


def test_weights_are_shares_of_the_real_source_tokens(model):
    weights = cross_attention(model, [2, 400, 401, 402], ANSWER)
    assert weights.shape == (2, 2, 5, 4)
    assert torch.allclose(weights.sum(dim=-1), torch.ones(2, 2, 5), atol=1e-5)
    assert bool((weights >= 0).all())


def test_eager_computes_what_the_normal_path_computes_and_leaves_it_as_it_was(model):
    configs = [part.config for part in model.modules() if hasattr(part, "config")]
    before = [config._attn_implementation_internal for config in configs]
    normal = logits(model, [2, 400, 401, 402, 403, 404], ANSWER)
    with eager_decoder(model):
        assert "eager" in {config._attn_implementation_internal for config in configs}
        eager = logits(model, [2, 400, 401, 402, 403, 404], ANSWER)
    assert torch.allclose(normal, eager, atol=1e-4)
    assert [config._attn_implementation_internal for config in configs] == before
    with pytest.raises(RuntimeError), eager_decoder(model):
        raise RuntimeError
    assert [config._attn_implementation_internal for config in configs] == before


def test_a_row_depends_on_the_tokens_before_its_own_only(model):
    whole = cross_attention(model, [2, 400, 401], ANSWER)
    other = cross_attention(model, [2, 400, 401], (*ANSWER[:2], 450, 451, 452))
    assert torch.allclose(whole[:, :, :3], other[:, :, :3], atol=1e-6)
    assert not torch.allclose(whole[:, :, 3:], other[:, :, 3:], atol=1e-6)


def test_number_zero_averages(model):
    weights = cross_attention(model, [2, 400, 401], ANSWER)
    every = with_averages(weights)
    assert every.shape == (3, 3, 5, 3)
    assert torch.allclose(every[1:, 1:], weights)
    assert torch.allclose(every[1, 0], weights[0].mean(dim=0))
    assert torch.allclose(every[0, 2], weights[:, 1].mean(dim=0))
    assert torch.allclose(every[0, 0], weights.mean(dim=(0, 1)))


def test_the_engine_tells_it_with_the_words_of_both_sides(engine, tiny, model):
    seen = engine.look(tiny, PROMPT, ANSWER)
    source = engine.encoder(tiny).ids(PROMPT)
    weights = with_averages(cross_attention(model, source, ANSWER))
    assert (seen.layers, seen.heads, len(seen.source), len(seen.answer)) == (2, 2, len(source), 5)
    for layer, head in ((0, 0), (1, 2), (2, 0)):
        assert np.allclose(seen.rows(layer, head), weights[layer, head], atol=1e-6)
    assert "".join(token.text for token in seen.source) == "<bos>where is the end of it"
    assert [token.control for token in seen.source][:2] == [True, False]
    assert seen.answer[-1].control and seen.answer[-1].text == "<end_of_turn>"
    assert not seen.merged


def test_what_was_generated_can_be_looked_into(engine, tiny):
    request = GenerationRequest(tiny, PROMPT, SamplingParameters(max_new_tokens=6))
    result = [event for event in engine.generate(request) if hasattr(event, "result")][-1].result
    seen = engine.look(tiny, PROMPT, result.token_ids)
    assert "".join(token.text for token in seen.answer if not token.control) == result.text


def test_bytes_of_one_character_have_it_once():
    encoder = TextEncoder(tiny_tokenizer())
    source = source_tokens(encoder, (BOS, Piece("a 😀 é")))
    assert [token.text for token in source] == ["<bos>", "a", " ", "", "", "", "😀", " ", "", "é"]
    ids = [token.id for token in encoder.tokens("a 😀 é")]
    assert [token.text for token in answer_tokens(encoder, [*ids, 1])][:6] == ["a", " ", "", "", "", "😀"]
    cut = answer_tokens(encoder, ids[:4])  # the answer ends within a character
    assert [token.text for token in cut][:3] == ["a", " ", ""] and set(cut[-1].text) == {"\ufffd"}
    assert answer_tokens(encoder, []) == ()


def test_an_answer_of_t5gemma_2_shares_its_attention_with_its_own_words():
    weights = cross_attention(tiny_model_2(), [2, 400, 401], ANSWER)
    assert weights.shape == (2, 2, 5, 3)
    sums = weights.sum(dim=-1)
    assert bool((sums > 0).all()) and bool((sums[:, :, 1:] < 1).all())


def test_what_is_too_much_is_said(engine, tiny, monkeypatch):
    monkeypatch.setattr("t5gemma_app.engine.looking.MOST_WEIGHTS", 100)
    with pytest.raises(InputError, match="too many to look into at once"):
        engine.look(tiny, PROMPT, ANSWER)
