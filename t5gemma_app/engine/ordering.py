"""Which models keep their layers' weights a second time, see `ordered`: a decision on sizes and the processor."""

from __future__ import annotations

from typing import Any

from t5gemma_app.checkpoints.memory import LARGEST_ORDERED, in_words
from t5gemma_app.checkpoints.placement import Reason
from t5gemma_app.engine.batching import CPU_TOKENS
from t5gemma_app.engine.ordered import keep_ordered, ordered_bytes
from t5gemma_app.engine.packed import longest_packed

SUBJECT = "weights of layers"


def order_weights(model: Any, largest: int = LARGEST_ORDERED) -> tuple[int, Reason | None]:
    """Keep a model's layers in the order of the products too, if that pays.

    Args:
        model: A model for conditional generation whose weights change no more.
        largest: Bytes of weights up to which copies are kept.

    Returns:
        The bytes that the copies take, and what was chosen and why; no reason for a model that nothing could be gained
        for, because its rows are not packed or its weights are small.
    """
    if not longest_packed(model):
        return 0, None
    layers = [layer for stack in (model.get_encoder(), model.get_decoder()) for layer in stack.layers]
    gaining = [layer for layer in layers if ordered_bytes(layer)]
    size = sum(map(ordered_bytes, gaining))
    if not gaining:
        return 0, None
    if size > largest:
        because = f"copies in the products' order would take {in_words(size)}, more than {in_words(largest)}"
        return 0, Reason(SUBJECT, "once", because)
    for layer in gaining:
        keep_ordered(layer, CPU_TOKENS)
    return size, Reason(SUBJECT, "twice", f"{in_words(size)} for copies in the order in which products read them")
