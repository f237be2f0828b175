from __future__ import annotations

import pytest
import torch
from torch import nn

from t5gemma_app.engine import int8, products
from t5gemma_app.engine.attention import IMPLEMENTATION, register_attention
from t5gemma_app.engine.int8 import packed_counts_up_to
from t5gemma_app.engine.lean import lean_decoder
from t5gemma_app.engine.slots import Slots
from tests.tiny import tiny_model, tiny_model_2

register_attention()


def model_of(**changes):
    model = tiny_model(strength=1.0, **changes)
    model.set_attn_implementation(IMPLEMENTATION)
    return model


def states_of(model, slots, lengths, steps):
    """Decode fixed tokens; rows join one after the other, so that each stands at a place of its own."""
    draw = torch.Generator().manual_seed(3)
    width = model.get_encoder().config.hidden_size
    states = []
    for length in lengths:
        with torch.inference_mode():
            slots.join(torch.randn(1, length, width, generator=draw), [length])
        for _ in range(steps):
            states.append(slots.step(torch.randint(108, 400, (slots.count,), generator=draw).tolist()))
    return states


@pytest.mark.parametrize("smallest_fused", [0, products.SMALLEST_FUSED])
@pytest.mark.parametrize("unbalanced", [True, False])
@pytest.mark.parametrize("lengths", [[9], [5, 17, 2]])
def test_a_lean_step_equals_the_model_s_own(monkeypatch, unbalanced, lengths, smallest_fused):
    monkeypatch.setattr(products, "SMALLEST_FUSED", smallest_fused)
    model = model_of(unbalanced=unbalanced)
    own = states_of(model, Slots(model), lengths, steps=9)
    quick = states_of(model, Slots(model, lean_decoder(model)), lengths, steps=9)
    for expected, found in zip(own, quick, strict=True):
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_rows_of_one_length_need_no_mask():
    model = model_of()
    encoded = torch.randn(2, 4, 64)
    own, quick = Slots(model), Slots(model, lean_decoder(model))
    for slots in (own, quick):
        slots.join(encoded, [4, 4])
    for _ in range(8):
        torch.testing.assert_close(quick.step([120, 130]), own.step([120, 130]), atol=1e-5, rtol=1e-5)


def test_layers_without_a_cap():
    model = model_of()
    for layer in model.get_decoder().layers:
        layer.self_attn.attn_logit_softcapping = layer.cross_attn.attn_logit_softcapping = None
    own = states_of(model, Slots(model), [7, 3], steps=8)
    quick = states_of(model, Slots(model, lean_decoder(model)), [7, 3], steps=8)
    torch.testing.assert_close(quick[-1], own[-1], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("packed", [True, False])
def test_layers_in_8_bits_are_near_and_not_the_same(monkeypatch, packed):
    largest = packed_counts_up_to() if packed else None
    monkeypatch.setattr(int8, "packed_counts_up_to", lambda: largest)
    model = model_of()
    own = states_of(model, Slots(model), [9, 4], steps=6)
    rounded = states_of(model, Slots(model, lean_decoder(model, int8=True)), [9, 4], steps=6)
    near = torch.nn.functional.cosine_similarity(torch.cat(own), torch.cat(rounded))
    assert near.min() > 0.99
    assert not torch.allclose(own[-1], rounded[-1], atol=1e-5)


def test_layers_in_8_bits_do_not_depend_on_neighbours():
    model = model_of()
    encoded, slots = torch.randn(3, 5, 64), []
    for rows in ([0, 1, 2], [1]):
        slots.append(Slots(model, lean_decoder(model, int8=True)))
        slots[-1].join(encoded[rows], [5] * len(rows))
    for token in range(120, 126):
        together, alone = slots[0].step([7, token, 9]), slots[1].step([token])
        torch.testing.assert_close(together[1], alone[0], atol=1e-4, rtol=1e-4)


def test_what_is_no_plain_product_keeps_its_modules():
    assert lean_decoder(model_of()) is not None
    assert lean_decoder(tiny_model().to(torch.bfloat16)) is None
    assert lean_decoder(tiny_model_2()) is None
    adapted = tiny_model()
    attention = adapted.get_decoder().layers[1].self_attn
    attention.q_proj = nn.Sequential(attention.q_proj, nn.Linear(32, 32, bias=False))
    assert lean_decoder(adapted) is None
