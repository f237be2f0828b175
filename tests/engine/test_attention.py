from __future__ import annotations

import pytest
import torch

from t5gemma_app.engine import attention
from t5gemma_app.engine.attention import IMPLEMENTATION, register_attention, softcap_attention, transformers_name
from t5gemma_app.engine.generate import padded
from tests.tiny import tiny_model, tiny_model_2

PROMPTS = [[2, *range(5, 5 + n)] for n in (3, 17, 9, 30)]
register_attention()


@pytest.fixture(scope="module")
def model():
    return tiny_model()


def logits(model, implementation: str, rows=PROMPTS):
    model.set_attn_implementation(implementation)
    ids, mask = padded(rows, 0, "cpu")
    answers = torch.randint(5, 300, (len(rows), 12), generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        return model(input_ids=ids, attention_mask=mask, decoder_input_ids=answers).logits


# Where scores reach the cap, float32's rounding grows until eager itself is 3e-4 from float64: there both take float64.
@pytest.mark.parametrize(
    ("strength", "dtype", "rows", "close"),
    [(3.0, torch.float32, PROMPTS, 2e-5), (8.0, torch.float64, PROMPTS[3:], 1e-4)],
    ids=["padded", "capped"],
)
@pytest.mark.parametrize("tile", [attention.TILE_SCORES, 64, 1])
def test_equals_eager_whatever_the_tile(monkeypatch, tile, strength, dtype, rows, close):
    monkeypatch.setattr(attention, "TILE_SCORES", tile)
    model = tiny_model(strength=strength).to(dtype)
    expected = logits(model, "eager", rows)
    assert torch.allclose(logits(model, IMPLEMENTATION, rows), expected, rtol=1e-5, atol=close)


def test_the_probe_reaches_the_cap(model, monkeypatch):
    """Without the cap the logits differ, so the equality above is not empty."""
    expected = logits(model, "eager")
    model.set_attn_implementation(IMPLEMENTATION)
    for layer in model.modules():
        if hasattr(layer, "attn_logit_softcapping"):
            monkeypatch.setattr(layer, "attn_logit_softcapping", 1e6)
    assert not torch.allclose(logits(model, IMPLEMENTATION), expected, atol=1e-2)


def test_padded_equals_alone(model):
    together = logits(model, IMPLEMENTATION)
    alone = logits(model, IMPLEMENTATION, PROMPTS[:1])
    assert torch.allclose(together[0], alone[0], atol=1e-4)


def test_half_precision_is_as_close_to_float32_as_eager():
    reference = logits(tiny_model(strength=3.0), "eager")
    model = tiny_model(strength=3.0).to(torch.bfloat16)
    ours, eager = logits(model, IMPLEMENTATION).float(), logits(model, "eager").float()
    assert (ours - reference).abs().mean() <= 1.1 * (eager - reference).abs().mean()


def test_gradients_equal_eager():
    gradients = []
    for implementation in ("eager", IMPLEMENTATION):
        model = tiny_model(strength=4.0)
        model.set_attn_implementation(implementation)
        ids, mask = padded(PROMPTS, 0, "cpu")
        model(input_ids=ids, attention_mask=mask, decoder_input_ids=ids, labels=ids).loss.backward()
        gradients.append(model.get_encoder().layers[0].self_attn.q_proj.weight.grad)
    assert torch.allclose(*gradients, atol=1e-5)


def test_a_layer_without_a_cap_uses_torchs_own_attention():
    module = torch.nn.Module().eval()
    query, key = torch.randn(2, 4, 5, 8), torch.randn(2, 2, 7, 8)
    value = torch.randn(2, 2, 7, 8)
    with torch.inference_mode():
        output, weights = softcap_attention(module, query, key, value, None, scaling=0.3)
        expected = torch.softmax(query @ key.repeat_interleave(2, 1).transpose(2, 3) * 0.3, -1)
    assert weights is None
    assert torch.allclose(output, (expected @ value.repeat_interleave(2, 1)).transpose(1, 2), atol=1e-6)


def test_t5gemma_2_equals_eager():
    model = tiny_model_2()
    expected = logits(model, "eager")
    assert torch.allclose(logits(model, IMPLEMENTATION), expected, atol=1e-5)


def test_the_name_people_use_is_translated():
    assert transformers_name("sdpa") == IMPLEMENTATION
    assert transformers_name("eager") == "eager"
    # transformers refuses T5Gemma's softcap for every name that holds these words
    assert not any(word in IMPLEMENTATION for word in ("sdpa", "flash", "flex_attention"))
