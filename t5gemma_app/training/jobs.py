"""Training runs that the page ordered, each in a folder of its own with rows, order, log, state and checkpoint.

A job survives a closed page, a restart and a kill: its state is a small file that is replaced as a whole, and the run's
own folder knows how to go on.
"""

from __future__ import annotations

import json
import logging
import os
import re
import secrets
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from t5gemma_app.checkpoints.trained import trained_folder
from t5gemma_app.errors import InputError, StoreError, UnknownRunError
from t5gemma_app.training.data.rows import Columns
from t5gemma_app.training.data.tables import HUB
from t5gemma_app.training.plan import Plan

logger = logging.getLogger(__name__)

FILE, SAID, LOCK = "job.json", "said.txt", "lock"
ROWS, EVALUATION_ROWS = "rows", "evaluation-rows"
"""Folders of the copies of uploaded files."""
ENDINGS = (".jsonl", ".csv", ".tsv")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}")
MOST_TEXT = 500
"""Characters of a column's name, a licence or the like."""


class TrainState(StrEnum):
    """Where a job is."""

    QUEUED = "queued"
    RUNNING = "running"
    CANCELLED = "cancelled"
    FAILED = "failed"
    DONE = "done"

    @property
    def open(self) -> bool:
        """Whether it goes on by itself."""
        return self in (TrainState.QUEUED, TrainState.RUNNING)


@dataclass(frozen=True, slots=True)
class TrainOrder:
    """What somebody wants to be trained."""

    name: str
    """What the checkpoint shall be called; also the name of the job's folder."""
    checkpoint: str
    """The name of the one to begin with."""
    task: str
    """As in `DataOrder`."""
    rows: str = ""
    """`hub:` and a table, or a set's name; empty where files were uploaded, and for SuperGLUE."""
    evaluation_rows: str = ""
    columns: Columns = Columns()
    plan: Plan = Plan()
    share: float = 0.1
    limit: int | None = None
    licence: str = "not stated"
    cpu: bool = False

    def checked(self) -> TrainOrder:
        """Return self where every value can be used; whether rows and checkpoint fit is not looked at.

        Raises:
            InputError: One can't.
        """
        check_name(self.name)
        self.plan.checked()
        if self.limit is not None and self.limit < 1:
            raise InputError(f"The number of rows is {self.limit}.", expected="It is above 0.")
        if not 0 < self.share < 1:
            raise InputError(f"The share to hold out is {self.share}.", expected="It lies between 0 and 1.")
        for word in (self.licence, self.rows, self.evaluation_rows, *asdict(self.columns).values()):
            _check_word(word)
        return self


@dataclass(frozen=True, slots=True)
class DataFacts:
    """What the rows are like, found before anything was started."""

    rows: int
    evaluation_rows: int
    held_out: bool
    """Whether the rows to evaluate on were taken out of the others."""
    repeated: int
    """Evaluation rows that also stand in the training rows."""
    labels: tuple[tuple[str, int], ...] = ()
    """The commonest labels of the training rows."""
    label_count: int = 0
    baseline: float | None = None
    """Share of evaluation labels that are the commonest training label."""
    longest: int = 0
    """Characters of the longest row."""


@dataclass(frozen=True, slots=True)
class TrainJob:
    """An order with what became of it."""

    order: TrainOrder
    home: Path
    facts: DataFacts
    created: float
    shown: str
    """What people call the rows."""
    state: TrainState = TrainState.QUEUED
    failure: str = ""
    """Why it failed, and what to do."""

    @property
    def name(self) -> str:
        """What it is called; no two jobs share a name."""
        return self.order.name

    @property
    def output(self) -> Path:
        """Where its checkpoint is written."""
        return trained_folder(self.home)

    @property
    def run(self) -> Path:
        """The folder of log and state."""
        return self.output.with_name(f"{self.output.name}.run")


class JobFolder:
    """The jobs in a folder.

    Args:
        folder: Where they are kept.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, job: TrainJob, files: Sequence[tuple[str, Path, str]]) -> None:
        """Keep a job with copies of its files.

        Args:
            job: The job; its home is in this folder and not there yet.
            files: Folder, place and name of each file.

        Raises:
            InputError: There is a job of this name.
            StoreError: It can't be kept.
        """
        try:
            job.home.mkdir(parents=True)
        except FileExistsError as error:
            raise InputError(f"There is a run called {job.name} already.", remedy="Choose another name.") from error
        except OSError as error:
            raise _not_kept(error) from error
        try:
            for folder, path, name in files:
                (job.home / folder).mkdir()
                shutil.copyfile(path, job.home / folder / kept_name(name))
            self.save(job)
        except OSError as error:
            shutil.rmtree(job.home, ignore_errors=True)
            raise _not_kept(error) from error
        except StoreError:
            shutil.rmtree(job.home, ignore_errors=True)
            raise

    def get(self, name: str) -> TrainJob:
        """Return a job.

        Raises:
            UnknownRunError: There is none of this name.
        """
        job = _read(self.folder / name / FILE) if _NAME.fullmatch(name) else None
        if job is None:
            raise UnknownRunError("This run is not here any more.")
        return job

    def all(self) -> list[TrainJob]:
        """Return all jobs, oldest first; a folder that can't be read is left out."""
        if not self.folder.is_dir():
            return []
        found = [_read(path) for path in self.folder.glob(f"*/{FILE}")]
        return sorted((job for job in found if job is not None), key=lambda job: job.created)

    def save(self, job: TrainJob) -> None:
        """Replace what is kept of a job.

        Raises:
            StoreError: It can't be written.
        """
        path = job.home / FILE
        value = asdict(job)
        del value["home"]  # the data folder may be moved
        partial = path.with_suffix(f".{secrets.token_hex(4)}.part")
        try:
            with partial.open("w", encoding="utf-8") as stream:
                json.dump(value, stream)
                stream.flush()
                os.fsync(stream.fileno())
            partial.replace(path)
        except OSError as error:
            raise _not_kept(error) from error

    def remove(self, name: str) -> None:
        """Delete a job with its rows, its run and its checkpoint."""
        home = self.get(name).home
        (home / FILE).unlink(missing_ok=True)  # first, so that what is half deleted is no job
        shutil.rmtree(home, ignore_errors=True)


def check_name(name: str) -> str:
    """Return a name that may become a folder's.

    Raises:
        InputError: It may not.
    """
    if not name:
        raise InputError("The new checkpoint has no name.", remedy="Give it one.")
    if not _NAME.fullmatch(name):
        raise InputError(
            f"The name is {name[:80]!r}.",
            expected="It has up to 60 letters from A to Z, digits, hyphens and underscores, a letter or digit first.",
        )
    return name


def free_name(wish: str, taken: Iterable[str]) -> str:
    """Return a name that nobody has yet, as near to the wish as can be."""
    used = {name.casefold() for name in taken}
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", wish).strip("-_")[:50] or "trained"
    number, name = 1, stem
    while name.casefold() in used:
        number += 1
        name = f"{stem}-{number}"
    return name


def kept_name(name: str) -> str:
    """Return what an uploaded file is called among a job's: its own name, as far as that is harmless.

    Raises:
        InputError: It is no file of rows.
    """
    ending = Path(name).suffix.lower()
    if ending not in ENDINGS:
        raise InputError(f"{name[-80:]} is no file of rows.", expected=f"It ends in {', '.join(ENDINGS)}.")
    return (re.sub(r"[^A-Za-z0-9_-]+", "-", Path(name).stem).strip("-")[:60] or "rows") + ending


def kept_file(job: TrainJob, folder: str) -> Path | None:
    """Return the copy of an uploaded file in one of a job's folders, or None."""
    found = sorted((job.home / folder).glob("*")) if (job.home / folder).is_dir() else []
    return found[0] if found else None


def is_hub(rows: str) -> bool:
    """Return whether rows are a table of the Hub."""
    return rows.startswith(HUB)


def _check_word(word: object) -> None:
    """Refuse a text that can't be handed to another process, or is far too long."""
    if not isinstance(word, str):
        return
    if len(word) > MOST_TEXT:
        raise InputError(f"{word[:60]!r} … has {len(word):,} characters.", expected=f"At most {MOST_TEXT}.")
    if "\0" in word or any("\ud800" <= letter <= "\udfff" for letter in word):
        raise InputError(f"{word[:80]!r} has characters that no text has.")


def _not_kept(error: OSError) -> StoreError:
    return StoreError(f"The run can't be kept: {error.strerror}.", remedy="Make room on the disk.")


def _read(path: Path) -> TrainJob | None:
    try:
        value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        order, facts = value["order"], value["facts"]
        plan, columns = Plan(**order["plan"]), Columns(**order["columns"])
        labels = tuple((str(label), int(count)) for label, count in facts["labels"])
        job = TrainJob(
            **value
            | {
                "order": TrainOrder(**order | {"plan": plan, "columns": columns}),
                "facts": DataFacts(**facts | {"labels": labels}),
                "home": path.parent,
                "state": TrainState(value["state"]),
            }
        )
        return job if job.name == path.parent.name else replace(job, order=replace(job.order, name=path.parent.name))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        logger.warning("%s can't be read: %s", path, error)
        return None
