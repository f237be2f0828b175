"""The process's own memory: what Python searches for unreachable cycles, and what glibc keeps of freed buffers."""

from __future__ import annotations

import ctypes
import gc
from typing import Any

import torch

# glibc's mallopt parameters: above M_MMAP_THRESHOLD a buffer is mapped and unmapped at every use, above
# M_TRIM_THRESHOLD free memory at the top goes back to the system after every operation. Both cost page faults in every
# decoding step.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_KEPT_BYTES = 1 << 30


def settle() -> None:
    """Give back what loading used up, and take what stays out of Python's search for unreachable cycles.

    Python searches all objects only once those that are new since the last search are a quarter of the old ones. The
    libraries are hundreds of thousands of objects that stay: a quarter as many that requests left behind would pile up
    first, and the search would then stop everybody for the better part of a second.
    """
    gc.collect()
    gc.freeze()
    gc.collect()  # Python remembers how many objects the last search left
    libc = _glibc()
    if libc is not None:
        libc.malloc_trim(0)  # the output table's 8-bit codes, for one, are in memory twice until they are packed


def give_memory_back() -> None:
    """Return freed memory to the system; the caller has dropped every reference to the model."""
    gc.unfreeze()  # the model was there when memory settled
    if torch.cuda.is_available():
        gc.collect()
        torch.cuda.empty_cache()
    settle()


def keep_buffers() -> None:
    """Stop glibc from handing large buffers back to the system after every operation; other systems are left alone."""
    libc = _glibc()
    if libc is not None:
        libc.mallopt(_M_MMAP_THRESHOLD, _KEPT_BYTES)
        libc.mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)


def _glibc() -> Any:
    try:
        libc = ctypes.CDLL("libc.so.6")
        return libc if hasattr(libc, "mallopt") and hasattr(libc, "malloc_trim") else None
    except OSError:
        return None
