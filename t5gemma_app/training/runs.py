"""A run's folder: what was asked, the log of every step, the state of an unfinished run, its best and last weights."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from t5gemma_app.errors import InputError

ORDER, LOG, DONE, BEST, LAST = "order.json", "log.jsonl", "done.json", "best", "last"


class RunFolder:
    """The folder of one run; only the first of several processes writes to it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.best = path / BEST
        self.last = path / LAST

    def claimed(self) -> dict[str, Any] | None:
        """Return what the run in this folder was asked for, or None where there is none."""
        return _read(self.path / ORDER)

    def claim(self, order: Mapping[str, Any]) -> None:
        """Begin a run here, or make sure that the one that is here was asked for the same.

        Raises:
            InputError: Another run is here; the message names what differs.
        """
        found = self.claimed()
        wanted = json.loads(json.dumps(order))
        if found is None:
            try:
                self.path.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise InputError(f"The folder {self.path} can't be written: {error.strerror}.") from error
            _write(self.path / ORDER, wanted)
            return
        different = [name for name in {**found, **wanted} if _differs(name, found, wanted)]
        if different:
            name = different[0]
            raise InputError(
                f"{self.path} holds another run: its {name} is {_short(found.get(name))}, "
                f"not {_short(wanted.get(name))}.",
                expected="A run goes on with exactly what it was begun with.",
                remedy="Choose another --output, or delete the run's folder.",
            )

    def done(self) -> dict[str, Any] | None:
        """Return what a finished run found, or None while it is not finished."""
        return _read(self.path / DONE)

    def finish(self, result: Mapping[str, Any]) -> None:
        """Keep what the run found, and drop what only an unfinished one needs."""
        _write(self.path / DONE, result)
        (self.path / "state.pt").unlink(missing_ok=True)

    def log(self, event: str, **values: Any) -> None:
        """Add a line to the log."""
        line = json.dumps({"event": event, **{name: _finite(value) for name, value in values.items()}})
        with (self.path / LOG).open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    def rewind(self, step: int) -> None:
        """Drop the log's lines beyond a step, which a resumed run writes again, and a last line that was cut short."""
        path = self.path / LOG
        if not path.is_file():
            return
        kept = []
        for text in path.read_text(encoding="utf-8").splitlines():
            try:
                line = json.loads(text)
            except ValueError:
                continue
            if line.get("step", 0) <= step:
                kept.append(text)
        unfinished = path.with_name(f"{LOG}.unfinished")
        unfinished.write_text("".join(f"{text}\n" for text in kept), encoding="utf-8")
        unfinished.replace(path)


def _read(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path} can't be read: {error}.", remedy="Delete the run's folder and begin again."
        ) from error
    return dict(value)


def _write(path: Path, values: Mapping[str, Any]) -> None:
    unfinished = path.with_name(f"{path.name}.unfinished")
    with unfinished.open("w", encoding="utf-8") as file:
        json.dump(values, file, indent=1)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def _finite(value: Any) -> Any:
    """Return null for a number that JSON has no word for."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _differs(name: str, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    # A run of an earlier version knows nothing of a choice that came later; one that is off now was off then.
    return bool(wanted[name]) if name not in found else found[name] != wanted.get(name)


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
