"""Which fine-tuned head answers a benchmark: the checkpoint itself, or a listed one that was trained from it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from t5gemma_app.benchmarks.catalogue import benchmark_named
from t5gemma_app.benchmarks.own import OwnData
from t5gemma_app.benchmarks.suites import Entry
from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.errors import InputError

TASK = "superglue:"
"""How cards begin the name of a SuperGLUE task."""
NO_YES = ("False", "True")
"""What a head says of ReCoRD, whose answers are texts: whether an entity fills the gap."""


class Wanted(NamedTuple):
    """A benchmark that needs a head."""

    name: str
    task: str
    """As a head's card names it; empty for own data, of which cards know nothing."""
    labels: tuple[str, ...]


def wanted(entry: Entry | OwnData) -> Wanted:
    """Return what head an entry of a suite needs."""
    if isinstance(entry, OwnData):
        return Wanted(entry.name, "", tuple(entry.labels.values()))
    return Wanted(entry.name, f"{TASK}{entry.name}", benchmark_named(entry.name).labels or NO_YES)


def find_heads(checkpoint: Checkpoint, needs: Sequence[Wanted], listed: Iterable[Checkpoint]) -> list[Checkpoint]:
    """Return the head for each need, in order.

    Args:
        checkpoint: A head, which serves what it was trained for, or a checkpoint that heads were trained from.
        needs: The benchmarks.
        listed: The checkpoints among which heads are sought.

    Raises:
        InputError: A benchmark has no head, or several, or one with other labels.
    """
    if checkpoint.head == "sequence":
        others = [need.name for need in needs if need.task and checkpoint.task not in ("", need.task)]
        if others:
            raise InputError(
                f"{checkpoint.name} is a head for {checkpoint.task}, not for {', '.join(others)}.",
                remedy="Choose the suite of its own task, or the checkpoint that it was trained from.",
            )
        return [_checked(checkpoint, need) for need in needs]
    if checkpoint.head != "none":
        raise InputError(
            f"{checkpoint.name} has no sequence head.", expected="A checkpoint that writes, or one that labels texts."
        )
    heads = [one for one in listed if one.head == "sequence" and one.base in (checkpoint.name, checkpoint.location)]
    found = [(need, _among(heads, need, checkpoint)) for need in needs]
    if lacking := [need for need, head in found if head is None]:
        raise _missing(checkpoint, lacking, heads)
    return [_checked(head, need) for need, head in found if head is not None]


def _among(heads: Sequence[Checkpoint], need: Wanted, base: Checkpoint) -> Checkpoint | None:
    """Return the head for a need: the one named after base and task where there are several."""
    found = [head for head in heads if need.task and head.task == need.task]
    named = [head for head in found if head.name == f"{base.name}-{need.name}"]
    if len(found) > 1 and not named:
        raise InputError(
            f"{base.name} has {len(found)} heads for {need.name}: {', '.join(head.name for head in found)}.",
            expected=f"One of them, or one that is called {base.name}-{need.name}.",
            remedy="Choose one of them itself as the checkpoint, with this task alone.",
        )
    return next(iter(named or found), None)


def _missing(base: Checkpoint, lacking: Sequence[Wanted], heads: Sequence[Checkpoint]) -> InputError:
    names = ", ".join(need.name for need in lacking)
    tasks = sorted({head.task.removeprefix(TASK) for head in heads if head.task.startswith(TASK)})
    own = next((need for need in lacking if not need.task), None)
    if own is not None:
        return InputError(
            f"{base.name} is no head for {own.name}.",
            expected=f"A head with the labels {', '.join(own.labels)}, chosen itself as the checkpoint.",
            remedy="Train one with `train finetune --task classify`.",
        )
    known = f"It has heads for {', '.join(tasks)}." if tasks else "No listed checkpoint is a head trained from it."
    return InputError(
        f"{base.name} has no head for {names}.",
        expected=known,
        remedy=f"Train one with `train finetune --task {lacking[0].task} --checkpoint {base.name}` and list it in "
        "T5GEMMA_CHECKPOINTS, or choose tasks that have one.",
    )


def _checked(head: Checkpoint, need: Wanted) -> Checkpoint:
    """Return a head that can be measured on a benchmark; its labels are matched by name, in whatever order."""
    if head.random_head:
        raise InputError(f"The head of {head.name} has no trained weights, so its answers would mean nothing.")
    if head.problem != "one":
        raise InputError(f"{head.name} does not choose one label.", expected="A head that gives each text one label.")
    if sorted(head.labels) != sorted(need.labels):
        raise InputError(
            f"{head.name} has the labels {_listed(head.labels)}.",
            expected=f"{need.name} has {_listed(need.labels)}.",
            remedy="" if need.task else "Write the head's labels into the suite.",
        )
    return head


def _listed(labels: Sequence[str]) -> str:
    return ", ".join(labels[:8]) + (f" and {len(labels) - 8} more" if len(labels) > 8 else "")
