"""Failures in OpenAI's words: the status, the shape of the body, and when to come back."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from t5gemma_app.errors import (
    AccessError,
    BusyError,
    InputError,
    PlacementError,
    StoppedError,
    TooBigError,
    TooLongError,
    UnknownCheckpointError,
    WorkbenchError,
)

INVALID = "invalid_request_error"


@dataclass(frozen=True, slots=True)
class Failure:
    """An error as it is sent."""

    status: int
    message: str
    type: str = INVALID
    param: str | None = None
    code: str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        """Return the body in OpenAI's shape."""
        return {"error": {"message": self.message, "type": self.type, "param": self.param, "code": self.code}}


WRONG_KEY = Failure(
    401,
    "The API key is missing or wrong. Send it as `Authorization: Bearer KEY`; the owner of this server has it.",
    code="invalid_api_key",
    headers={"WWW-Authenticate": "Bearer"},
)
BROKEN = Failure(500, "Something broke inside the app. Try again; the app's log says more.", "server_error")

_KINDS: tuple[tuple[type[WorkbenchError], int, str, str | None], ...] = (
    (UnknownCheckpointError, 404, INVALID, "model_not_found"),
    (AccessError, 403, "permission_error", "model_not_available"),
    (TooBigError, 503, "server_error", "model_too_big"),
    (TooLongError, 400, INVALID, "context_length_exceeded"),
    (InputError, 400, INVALID, None),
    (PlacementError, 503, "server_error", None),
    (BusyError, 429, "rate_limit_error", "busy"),
    (StoppedError, 503, "server_error", "shutting_down"),
)


def failure_of(error: WorkbenchError) -> Failure:
    """Return what a client is told of an error."""
    status, kind, code = next(
        ((status, kind, code) for cls, status, kind, code in _KINDS if isinstance(error, cls)),
        (500, "server_error", None),
    )
    headers = {}
    if isinstance(error, BusyError) and error.retry_seconds is not None:
        headers["Retry-After"] = str(math.ceil(error.retry_seconds))
    param = "model" if status in (403, 404) else "messages" if isinstance(error, TooLongError) else None
    return Failure(status, str(error), kind, param, code, headers)


def schema_failure(error: ValidationError) -> Failure:
    """Return what is wrong with a body's fields: of several wrongs the innermost, for that is the one to mend."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    worst = max(found, key=lambda one: len(one["loc"]))
    # Where a field may be of several kinds, pydantic names the kind as a part of the way.
    place = ".".join(str(part) for part in worst["loc"] if part != "str" and "[" not in str(part))
    message = worst["msg"].removeprefix("Value error, ")
    if worst["type"] == "json_invalid":
        return Failure(400, f"The body is not JSON: {message}.")
    return Failure(400, f"{place}: {message}." if place else f"{message}.", param=place or None)
