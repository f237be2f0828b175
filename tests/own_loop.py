"""Coroutines in an event loop of their own, also where the browser tests' own loop lives in this thread."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

Result = TypeVar("Result")


def in_own_loop(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine in another thread and return its result."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()
