"""Everything that decides a run's weights besides the data and the checkpoint it begins with."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from t5gemma_app.errors import InputError

Optimiser = Literal["adamw", "muon"]
Schedule = Literal["cosine", "linear", "constant"]


@dataclass(frozen=True, slots=True)
class Plan:
    """How a run is trained."""

    seed: int = 0
    steps: int | None = None
    """Optimiser steps; None takes `epochs`."""
    epochs: float = 3.0
    batch_rows: int = 32
    """Rows of one step, over all processes together."""
    part_tokens: int = 8192
    """Padded tokens that are computed at once; a step with more is computed in parts, with the same result."""
    longest: int = 512
    """Tokens of an input; what is longer is cut."""
    optimiser: Optimiser = "adamw"
    rate: float = 3e-4
    matrix_rate: float = 3e-3
    """Muon's learning rate for matrices inside layers; `rate` is for all the rest then."""
    schedule: Schedule = "cosine"
    warm_up: float = 0.06
    """Share of the steps over which the learning rate rises, or from 1 on a number of steps."""
    last_rate: float = 0.0
    """Share of the learning rate at the end."""
    weight_decay: float = 0.01
    clip: float = 1.0
    """Largest norm of a step's gradient; 0 does not clip."""
    dropout: float = 0.1
    word_dropout: float = 0.0
    """Share of input tokens that training replaces by the unknown word."""
    smoothing: float = 0.0
    """Share of each label's weight that is spread over all labels."""
    consistency: float = 0.0
    """Weight of what two passes over a batch with other dropout say differently (R-Drop); 0 takes one pass."""
    evaluate_every: int | None = None
    """Steps between evaluations; None evaluates once an epoch."""
    patience: int = 0
    """Evaluations without a better one after which the run ends; 0 never ends early."""
    cross_attention_steps: int = 0
    """First steps in which cross-attention alone is trained."""
    checkpointing: bool = False
    """Whether activations are computed again instead of kept."""
    lora_rank: int = 0
    """Rank of the low-rank changes that are trained in place of the weights; 0 trains the weights."""
    lora_alpha: float = 32.0

    def checked(self) -> Plan:
        """Return self when every value can be used.

        Raises:
            InputError: One can't; the message names it and what it takes.
        """
        for names, low, high in _RANGES:
            for name in names:
                value = getattr(self, name)
                if value is not None and not low <= value <= high:
                    raise InputError(
                        f"{name.replace('_', ' ')} is {value}.", expected=f"It takes a value from {low:g} to {high:g}."
                    )
        for name, known in (("optimiser", get_args(Optimiser)), ("schedule", get_args(Schedule))):
            if getattr(self, name) not in known:
                raise InputError(f"The {name} is {getattr(self, name)!r}.", expected=f"It is {' or '.join(known)}.")
        if self.steps is None and self.epochs <= 0:
            raise InputError(f"The number of epochs is {self.epochs}.", expected="It is above 0.")
        return self

    def epoch_steps(self, rows: int) -> int:
        """Return how many steps it takes to see every row once."""
        return -(-rows // self.batch_rows)

    def total_steps(self, rows: int) -> int:
        """Return how many steps the run has."""
        return self.steps if self.steps is not None else max(1, round(self.epochs * self.epoch_steps(rows)))

    def evaluation_steps(self, rows: int) -> int:
        """Return how many steps lie between two evaluations."""
        return self.evaluate_every or self.epoch_steps(rows)

    def rate_at(self, step: int, total: int) -> float:
        """Return the share of the full learning rate in a step, counted from 0."""
        rising = self.warm_up if self.warm_up >= 1 else self.warm_up * total
        if step < rising:
            return (step + 1) / (rising + 1)
        if self.schedule == "constant":
            return 1.0
        progress = min(1.0, (step - rising) / max(1.0, total - rising))
        fall = progress if self.schedule == "linear" else (1 - math.cos(math.pi * progress)) / 2
        return 1.0 - (1.0 - self.last_rate) * fall

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as plain values."""
        return asdict(self)


_RANGES: tuple[tuple[tuple[str, ...], float, float], ...] = (
    (("steps", "batch_rows", "evaluate_every"), 1, 1e9),
    (("part_tokens",), 16, 1e9),
    (("longest",), 4, 1e6),
    (("rate", "matrix_rate"), 0, 10),
    (("warm_up",), 0, 1e9),
    (("weight_decay", "last_rate"), 0, 1),
    (("clip", "lora_alpha", "epochs", "consistency"), 0, 1e6),
    (("dropout", "word_dropout", "smoothing"), 0, 0.9),
    (("patience", "cross_attention_steps"), 0, 1e9),
    (("lora_rank",), 0, 4096),
    (("seed",), 0, 2**63 - 1),
)
"""Each value's range, both ends included."""
