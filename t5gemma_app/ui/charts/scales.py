"""From values to places on an axis, and where its ticks are: arithmetic, no drawing."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

_STEPS = (1.0, 2.0, 5.0, 10.0)
_MARGIN = 1.25
"""How far a logarithmic axis reaches beyond its values, as a factor."""


@dataclass(frozen=True, slots=True)
class Scale:
    """An axis: the range of its values and the range of its places."""

    low: float
    high: float
    start: float
    """Where `low` is drawn; may be larger than `end`, as on a vertical axis."""
    end: float
    logarithmic: bool = False

    def at(self, value: float) -> float:
        """Return the place of a value; one outside the range is drawn at its edge."""
        share = (self._bent(value) - self._bent(self.low)) / (self._bent(self.high) - self._bent(self.low))
        return self.start + min(1.0, max(0.0, share)) * (self.end - self.start)

    def ticks(self, most: int = 6) -> tuple[float, ...]:
        """Return at most about so many round values within the range, rising."""
        if self.logarithmic:
            decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            for factors in ((1, 2, 5), (1, 3), (1,)):
                found = [factor * 10.0**decade for decade in decades for factor in factors]
                found = [value for value in found if self.low <= value <= self.high]
                if len(found) <= most:
                    break
            if len(found) >= 3:
                return tuple(found)
        step = nice_step((self.high - self.low) / max(1, most - 1))
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        digits = 2 - math.floor(math.log10(step))
        # Rounded, so that no tick reads 0.30000000000000004.
        return tuple(round(number * step, digits) for number in range(first, last + 1))

    def _bent(self, value: float) -> float:
        return math.log(max(value, self.low / _MARGIN)) if self.logarithmic else value


def nice_step(least: float) -> float:
    """Return the smallest of 1, 2 and 5 times a power of ten that is not below a positive number."""
    if least <= 0 or not math.isfinite(least):
        return 1.0
    magnitude = 10.0 ** math.floor(math.log10(least))
    return next(step * magnitude for step in _STEPS if step * magnitude >= least * (1 - 1e-9))


def linear(values: Iterable[float], start: float, end: float, *, floor: float | None = None) -> Scale:
    """Return an axis that holds the values, its ends on round numbers.

    Args:
        values: What is drawn; those that are no finite numbers are passed over.
        start: Where the smallest is.
        end: Where the largest is.
        floor: A value that the axis does not go below.
    """
    known = [value for value in values if math.isfinite(value)] or [0.0, 1.0]
    low, high = min(known), max(known)
    if low == high:
        low, high = low - (abs(low) * 0.1 or 1.0), high + (abs(high) * 0.1 or 1.0)
    step = nice_step((high - low) / 5)
    low, high = math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step
    return Scale(low if floor is None else max(floor, low), high, start, end)


def logarithmic(values: Iterable[float], start: float, end: float) -> Scale:
    """Return a logarithmic axis that holds the values, with a margin on both ends."""
    known = [value for value in values if math.isfinite(value) and value > 0] or [1.0, 10.0]
    return Scale(min(known) / _MARGIN, max(known) * _MARGIN, start, end, logarithmic=True)
