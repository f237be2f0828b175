"""How a run uses the machine: pure decisions over facts, each with its reason."""

from __future__ import annotations

from t5gemma_app.checkpoints.placement import Reason
from t5gemma_app.errors import InputError

MOST_REPLICAS = 8
"""Beyond this many the sum over them costs more than another thread brings."""


def choose_precision(device: str, bfloat16: bool, native: bool, wish: str = "auto") -> Reason:
    """Choose the number format that training computes in; weights are kept in float32 in either case.

    Args:
        device: The device's kind: `cpu`, `cuda` or `mps`.
        bfloat16: Whether it can compute in bfloat16 at all.
        native: Whether it has instructions for that, so that it is faster.
        wish: `auto`, `float32` or `bfloat16`.

    Raises:
        InputError: The wish is unknown, or bfloat16 is asked of a device that lacks it.
    """
    if wish not in ("auto", "float32", "bfloat16"):
        raise InputError(f"The precision is {wish!r}.", expected="It is auto, float32 or bfloat16.")
    if wish == "bfloat16" and not bfloat16:
        raise InputError(f"The {device} does not compute in bfloat16.", remedy="Leave --precision out.")
    if wish != "auto":
        return Reason("precision", wish, "asked for")
    name = "CPU" if device == "cpu" else "GPU"
    if native:
        return Reason("precision", "bfloat16", f"the {name} multiplies it natively; weights stay in float32")
    return Reason("precision", "float32", f"this {name} is not known to multiply bfloat16 faster")


def choose_replicas(device: str, processes: int, threads: int, checkpointing: bool, wish: int | None = None) -> Reason:
    """Choose how many threads share a step, each with a part of its rows.

    Args:
        device: The device's kind.
        processes: How many processes train together.
        threads: CPU threads this process may use.
        checkpointing: Whether activations are computed again, with the library's own random numbers.
        wish: The number asked for, or None.

    Raises:
        InputError: More than one is asked for where only one can be.
    """
    only_one = (
        f"the {device} computes a whole batch at once"
        if device != "cpu"
        else "gradient checkpointing draws its dropout again, which threads can't do each for itself"
        if checkpointing
        else ""
    )
    if wish is not None:
        if not 1 <= wish <= MOST_REPLICAS:
            raise InputError(f"{wish} threads can't share a step.", expected=f"It takes 1 to {MOST_REPLICAS}.")
        if wish > 1 and only_one:
            raise InputError(f"{wish} threads can't share a step here: {only_one}.", remedy="Leave --replicas out.")
        return Reason("replicas", str(wish), "asked for")
    if only_one:
        return Reason("replicas", "1", only_one)
    if processes > 1:
        return Reason("replicas", "1", f"{processes} processes share the rows already")
    count = max(1, min(threads, MOST_REPLICAS))
    return Reason("replicas", str(count), f"{count} CPU threads meet once a step instead of after every operation")
