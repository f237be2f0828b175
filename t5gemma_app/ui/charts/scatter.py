"""Score over cost: points with intervals, and the line of those that nothing beats."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from t5gemma_app.ui.charts.pareto import pareto_front
from t5gemma_app.ui.charts.scales import Scale, linear, logarithmic
from t5gemma_app.ui.charts.svg import LETTER, drawing, hint, line, shape, shortened, words

_LEFT, _RIGHT, _TOP, _BOTTOM = 40.0, 16.0, 24.0, 44.0
_LABEL = 30
_HIGH = 13.0


@dataclass(frozen=True, slots=True)
class Point:
    """One run on the chart."""

    label: str
    x: float
    y: float
    """Score times 100."""
    low: float | None = None
    high: float | None = None
    hint: str = ""
    action: str = ""
    """What a click asks for; empty for nothing."""
    counted: bool = True
    """Whether it may be on the front; one that is not is drawn hollow."""
    mark: str = ""
    """Letter beside a point that is being compared."""


@dataclass(frozen=True, slots=True)
class Axis:
    """What is drawn from left to right."""

    label: str
    words: Callable[[float], str]
    less_is_better: bool = True


class Box(NamedTuple):
    """A rectangle that a label takes."""

    left: float
    top: float
    right: float
    bottom: float

    def touches(self, other: Box) -> bool:
        """Return whether two rectangles overlap."""
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )


def scatter(points: Sequence[Point], axis: Axis, *, width: float, height: float, ident: str) -> str:
    """Return the chart.

    Args:
        points: What is drawn; first values must be positive.
        axis: The horizontal axis.
        width: In units of the drawing, which are pixels where it is as wide as its place.
        height: The same.
        ident: Unique on the page.
    """
    across = logarithmic([p.x for p in points], _LEFT, width - _RIGHT)
    ends = [value for p in points for value in (p.low, p.y, p.high) if value is not None]
    up = linear(ends, height - _BOTTOM, _TOP, floor=0.0)
    counted = [p for p in points if p.counted]
    front = [counted[i] for i in pareto_front([(p.x, p.y) for p in counted], less_is_better=axis.less_is_better)]
    parts = [*_axes(across, up, axis, width, height), _front_line(front, across, up, axis)]
    parts += [_whisker(p, across, up) for p in points]
    parts += [_dot(p, across, up, on_front=p in front) for p in sorted(points, key=lambda p: (p.counted, p in front))]
    parts += _labels(points, front, across, up, width)
    best = ", ".join(f"{p.label} {p.y:.1f}" for p in front) or "none"
    description = f"{len(points)} runs. Nothing beats these, from left to right: {best}."
    return drawing(parts, width, height, f"Score over {axis.label}", description, ident)


def _axes(across: Scale, up: Scale, axis: Axis, width: float, height: float) -> list[str]:
    parts = []
    for tick in up.ticks(6):
        y = up.at(tick)
        parts += [line(_LEFT, y, width - _RIGHT, y, "wb-c-grid"), words(_LEFT - 8, y + 4, f"{tick:g}", anchor="end")]
    bottom = height - _BOTTOM
    for tick in across.ticks(int((width - _LEFT) / 64)):
        x = across.at(tick)
        parts += [line(x, bottom, x, bottom + 4, "wb-c-axis"), words(x, bottom + 18, axis.words(tick), anchor="middle")]
    parts += [
        line(_LEFT, bottom, width - _RIGHT, bottom, "wb-c-axis"),
        words(width - _RIGHT, height - 6, axis.label, "wb-c-name", "end"),
        words(0, 11, "score × 100", "wb-c-name"),
    ]
    return parts


def _front_line(front: Sequence[Point], across: Scale, up: Scale, axis: Axis) -> str:
    """Return the front as steps: between two points the cheaper one is still the best that can be had."""
    if len(front) < 2:
        return ""
    path = [f"M{across.at(front[0].x):.2f} {up.at(front[0].y):.2f}"]
    for point in front[1:]:
        x, y = f"{across.at(point.x):.2f}", f"{up.at(point.y):.2f}"
        path.append(f"H{x}V{y}" if axis.less_is_better else f"V{y}H{x}")
    return shape("path", d="".join(path), css="wb-c-front")


def _whisker(point: Point, across: Scale, up: Scale) -> str:
    if point.low is None or point.high is None:
        return ""
    x = across.at(point.x)
    return line(x, up.at(point.low), x, up.at(point.high), "wb-c-whisker")


def _dot(point: Point, across: Scale, up: Scale, *, on_front: bool) -> str:
    css = "wb-c-dot" + (" wb-c-on-front" if on_front else "") + ("" if point.counted else " wb-c-hollow")
    circle = {"cx": across.at(point.x), "cy": up.at(point.y)}
    shown = shape("circle", r=5 if on_front else 4.5, css=css, **circle)
    reach = shape("circle", hint(point.hint or point.label), r=12, css="wb-c-reach", **circle)
    return shape("g", shown + reach, data_board=point.action or None, css="wb-c-act" if point.action else None)


def _labels(points: Sequence[Point], front: Sequence[Point], across: Scale, up: Scale, width: float) -> list[str]:
    """Return names beside the points that matter, as far as they have room."""
    taken = [Box(across.at(p.x) - 6, up.at(p.y) - 6, across.at(p.x) + 6, up.at(p.y) + 6) for p in points]
    parts = []
    for point in [*(p for p in points if p.mark), *(p for p in front if not p.mark)]:
        content = shortened(f"{point.mark} {point.label}" if point.mark else point.label, _LABEL)
        x, y, long = across.at(point.x), up.at(point.y), len(content) * LETTER
        for left, top, anchor in (
            (x - 9 - long, y - 9 - _HIGH, "end"),
            (x + 9, y + 5, "start"),
            (x + 9, y - 9 - _HIGH, "start"),
            (x - 9 - long, y + 5, "end"),
        ):
            box = Box(left, top, left + long, top + _HIGH)
            if left < _LEFT or left + long > width - 2 or top < 14 or any(box.touches(other) for other in taken):
                continue
            taken.append(box)
            place = left if anchor == "start" else left + long
            parts.append(words(place, top + _HIGH - 3, content, "wb-c-label", anchor))
            break
    return parts
