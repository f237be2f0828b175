from __future__ import annotations

import torch
from torch import nn

from t5gemma_app.engine.joining import joined


def projections():
    torch.manual_seed(0)
    return [nn.Linear(8, out, bias=False).requires_grad_(False) for out in (4, 2, 6)]


def test_weights_keep_their_values_and_stand_in_memory_once():
    parts = projections()
    before = [part.weight.clone() for part in parts]
    whole = joined(*parts)
    assert torch.equal(whole, torch.cat(before))
    whole[4] = 7.0
    assert (parts[1].weight[0] == 7.0).all()
    assert all(part.weight.is_contiguous() for part in parts)


def test_a_second_time_they_are_taken_as_they_stand():
    parts = projections()
    whole = joined(*parts)
    again = joined(*parts)
    assert again.data_ptr() == whole.data_ptr() and torch.equal(again, whole)
    assert again.shape == (12, 8)


def test_weights_that_only_share_a_storage_are_joined_anew():
    first, second, third = projections()
    joined(first, second, third)
    assert torch.equal(joined(third, first), torch.cat((third.weight, first.weight)))
