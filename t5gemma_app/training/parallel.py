"""One training step on several threads, each with a replica that shares the weights and owns its gradients.

Why not the library's own threads: they meet after every operation, and on a machine that is shared with other work the
faster one spends its time waiting. Here they meet once a step. The sum over the replicas has a fixed order, so a step
can be repeated exactly.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Container, Sequence
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
Item = TypeVar("Item")
Result = TypeVar("Result")


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

    def accumulate(self, batch: Batch, total: int | None = None) -> float:
        """Add the batch's gradient to the first model's and return its loss, both divided by the number of targets.

        Args:
            batch: Rows to deal out.
            total: What to divide by where the batch is a part of a larger one.
        """
        if total is None:
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

    def map(self, function: Callable[[Model, Item], Result], items: Sequence[Item]) -> list[Result]:
        """Return what a function says of each item, in their order; each thread takes every so many of them."""
        count = len(self._models)

        def work(index: int) -> list[Result]:
            return [function(self._models[index], item) for item in items[index::count]]

        found: list[Result | None] = [None] * len(items)
        jobs = [self._pool.submit(work, index) for index in range(count)]
        for index, job in enumerate(jobs):
            found[index::count] = job.result()
        return found  # type: ignore[return-value]

    def require_gradients(self, names: Container[str]) -> None:
        """Let the weights of these names be trained, and no others."""
        for model in self._models:
            for name, parameter in model.named_parameters():
                parameter.requires_grad_(name in names)

    def train(self, mode: bool) -> None:
        """Put every model into training or evaluation mode."""
        for model in self._models:
            model.train(mode)

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
