"""The workbench's exception tree; every message says what happened, what was expected, and what to do.

WorkbenchError
├── SettingsError            a T5GEMMA_* variable or a launch condition is wrong
│   ├── PortTakenError
│   └── DataFolderError
├── InputError               a person's text, file or parameter is wrong
│   ├── ConversationError    an imported conversation can't be read
│   ├── TooLongError         more text than the checkpoint or the server takes
│   └── UnknownRunError      no run has this id
├── CheckpointError          a checkpoint can't be used
│   ├── UnknownCheckpointError
│   ├── AccessError          the Hub refused, or can't be reached; carries the access state
│   ├── BrokenCheckpointError
│   ├── UnsupportedCheckpointError
│   └── TooBigError
├── PlacementError           no device, dtype or attention satisfies an explicit wish
├── EngineError              the engine could not finish
│   ├── BusyError            too many requests; carries when to try again
│   ├── OutOfMemoryError
│   └── StoppedError         the engine was shut down under a request
├── StoreError               the file of runs and results can't be read or written
│   ├── StoreFullError       the disk is full
│   └── StoreLockedError     another process holds it
├── RunTakenError            another process works on this run
├── RunFailedError           a run ended before its last sample
└── TrainingError            a training run can't go on
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class WorkbenchError(Exception):
    """Base of every failure that a person should read; catch it at the edge (UI, CLI) and show `str(error)`.

    Args:
        what: What happened, with the offending value.
        expected: What would have been right; may be empty.
        remedy: What to do now; may be empty.
    """

    def __init__(self, what: str, *, expected: str = "", remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.expected = expected
        self.remedy = remedy

    def __str__(self) -> str:
        return " ".join(part for part in (self.what, self.expected, self.remedy) if part)


class SettingsError(WorkbenchError):
    """A setting or a condition of the launch is wrong."""


class PortTakenError(SettingsError):
    """Another program already listens on the port."""


class DataFolderError(SettingsError):
    """The data folder can't be written."""


class InputError(WorkbenchError):
    """Something a person typed, uploaded or passed is wrong."""


class ConversationError(InputError):
    """A file is not a conversation that the app exported."""


class TooLongError(InputError):
    """A text is longer than the checkpoint reads or the server takes."""


class UnknownRunError(InputError):
    """No run has this id, or several begin with it."""


class CheckpointError(WorkbenchError):
    """A checkpoint can't be used."""


class UnknownCheckpointError(CheckpointError):
    """No checkpoint has this name."""


class AccessError(CheckpointError):
    """The Hub refused a checkpoint or could not be reached.

    Args:
        state: The access state, a value of `checkpoints.access.AccessState`.
    """

    def __init__(self, what: str, *, state: str = "unchecked", expected: str = "", remedy: str = "") -> None:
        super().__init__(what, expected=expected, remedy=remedy)
        self.state = state


class BrokenCheckpointError(CheckpointError):
    """A checkpoint's files are missing, damaged or do not belong together."""


class UnsupportedCheckpointError(CheckpointError):
    """A checkpoint is sound but not a T5Gemma that the app can run safely."""


class TooBigError(CheckpointError):
    """A checkpoint needs more memory than there is."""


class PlacementError(WorkbenchError):
    """An explicit wish for a device, dtype or attention can't be met."""


class EngineError(WorkbenchError):
    """The engine could not finish a request."""


class BusyError(EngineError):
    """Too many requests are waiting, or what is asked for is in use.

    Args:
        retry_seconds: When it is worth to try again; None where nobody can tell.
    """

    def __init__(self, what: str, *, expected: str = "", remedy: str = "", retry_seconds: float | None = None) -> None:
        super().__init__(what, expected=expected, remedy=remedy)
        self.retry_seconds = retry_seconds


class OutOfMemoryError(EngineError):
    """The device ran out of memory during a request."""


class StoppedError(EngineError):
    """The engine was shut down while the request waited or ran."""


class StoreError(WorkbenchError):
    """The file of runs and results can't be read or written; samples written earlier are intact."""


class StoreFullError(StoreError):
    """The disk has no room for another sample."""


class StoreLockedError(StoreError):
    """Another process holds the file for longer than one waits."""


class RunTakenError(WorkbenchError):
    """Another process works on this run."""


class RunFailedError(WorkbenchError):
    """A run ended before its last sample; the samples it has are kept."""


class TrainingError(WorkbenchError):
    """A training run can't go on; what it saved before is kept."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a sentence that suggests the closest known words, or an empty string."""
    close = difflib.get_close_matches(word, list(known), n=2, cutoff=0.6)
    return f"Did you mean {' or '.join(close)}?" if close else ""
