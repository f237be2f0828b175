"""What a person should read of whatever ended a computation."""

from __future__ import annotations

import logging

import torch

from t5gemma_app.errors import EngineError, OutOfMemoryError, WorkbenchError

logger = logging.getLogger(__name__)


def as_engine_error(error: BaseException) -> WorkbenchError:
    """Return the error that a person should read for whatever ended a computation."""
    if isinstance(error, WorkbenchError):
        return error
    if is_memory_error(error):
        return OutOfMemoryError(
            "There was not enough memory for this answer.", remedy="Send less text, or unload another checkpoint."
        )
    logger.error("A computation failed", exc_info=error)
    return EngineError(f"The computation failed: {type(error).__name__}.", remedy="The log has the details.")


def is_memory_error(error: BaseException) -> bool:
    """Return whether the memory ran out; torch has no class of its own for main memory."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error)
