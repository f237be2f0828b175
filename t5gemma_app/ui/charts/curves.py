"""Values over steps: lines with axes, and a level that a guess would reach."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from t5gemma_app.ui.charts.scales import Scale, linear
from t5gemma_app.ui.charts.svg import drawing, hint, line, shape, words

_LEFT, _RIGHT, _TOP, _BOTTOM = 40.0, 12.0, 24.0, 40.0


@dataclass(frozen=True, slots=True)
class Curve:
    """One line."""

    name: str
    points: tuple[tuple[float, float], ...]
    """Step and value, steps rising."""
    css: str
    """Which colour: a class of the stylesheet."""
    dots: bool = False
    """Whether each point is drawn too."""
    shown: str = "{:.3f}"
    """How a value is written."""


@dataclass(frozen=True, slots=True)
class Level:
    """A value that is the same at every step."""

    name: str
    value: float


def curves(
    lines: Sequence[Curve],
    *,
    title: str,
    total: int,
    width: float,
    height: float,
    ident: str,
    level: Level | None = None,
    tick: Callable[[float], str] = "{:g}".format,
    ceiling: float | None = None,
) -> str:
    """Return the chart: steps to the right, values upwards.

    Args:
        lines: What is drawn.
        title: What the values are.
        total: The last step of the run.
        width: Width of the drawing.
        height: Height of the drawing.
        ident: Begins the ids of name and description.
        level: A value to compare with.
        tick: Writes a value at the axis.
        ceiling: A value that the axis does not go above.
    """
    values = [value for one in lines for _, value in one.points] + ([level.value] if level else [])
    across = Scale(0.0, float(max(1, total)), _LEFT, width - _RIGHT)
    up = linear(values, height - _BOTTOM, _TOP, floor=0.0)
    if ceiling is not None and up.high > ceiling > up.low:
        up = Scale(up.low, ceiling, up.start, up.end)
    parts = _axes(across, up, title, width, height, tick)
    if level is not None and math.isfinite(level.value):
        y = up.at(level.value)
        tip = hint(f"{level.name}: {tick(level.value)}")
        parts.append(shape("line", tip, x1=_LEFT, y1=y, x2=width - _RIGHT, y2=y, css="wb-c-guess"))
    parts += [_line(one, across, up) for one in lines]
    said = "; ".join(
        f"{one.name}: {one.shown.format(one.points[-1][1])} at step {one.points[-1][0]:,.0f}"
        for one in lines
        if one.points
    )
    return drawing(parts, width, height, f"{title} over steps", said or "Nothing was measured yet.", ident)


def _axes(
    across: Scale, up: Scale, title: str, width: float, height: float, written: Callable[[float], str]
) -> list[str]:
    parts = []
    for value in up.ticks(5):
        y = up.at(value)
        parts += [line(_LEFT, y, width - _RIGHT, y, "wb-c-grid"), words(_LEFT - 8, y + 4, written(value), anchor="end")]
    bottom = height - _BOTTOM
    for step in across.ticks(5):
        if step != int(step):
            continue
        x = across.at(step)
        parts += [line(x, bottom, x, bottom + 4, "wb-c-axis"), words(x, bottom + 18, f"{step:,.0f}", anchor="middle")]
    parts += [
        line(_LEFT, bottom, width - _RIGHT, bottom, "wb-c-axis"),
        words(width - _RIGHT, height - 4, "step", "wb-c-name", "end"),
        words(0, 11, title, "wb-c-name"),
    ]
    return parts


def _line(one: Curve, across: Scale, up: Scale) -> str:
    places = [(across.at(step), up.at(value)) for step, value in one.points]
    if not places:
        return ""
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
    parts = [shape("path", d=path, css=f"wb-c-line {one.css}")] if len(places) > 1 else []
    if one.dots or len(places) == 1:
        parts += [
            shape("circle", hint(f"{one.name}, step {step:,.0f}: {one.shown.format(value)}"), cx=x, cy=y, r=3,
                  css=f"wb-c-spot {one.css}")
            for (x, y), (step, value) in zip(places, one.points, strict=True)
        ]  # fmt: skip
    return "".join(parts)
