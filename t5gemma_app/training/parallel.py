"""One training step on several threads, each with a replica that shares the weights and owns its gradients.

Why not the library's own threads: they meet after every operation, and on a machine that is shared with other work the
faster one spends its time waiting. Here they meet once a step. The sum over the replicas has a fixed order, so a step
can be repeated exactly.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Generic, Protocol, Self, TypeVar

import torch
from torch import nn
from torch.optim import Optimizer

IGNORED = -100
"""What stands in a batch's targets where nothing is to be said."""


class Sharded(Protocol):
    """A batch that can be dealt out."""

    @property
    def targets(self) -> torch.Tensor:
        """What the model shall say; `IGNORED` where that is nothing."""

    def rows(self, start: int, every: int) -> Self:
        """Return every so many rows, from `start` on."""


Batch = TypeVar("Batch", bound=Sharded)
Model = TypeVar("Model", bound=nn.Module)


class Replicas(Generic[Model, Batch]):
    """The model and its replicas; use as a context manager."""

    def __init__(self, model: Model, count: int, loss_of: Callable[[Model, Batch], torch.Tensor]) -> None:
        self._models = [model, *(copy.deepcopy(model) for _ in range(count - 1))]
        self._loss_of = loss_of
        for replica in self._models[1:]:
            for own, shared in zip(replica.parameters(), model.parameters(), strict=True):
                own.data = shared.data
        self._pool = ThreadPoolExecutor(count, initializer=torch.set_num_threads, initargs=(1,))
        self._threads = torch.get_num_threads()

    def __enter__(self) -> Self:
        torch.set_num_threads(1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown()
        torch.set_num_threads(self._threads)

    def accumulate(self, batch: Batch) -> float:
        """Leave the batch's mean gradient in the first model and return its loss."""
        total = int((batch.targets != IGNORED).sum())
        shards = [batch.rows(start, len(self._models)) for start in range(len(self._models))]
        jobs = [self._pool.submit(self._one, index, shard, total) for index, shard in enumerate(shards)]
        loss = sum(job.result() for job in jobs)
        for replica in self._models[1:]:
            for own, shared in zip(replica.parameters(), self._models[0].parameters(), strict=True):
                if own.grad is not None:
                    shared.grad = own.grad if shared.grad is None else shared.grad.add_(own.grad)
                    own.grad = None
        return loss

    def step(self, optimizers: Sequence[Optimizer]) -> None:
        """Step optimizers that hold different parameters at the same time."""
        for job in [self._pool.submit(optimizer.step) for optimizer in optimizers]:
            job.result()
        for optimizer in optimizers:
            optimizer.zero_grad(set_to_none=True)

    def _one(self, index: int, shard: Batch, total: int) -> float:
        if not len(shard.targets):
            return 0.0
        loss = self._loss_of(self._models[index], shard) / total
        loss.backward()
        return loss.item()
