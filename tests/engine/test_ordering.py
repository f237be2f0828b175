from __future__ import annotations

import pytest
import torch

from t5gemma_app.engine import products
from t5gemma_app.engine.attention import IMPLEMENTATION, register_attention
from t5gemma_app.engine.lean import lean_decoder
from t5gemma_app.engine.ordered import joint_weight_of, ordered_bytes, projections_kept, weight_of
from t5gemma_app.engine.ordering import order_weights
from t5gemma_app.engine.packed import encode_packed
from t5gemma_app.engine.products import FUSED, PLAIN, fused_counts_right
from t5gemma_app.engine.score import Question, score_questions
from t5gemma_app.engine.slots import Slots
from t5gemma_app.engine.steps import exhaust
from tests.tiny import tiny_model, tiny_model_2

register_attention()
ASKED = [Question(tuple(range(110, 110 + n)), ((150,), (151, 152), (151, 153))) for n in (3, 40, 17)]
fused = pytest.mark.skipif(not fused_counts_right(), reason="no oneDNN here")


def plain_model(**changes):
    model = tiny_model(**changes).eval().requires_grad_(False)
    model.set_attn_implementation(IMPLEMENTATION)
    return model


def layers_of(model):
    return [layer for stack in (model.get_encoder(), model.get_decoder()) for layer in stack.layers]


def is_kept(model) -> list[bool]:
    singles = [weight_of(part) is not part.weight for layer in layers_of(model) for part in projections_kept(layer)]
    return [*singles, *(joint_weight_of(layer.self_attn) is not None for layer in layers_of(model))]


def use(monkeypatch, kernels) -> None:
    monkeypatch.setattr(products, "SMALLEST_FUSED", 0)
    monkeypatch.setattr(products, "_for_large_weights", lambda: kernels)


@fused
def test_a_copy_of_the_weights_changes_no_score_and_no_state(monkeypatch):
    use(monkeypatch, FUSED)
    model = plain_model()
    rows = [question.context for question in ASKED]
    names = list(model.state_dict())
    scores, states = score_questions(model, ASKED), exhaust(encode_packed(model.get_encoder(), rows))
    size, reason = order_weights(model)
    assert all(is_kept(model))
    assert size == sum(map(ordered_bytes, layers_of(model))) > 0
    assert reason is not None and reason.choice == "twice"
    assert list(model.state_dict()) == names
    assert torch.allclose(exhaust(encode_packed(model.get_encoder(), rows)), states, atol=1e-5)
    assert score_questions(model, ASKED) == [pytest.approx(row, abs=1e-5) for row in scores]


@fused
@pytest.mark.parametrize("unbalanced", [True, False])
def test_a_decoding_step_by_copies_is_the_step_by_the_weights(monkeypatch, unbalanced):
    use(monkeypatch, FUSED)
    model = plain_model(unbalanced=unbalanced)
    plain = Slots(model, lean_decoder(model))
    order_weights(model)
    ordered = Slots(model, lean_decoder(model))
    encoded = torch.randn(2, 9, model.get_encoder().config.hidden_size)
    for slots in (plain, ordered):
        slots.join(encoded, [9, 4])
    for token in range(120, 128):
        torch.testing.assert_close(ordered.step([token] * 2), plain.step([token] * 2), atol=1e-5, rtol=1e-5)


@fused
def test_weights_that_are_too_large_stay_single_and_the_reason_says_so(monkeypatch):
    use(monkeypatch, FUSED)
    model = plain_model()
    size = order_weights(plain_model())[0]
    kept, reason = order_weights(model, largest=size - 1)
    assert kept == 0 and not any(is_kept(model))
    assert reason is not None and reason.choice == "once" and "more than" in reason.because


def test_nothing_is_kept_or_said_where_nothing_is_gained(monkeypatch):
    assert order_weights(plain_model()) == (0, None)  # small weights
    use(monkeypatch, PLAIN)
    assert order_weights(plain_model()) == (0, None)
    use(monkeypatch, FUSED)
    assert order_weights(tiny_model_2()) == (0, None)
    assert order_weights(plain_model().to(torch.bfloat16)) == (0, None)
