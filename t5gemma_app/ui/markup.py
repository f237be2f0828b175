"""The few pieces of HTML the page is made of; every text that goes in is escaped here.

Nothing that a model, a visitor or a file said reaches the page by another way.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape


def text(value: object) -> str:
    """Return a value as text that can't become markup, in content and in attributes alike."""
    return escape(str(value), quote=True)


def link(address: str, words: str) -> str:
    """Return a link that opens beside the page; anything but https becomes plain words."""
    if not address.startswith("https://"):
        return text(words)
    return f'<a href="{text(address)}" target="_blank" rel="noopener noreferrer">{text(words)}</a>'


def duration(seconds: float) -> str:
    """Return seconds in words, no finer than an estimate is good for."""
    if seconds < 1:
        return "a second"
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


def facts(rows: Sequence[tuple[str, str]]) -> str:
    """Return names and values as a two-column list."""
    return (
        '<dl class="wb-facts">'
        + "".join(f"<div><dt>{text(name)}</dt><dd>{text(value)}</dd></div>" for name, value in rows)
        + "</dl>"
    )


def bar(share: float, label: str, *, tone: str = "accent") -> str:
    """Return a horizontal bar; the share is clipped to 0..1 and the label is read out."""
    width = max(0.0, min(1.0, share)) * 100
    return (
        f'<div class="wb-bar wb-{text(tone)}" role="img" aria-label="{text(label)}">'
        f'<span style="width:{width:.1f}%"></span></div>'
    )


def problem(what: str, expected: str = "", remedy: str = "") -> str:
    """Return a failure as a calm card: what happened first, what to do below."""
    more = " ".join(part for part in (expected, remedy) if part)
    below = f"<p>{text(more)}</p>" if more else ""
    return f'<div class="wb-problem" role="alert"><strong>{text(what)}</strong>{below}</div>'
