from __future__ import annotations

import torch
from transformers.models.t5gemma.modeling_t5gemma import apply_rotary_pos_emb

from t5gemma_app.engine.rotary import rotated, rotation
from tests.tiny import tiny_model


def test_heads_are_turned_as_the_models_are():
    stack, positions = tiny_model().get_encoder(), torch.tensor([0, 7, 3, 500])
    heads = torch.randn(4, 2, stack.config.head_dim)
    cos, sin = stack.rotary_emb(heads, positions[None])
    expected, _ = apply_rotary_pos_emb(heads.transpose(0, 1)[None], heads.transpose(0, 1)[None], cos, sin)
    torch.testing.assert_close(rotated(heads, rotation(stack, heads, positions)), expected[0].transpose(0, 1))
