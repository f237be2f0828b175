"""Logging set up once, at the edge, with tokens kept out of every record."""

from __future__ import annotations

import logging
import re

# Access tokens, the longer ones of a sign-in with OAuth, and the old ones of organisations.
_TOKEN = re.compile(r"(hf|api_org)_(?:oauth_[\w.\-]+|[A-Za-z0-9]{8,})")


def redact(text: str) -> str:
    """Replace anything that looks like a Hugging Face token."""
    return _TOKEN.sub(r"\1_…", text)


class _Redacting(logging.Formatter):
    """A formatter that redacts the finished line, so that arguments and tracebacks are covered too."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


def configure_logging(level: str) -> None:
    """Send the package's own records to standard error; other libraries keep their own settings."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Redacting("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logger = logging.getLogger("t5gemma_app")
    logger.handlers = [handler]
    logger.setLevel(level)
    logger.propagate = False
