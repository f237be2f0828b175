"""Writes the table of docs/settings.md from the settings themselves; `make settings-doc` runs it."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))

from t5gemma_app.settings import Settings  # noqa: E402 - run as a file, the package is not on the path before

BEGIN, END = "<!-- settings -->\n", "<!-- /settings -->\n"


def table() -> str:
    """Return every setting with its default and meaning, as a Markdown table."""
    lines = ["| variable | default | meaning |", "|---|---|---|"]
    lines += [f"| `{name}` | {f'`{value}`' if value else ''} | {about} |" for name, value, about in Settings().table()]
    return "\n".join(lines) + "\n"


def renewed(page: str) -> str:
    """Return the page with its table written again."""
    before, rest = page.split(BEGIN)
    return before + BEGIN + table() + END + rest.split(END)[1]


if __name__ == "__main__":
    target = ROOT / "docs" / "settings.md"
    target.write_text(renewed(target.read_text(encoding="utf-8")), encoding="utf-8")
