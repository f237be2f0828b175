"""How far a run is, read from its log while another process writes it."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MOST_POINTS = 400
"""Points of a curve; beyond that neighbours are put together."""
RECENT = 30
"""Steps whose time says how long the others will take."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One evaluation on the way."""

    step: int
    loss: float
    metric: float | None
    """A share."""


@dataclass(frozen=True, slots=True)
class TrainProgress:
    """How far a run is."""

    step: int = 0
    total: int = 0
    """0 before the first step."""
    losses: tuple[tuple[float, float], ...] = ()
    """Step and mean loss around it."""
    judged: tuple[Judged, ...] = ()
    metric: str = ""
    """What the evaluations measure besides the loss."""
    best_step: int = 0
    seconds_a_step: float | None = None

    @property
    def share(self) -> float:
        """How much of the run is done."""
        return min(1.0, self.step / self.total) if self.total else 0.0

    @property
    def seconds_left(self) -> float | None:
        """How long the other steps will take; evaluations come on top."""
        return None if self.seconds_a_step is None else (self.total - self.step) * self.seconds_a_step


@dataclass(frozen=True, slots=True)
class Reached:
    """One figure of the finished checkpoint, measured on its stored weights."""

    name: str
    value: float
    n: int
    low: float | None = None
    """Lower end of the 95 % interval; None where the figure is no share."""
    high: float | None = None
    baseline: float | None = None
    """What always saying the commonest label reaches."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a finished run found."""

    steps: int
    best_step: int
    seconds: float
    scores: tuple[Reached, ...]


def outcome_of(done: Mapping[str, Any] | None) -> Outcome | None:
    """Return what the file of a finished run says; None where there is none."""
    if done is None:
        return None
    scores = tuple(Reached(**score) for score in done["scores"])
    return Outcome(int(done["steps"]), int(done["best_step"]), float(done["seconds"]), scores)


class RunLog:
    """The log of one run, read on from where the last look ended.

    Args:
        path: The file; a run that goes on replaces it by its beginning.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()  # pages look at the same time
        self._begin(0)

    def look(self) -> TrainProgress:
        """Return how far the run is now."""
        with self._lock:
            try:
                found = self._path.stat()
                if found.st_ino != self._file or found.st_size < self._offset:
                    self._begin(found.st_ino)
                if found.st_size > self._offset:
                    with self._path.open("rb") as file:
                        file.seek(self._offset)
                        self._take(file.read())
            except OSError:
                self._begin(0)  # there is no log yet, or none any more
            return self._latest()

    def _begin(self, file: int) -> None:
        self._file = file
        self._offset = 0
        self._step = self._total = self._best_step = 0
        self._metric = ""
        self._judged: dict[int, Judged] = {}
        self._seconds: list[float] = []
        self._points: list[tuple[float, float]] = []
        self._every = 1
        self._waiting: list[tuple[float, float]] = []

    def _take(self, data: bytes) -> None:
        whole = data.rfind(b"\n") + 1  # a line may be half written
        self._offset += whole
        for text in data[:whole].splitlines():
            try:
                line = json.loads(text)
            except ValueError:
                continue
            self._note(line)

    def _note(self, line: dict[str, Any]) -> None:
        event = line.get("event")
        if event == "begin":
            self._step, self._total = int(line["step"]), int(line["total"])
        elif event == "step":
            self._step = int(line["step"])
            self._seconds = [*self._seconds[-RECENT + 1 :], float(line["seconds"])]
            if line["loss"] is not None:
                self._add(self._step, float(line["loss"]))
        elif event == "evaluation":
            scores = dict(line["scores"])
            loss = scores.pop("loss", None)
            if loss is None:
                return
            self._metric = next(iter(scores), "")
            step = int(line["step"])
            self._judged[step] = Judged(step, float(loss), scores.get(self._metric))
            if line.get("best"):
                self._best_step = step

    def _add(self, step: int, loss: float) -> None:
        self._waiting.append((float(step), loss))
        if len(self._waiting) >= self._every:
            self._points.append(_mean(self._waiting))
            self._waiting = []
        if len(self._points) >= MOST_POINTS:
            pairs = zip(self._points[::2], self._points[1::2], strict=True)
            self._points = [_mean([first, second]) for first, second in pairs]
            self._every *= 2

    def _latest(self) -> TrainProgress:
        waiting = [_mean(self._waiting)] if self._waiting else []
        return TrainProgress(
            step=self._step,
            total=self._total,
            losses=(*self._points, *waiting),
            judged=tuple(self._judged.values()),
            metric=self._metric,
            best_step=self._best_step,
            seconds_a_step=sum(self._seconds) / len(self._seconds) if self._seconds else None,
        )


def _mean(points: list[tuple[float, float]]) -> tuple[float, float]:
    return sum(x for x, _ in points) / len(points), sum(y for _, y in points) / len(points)
