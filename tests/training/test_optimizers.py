from __future__ import annotations

import pytest
import torch

from t5gemma_app.training.muon import Muon
from t5gemma_app.training.optimizers import build_optimizers, kept_states, restore_states, set_rates
from t5gemma_app.training.plan import Plan
from tests.tiny import tiny_head


@pytest.mark.parametrize("optimiser", ["adamw", "muon"])
@pytest.mark.parametrize("pieces", [1, 2])
def test_every_weight_is_held_once(optimiser: str, pieces: int) -> None:
    model = tiny_head()
    model.model.encoder.norm.weight.requires_grad_(False)
    optimizers = build_optimizers(model, Plan(optimiser=optimiser), pieces)
    held = [id(p) for o in optimizers for group in o.param_groups for p in group["params"]]
    assert sorted(held) == sorted(id(p) for p in model.parameters() if p.requires_grad)
    assert len(optimizers) == pieces * (2 if optimiser == "muon" else 1)


def test_muon_takes_matrices_of_layers_and_norms_do_not_decay() -> None:
    model = tiny_head()
    names = {id(p): name for name, p in model.named_parameters()}
    for optimizer in build_optimizers(model, Plan(optimiser="muon", weight_decay=0.3)):
        for group in optimizer.param_groups:
            held = [names[id(p)] for p in group["params"]]
            if isinstance(optimizer, Muon):
                assert all("_proj" in name and "score" not in name for name in held)
            elif group["weight_decay"]:
                assert held == ["score.out_proj.weight"]


def test_rates_are_shares_of_the_full_ones() -> None:
    optimizers = build_optimizers(tiny_head(), Plan(optimiser="muon", rate=0.1, matrix_rate=0.5))
    for share in (0.5, 0.25):
        set_rates(optimizers, share)
    assert {g["lr"] for o in optimizers for g in o.param_groups} == {0.025, 0.125}


@pytest.mark.parametrize("optimiser", ["adamw", "muon"])
def test_what_is_kept_of_weights_does_not_hang_on_how_they_are_divided(optimiser: str) -> None:
    model = tiny_head()
    before = {}
    for pieces in (2, 1, 3, 2):
        optimizers = build_optimizers(model, Plan(optimiser=optimiser), pieces)
        if before:
            restore_states(model, optimizers, before)
            again = kept_states(model, optimizers)
            assert {name: state.keys() for name, state in again.items()} == {n: s.keys() for n, s in before.items()}
            assert all(torch.equal(again[name][key], before[name][key]) for name in before for key in before[name])
        for parameter in model.parameters():
            parameter.grad = torch.ones_like(parameter)
        for optimizer in optimizers:
            optimizer.step()
        before = {name: dict(state) for name, state in kept_states(model, optimizers).items()}
        assert before.keys() == dict(model.named_parameters()).keys()
