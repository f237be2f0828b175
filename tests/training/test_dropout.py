from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from t5gemma_app.training.dropout import SeededDropout, own_noise, seed_dropout


def model() -> nn.Module:
    made = nn.Sequential(nn.Linear(64, 64), nn.Dropout(0.25), nn.Sequential(nn.Dropout(0.5)))
    own_noise(made)
    return made


def test_the_seed_alone_decides_what_is_dropped() -> None:
    one, values = model(), torch.ones(50, 64)
    other = copy.deepcopy(one)
    seed_dropout(one, 5)
    first = one(values)
    torch.rand(10)
    seed_dropout(other, 5)
    seed_dropout(one, 6)
    different = one(values)
    assert torch.equal(other(values), first)
    assert not torch.equal(different, first)
    assert one[1].noise is one[2][0].noise is not other[1].noise


def test_the_share_is_dropped_and_the_mean_stays() -> None:
    dropout = SeededDropout(0.25, model()[1].noise)
    dropped = dropout(torch.ones(200, 200))
    assert (dropped == 0).float().mean() == pytest.approx(0.25, abs=0.01)
    assert dropped.mean() == pytest.approx(1.0, abs=0.02)
    assert torch.equal(dropout.eval()(torch.ones(3)), torch.ones(3))


def test_a_model_with_the_librarys_dropout_is_seeded_too() -> None:
    plain = nn.Dropout(0.5)
    seed_dropout(plain, 3)
    first = plain(torch.ones(100))
    seed_dropout(plain, 3)
    assert torch.equal(plain(torch.ones(100)), first)
