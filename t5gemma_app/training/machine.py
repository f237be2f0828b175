"""How a run uses the machine: processes, precision and threads."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from t5gemma_app.checkpoints.placement import Reason
from t5gemma_app.engine.devices import multiplies_bfloat16, probe_devices
from t5gemma_app.training.choices import choose_precision, choose_replicas
from t5gemma_app.training.plan import Plan
from t5gemma_app.training.processes import Processes
from t5gemma_app.training.shards import SHARD_BYTES


@dataclass(frozen=True, slots=True)
class Machine:
    """How a run uses the machine; no part of what it learns but its last digits."""

    precision: str = "auto"
    replicas: int | None = None
    cpu: bool = False
    tracker: str = ""
    save_seconds: float = 90.0
    shard_bytes: int = SHARD_BYTES
    """Size at which a new file of weights is begun."""


def open_processes(machine: Machine, folder: Path, plan: Plan) -> tuple[Processes, tuple[Reason, Reason]]:
    """Join the processes that train together, and choose precision and threads.

    Raises:
        InputError: A wish can't be met.
    """
    facts = probe_devices()
    device = next(d for d in facts.devices if d.kind == "cpu") if machine.cpu else facts.devices[0]
    native = multiplies_bfloat16() if device.kind == "cpu" else device.kind == "cuda" and device.bfloat16
    precision = choose_precision(device.kind, device.bfloat16, native, machine.precision)
    processes = Processes(precision.choice, cpu=device.kind == "cpu", tracker=machine.tracker, folder=folder)
    replicas = choose_replicas(device.kind, processes.size, facts.threads, plan.checkpointing, machine.replicas)
    return processes, (precision, replicas)
