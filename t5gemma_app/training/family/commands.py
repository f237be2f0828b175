"""A step's order as the command that does the same, for cards and for people who want one step alone."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from t5gemma_app.training.adapting.adapt import WARM_UP_STEPS, AdaptOrder
from t5gemma_app.training.finetune import FinetuneOrder
from t5gemma_app.training.plan import Plan
from t5gemma_app.training.pretrain import PretrainOrder
from t5gemma_app.training.shards import SHARD_BYTES


def adapt_command(order: AdaptOrder, data: Path) -> str:
    """Return the `train adapt` that makes the same."""
    words = ["adapt", str(order.output), "--encoder", str(order.encoder), "--decoder", str(order.decoder)]
    if order.warm_up_steps != WARM_UP_STEPS:
        words += ["--warm-up-steps", str(order.warm_up_steps)]
    return _line([*words, *_flag("seed", order.seed, 0)], data)


def pretrain_command(order: PretrainOrder, data: Path) -> str:
    """Return the `train pretrain` that makes the same."""
    words = ["pretrain", *(["--new"] if order.base is None else ["--checkpoint", str(order.base)])]
    words += ["--output", str(order.output), "--text", *map(str, order.texts), "--objective", order.objective]
    if order.base is None:
        words += [word for field in fields(order.shape) for word in _flag(field.name, getattr(order.shape, field.name))]
        words += ["--tokenizer", str(order.tokenizer)] if order.tokenizer else _flag("pieces", order.pieces)
    words += _flag("eval_share", order.share, 0.02)
    plan = {"longest": 256, **_changes(order.plan)}
    words += [word for name, value in plan.items() for word in _flag(name, getattr(order.plan, name), value)]
    return _line([*words, *_flag("shard_bytes", order.machine.shard_bytes, SHARD_BYTES)], data)


def finetune_command(order: FinetuneOrder, data: Path) -> str:
    """Return the `train finetune` that makes the same."""
    asked = order.data
    words = ["finetune", "--task", asked.task, "--checkpoint", str(order.base), "--output", str(order.output)]
    for name, places in (("train", asked.train), ("eval", asked.evaluation)):
        words += [f"--{name}", *places] if places else []
    words += ["--data-dir", str(asked.data_dir)] if asked.data_dir else []
    words += ["--labels", *(f"{old}={new}" for old, new in asked.renamed)] if asked.renamed else []
    words += _flag("eval_share", asked.share, 0.1) + _flag("limit", asked.limit, None)
    words += [word for name in _changes(order.plan) for word in _flag(name, getattr(order.plan, name))]
    return _line([*words, *_flag("shard_bytes", order.machine.shard_bytes, SHARD_BYTES)], data)


def _changes(plan: Plan) -> dict[str, Any]:
    """Return the plan's values that differ from the usual ones, with the usual ones."""
    usual = Plan()
    return {
        field.name: getattr(usual, field.name)
        for field in fields(plan)
        if getattr(plan, field.name) != getattr(usual, field.name)
    }


_NEVER = object()


def _flag(name: str, value: Any, usual: Any = _NEVER) -> list[str]:
    """Return a flag with its value, or nothing where it is the usual one."""
    return (
        []
        if value == usual
        else [f"--{name.replace('_', '-')}", f"{value:g}" if isinstance(value, float) else str(value)]
    )


def _line(words: Sequence[str], data: Path) -> str:
    """Return the command, with the data folder written as DIR, and of other absolute paths the last two parts."""
    return " ".join(["python -m t5gemma_app train", *(shlex.quote(_shown(word, data)) for word in words)])


def _shown(word: str, data: Path) -> str:
    path = Path(word)
    if path.is_relative_to(data):
        return str(Path("DIR") / path.relative_to(data))
    return "/".join(path.parts[-2:]) if path.is_absolute() else word
