"""Writes the front matter of README.md from Space.yaml; `make space-readme` runs it."""

from __future__ import annotations

from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
FENCE = "---\n"


def front_matter(space: str) -> str:
    """Return Space.yaml's settings as README's front matter, comments left out."""
    settings = yaml.safe_load(space)
    return FENCE + yaml.safe_dump(settings, sort_keys=False, allow_unicode=True, width=1000) + FENCE


def body_of(readme: str) -> str:
    """Return a README without its front matter."""
    if not readme.startswith(FENCE):
        return readme
    return readme.split(FENCE, 2)[2]


def renewed(readme: str, space: str) -> str:
    """Return a README with the front matter that Space.yaml asks for."""
    return front_matter(space) + body_of(readme)


if __name__ == "__main__":
    target = ROOT / "README.md"
    space = (ROOT / "Space.yaml").read_text(encoding="utf-8")
    target.write_text(renewed(target.read_text(encoding="utf-8"), space), encoding="utf-8")
