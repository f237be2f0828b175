"""The process's own memory: what Python searches for unreachable cycles, and what leaves with a model."""

from __future__ import annotations

import gc

import torch

from t5gemma_app.engine.buffers import trim_buffers


def settle() -> None:
    """Give back what loading used up, and take what stays out of Python's search for unreachable cycles.

    Python searches all objects only once those that are new since the last search are a quarter of the old ones. The
    libraries are hundreds of thousands of objects that stay: a quarter as many that requests left behind would pile up
    first, and the search would then stop everybody for the better part of a second.
    """
    gc.collect()
    gc.freeze()
    gc.collect()  # Python remembers how many objects the last search left
    trim_buffers()  # the output table's 8-bit codes, for one, are in memory twice until they are packed


def give_memory_back() -> None:
    """Return freed memory to the system; the caller has dropped every reference to the model."""
    gc.unfreeze()  # the model was there when memory settled
    if torch.cuda.is_available():
        gc.collect()
        torch.cuda.empty_cache()
    settle()
