"""The processes that train together: which one this is, sums over all of them, and where and in what they compute."""

from __future__ import annotations

import atexit
import importlib.util
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedType, broadcast_object_list, gather_object

from t5gemma_app.errors import InputError

TRACKERS = ("tensorboard", "trackio")
BUCKET = 25_000_000
"""Numbers of gradient that are sent at once."""
_PLAIN = ("NO", "MULTI_CPU", "MULTI_GPU")


class Processes:
    """This process among those that train together; `accelerate launch` and torchrun start several.

    Args:
        precision: `float32`, or `bfloat16` for matrix products in it.
        cpu: Whether to stay on the CPU.
        tracker: A library that draws the run besides the log, or an empty string.
        folder: Where such a library writes.

    Raises:
        InputError: The launcher asks for a way to share weights that is not supported, or the tracker is missing.
    """

    def __init__(self, precision: str, *, cpu: bool = False, tracker: str = "", folder: Path | None = None) -> None:
        if tracker and (tracker not in TRACKERS or importlib.util.find_spec(tracker) is None):
            raise InputError(
                f"The tracker {tracker!r} can't be used.",
                expected=f"It is {' or '.join(TRACKERS)}, installed.",
                remedy=f"pip install {tracker}" if tracker in TRACKERS else "",
            )
        self._accelerator = Accelerator(
            mixed_precision="no",
            cpu=cpu,
            log_with=tracker or None,
            project_dir=str(folder) if folder else None,
        )
        self.dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
        """What is multiplied in; accelerate would keep its own choice of it for as long as the process lives."""
        kind = self._accelerator.distributed_type
        if kind not in {DistributedType[name] for name in _PLAIN}:
            raise InputError(
                f"Weights can't be shared by {kind.value}.",
                expected="Each process holds the whole model; the processes share the rows.",
                remedy="Launch without FSDP and DeepSpeed; --lora-rank and --checkpointing need less memory.",
            )
        self._tracked = bool(tracker)
        if self.size > 1:
            atexit.register(_leave_group)

    @property
    def rank(self) -> int:
        """This process's number."""
        return int(self._accelerator.process_index)

    @property
    def size(self) -> int:
        """How many processes there are."""
        return int(self._accelerator.num_processes)

    @property
    def first(self) -> bool:
        """Whether this process writes the files."""
        return self.rank == 0

    @property
    def device(self) -> torch.device:
        """Where this process computes."""
        device: torch.device = self._accelerator.device
        return device

    def computing(self, exact: bool = False) -> AbstractContextManager[Any]:
        """Return the context in which a model is computed: in the precision chosen, or in float32 where `exact`."""
        rounded = self.dtype == torch.bfloat16 and not exact
        return torch.autocast(self.device.type, torch.bfloat16, enabled=rounded)

    def add_gradients(self, parameters: Iterable[torch.nn.Parameter]) -> None:
        """Sum the gradients of all processes, in every one of them.

        Weights that one process has no gradient for count as zero there. Sums are made of whole buckets, so that their
        number and order is the same everywhere.
        """
        if self.size == 1:
            return
        bucket: list[torch.nn.Parameter] = []
        filled = 0
        for parameter in parameters:
            bucket.append(parameter)
            filled += parameter.numel()
            if filled >= BUCKET:
                self._add(bucket)
                bucket, filled = [], 0
        if bucket:
            self._add(bucket)

    def total(self, value: float) -> float:
        """Return the sum of a number over all processes."""
        if self.size == 1:
            return value
        one = torch.tensor(value, dtype=torch.float64, device=self.device)
        summed = self._accelerator.reduce(one, "sum")
        return float(summed)

    def gather(self, items: Sequence[Any]) -> list[Any]:
        """Return the items of all processes, in the order of the processes."""
        return list(items) if self.size == 1 else list(gather_object(list(items)))

    def agreed(self, value: Any) -> Any:
        """Return the first process's value in every one of them."""
        if self.size == 1:
            return value
        values = [value]
        broadcast_object_list(values)
        return values[0]

    def wait(self) -> None:
        """Wait until all processes are here."""
        self._accelerator.wait_for_everyone()

    def begin_tracking(self, values: dict[str, Any]) -> None:
        """Tell the tracker what is trained."""
        if self._tracked:
            plain = {name: value for name, value in values.items() if isinstance(value, int | float | str | bool)}
            self._accelerator.init_trackers("t5gemma", config=plain)

    def track(self, values: dict[str, float], step: int) -> None:
        """Give the tracker a step's figures."""
        if self._tracked:
            self._accelerator.log(values, step=step)

    def end_tracking(self) -> None:
        """Let the tracker finish its files."""
        if self._tracked:
            self._accelerator.end_training()

    def _add(self, parameters: list[torch.nn.Parameter]) -> None:
        parts = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
        flat = torch.cat([part.reshape(-1) for part in parts])
        summed = self._accelerator.reduce(flat, "sum")
        at = 0
        for parameter in parameters:
            parameter.grad = summed[at : at + parameter.numel()].view_as(parameter)
            at += parameter.numel()


def _leave_group() -> None:
    """Leave the group while its threads can still be joined; torn down with the interpreter, one may abort it."""
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
