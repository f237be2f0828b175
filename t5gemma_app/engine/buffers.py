"""What glibc does with freed memory. Knows nothing of torch, whose threads begin after it was told."""

from __future__ import annotations

import ctypes
from typing import Any

# glibc's mallopt parameters. Above M_MMAP_THRESHOLD a buffer is mapped and unmapped at every use, above
# M_TRIM_THRESHOLD free memory at the top goes back to the system after every operation, and the arenas that other
# threads than the first would get are cut into heaps of 64 MB that go back whenever one is empty. All three cost page
# faults in every decoding step and every scored batch.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_KEPT_BYTES = 1 << 30


def keep_buffers() -> None:
    """Stop glibc from handing large buffers back to the system after every operation; other systems are left alone.

    Threads that allocated something before keep their arenas, so this comes first.
    """
    libc = _glibc()
    if libc is not None:
        libc.mallopt(_M_ARENA_MAX, 1)
        libc.mallopt(_M_MMAP_THRESHOLD, _KEPT_BYTES)
        libc.mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)


def trim_buffers() -> None:
    """Return what is free now to the system, once."""
    libc = _glibc()
    if libc is not None:
        libc.malloc_trim(0)


def _glibc() -> Any:
    try:
        libc = ctypes.CDLL("libc.so.6")
        return libc if hasattr(libc, "mallopt") and hasattr(libc, "malloc_trim") else None
    except OSError:
        return None
