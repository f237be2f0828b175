"""LoRA by the peft library: low-rank changes are trained in place of the weights, and added to them when saved."""

from __future__ import annotations

import importlib.util
from typing import Any

import torch
from torch import Tensor, nn

from t5gemma_app.errors import InputError
from t5gemma_app.training.plan import Plan

TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
_BASE = ".base_layer"


def add_adapters(model: nn.Module, plan: Plan) -> None:
    """Put low-rank changes on every matrix inside the layers; only they and a classification head are trained.

    Raises:
        InputError: peft is not installed.
    """
    if importlib.util.find_spec("peft") is None:
        raise InputError("LoRA needs the library peft, which is not installed.", remedy="pip install peft")
    from peft import LoraConfig, inject_adapter_in_model

    torch.manual_seed(plan.seed)
    config = LoraConfig(r=plan.lora_rank, lora_alpha=plan.lora_alpha, target_modules=list(TARGETS), lora_dropout=0.0)
    inject_adapter_in_model(config, model)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_("lora_" in name or name.startswith("score."))


def whole_weight(model: nn.Module, state: dict[str, Tensor], name: str) -> Tensor:
    """Return a weight by its plain name, with what was learnt in its place added."""
    if name in state:
        return state[name]
    module_name, _, weight = name.rpartition(".")
    base = state[f"{module_name}{_BASE}.{weight}"]
    if weight != "weight":
        return base
    module: Any = model.get_submodule(module_name)
    with torch.no_grad():
        change: Tensor = module.get_delta_weight("default")
        return base + change.to(base.dtype)
