"""Several runs beside each other, task by task, with intervals and what guessing would reach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from t5gemma_app.ui.charts.scales import Scale
from t5gemma_app.ui.charts.svg import drawing, hint, line, shape, shortened, words

_LEFT, _RIGHT, _TOP, _AXIS = 72.0, 44.0, 8.0, 28.0
_THICK, _GAP, _BETWEEN = 12.0, 3.0, 14.0
SERIES = 5
"""Runs that have colours of their own."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One run's score of a task."""

    label: str
    series: int
    """Which colour, from 0."""
    value: float
    """Score times 100."""
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """A task with its bars."""

    name: str
    bars: tuple[Bar, ...]
    guess: float | None = None
    """What a uniform guess reaches; None where that depends on the row."""


def bars(groups: Sequence[Group], *, width: float, ident: str) -> str:
    """Return the chart: tasks downwards, the score from 0 to 100 to the right."""
    across = Scale(0.0, 100.0, _LEFT, width - _RIGHT)
    tops, y = [], _TOP
    for group in groups:
        tops.append(y)
        y += max(1, len(group.bars)) * (_THICK + _GAP) + _BETWEEN
    parts = [
        part
        for tick in (0, 25, 50, 75, 100)
        for part in (
            line(across.at(tick), _TOP, across.at(tick), y - 6, "wb-c-grid"),
            words(across.at(tick), y + 10, str(tick), anchor="middle"),
        )
    ]
    for top, group in zip(tops, groups, strict=True):
        parts.append(_group(group, top, across))
    said = "; ".join(f"{group.name}: {', '.join(map(_said, group.bars)) or 'no score'}" for group in groups)
    return drawing(parts, width, y + _AXIS - 10, "Score by task", said or "No task.", ident)


def _said(bar: Bar) -> str:
    return f"{bar.label} {bar.value:.1f}"


def _group(group: Group, top: float, across: Scale) -> str:
    high = len(group.bars) * (_THICK + _GAP)
    parts = [words(_LEFT - 12, top + max(high, _THICK) / 2 + 3, shortened(group.name, 10), "wb-c-label", "end")]
    for number, bar in enumerate(group.bars):
        parts.append(_bar(bar, top + number * (_THICK + _GAP), across))
    if group.guess is not None:
        x = across.at(group.guess)
        tip = hint(f"Guessing reaches {group.guess:.1f} in {group.name}.")
        parts.append(shape("line", tip, x1=x, y1=top - 3, x2=x, y2=top + high, css="wb-c-guess"))
    return "".join(parts)


def _bar(bar: Bar, y: float, across: Scale) -> str:
    start, end, middle = across.at(0), across.at(bar.value), y + _THICK / 2
    known = bar.low is not None and bar.high is not None
    tip = f"{bar.label}: {bar.value:.1f}" + (f" [{bar.low:.1f}, {bar.high:.1f}]" if known else "")
    parts = [
        shape("rect", hint(tip), x=start, y=y, width=max(1.0, end - start), height=_THICK, rx=2,
              css=f"wb-c-series-{bar.series % SERIES}"),
    ]  # fmt: skip
    right = end
    if bar.low is not None and bar.high is not None:
        right = max(end, across.at(bar.high))
        parts.append(line(across.at(bar.low), middle, right, middle, "wb-c-over"))
    parts.append(words(right + 6, y + _THICK - 2, f"{bar.value:.1f}", "wb-c-small"))
    return "".join(parts)
