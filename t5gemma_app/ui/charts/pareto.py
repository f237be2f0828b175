"""Which points nothing beats: no other is at least as good in both directions and better in one."""

from __future__ import annotations

from collections.abc import Sequence


def pareto_front(points: Sequence[tuple[float, float]], *, less_is_better: bool) -> tuple[int, ...]:
    """Return the indices of the undominated points, by rising first value.

    Args:
        points: Pairs of a cost or a speed, and a score of which more is better.
        less_is_better: Whether the first value is a cost.
    """
    sign = 1.0 if less_is_better else -1.0
    # Cheapest first, and of equally cheap ones the best: what comes later must be better to stay.
    order = sorted(range(len(points)), key=lambda i: (sign * points[i][0], -points[i][1]))
    front: list[int] = []
    for index in order:
        if not front or points[index][1] > points[front[-1]][1] or points[index] == points[front[-1]]:
            front.append(index)
    return tuple(sorted(front, key=lambda i: (points[i][0], points[i][1])))
