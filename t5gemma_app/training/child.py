"""A job's run as a process of its own, which may die without taking anything with it, and leaves the CPU to others."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import BinaryIO

from t5gemma_app.errors import RunTakenError, StoreError
from t5gemma_app.training.data.reading import SUPERGLUE, DataOrder
from t5gemma_app.training.data.rows import Columns
from t5gemma_app.training.jobs import LOCK, SAID, TrainJob

NICE = 10
"""How far the process stands back behind others of this machine."""
END_SECONDS, KILL_SECONDS = 20.0, 5.0
"""How long a process may take to save its state, and then to die."""
_TAIL = 20_000
_ERROR = "Error: "
_START = (
    "import runpy, sys; sys.path.insert(0, sys.argv.pop(1)); "
    "runpy.run_module('t5gemma_app', run_name='__main__', alter_sys=True)"
)
"""`python -m t5gemma_app`, wherever the app was started from."""
_PLAN = (
    "epochs", "steps", "batch_rows", "longest", "rate", "warm_up", "weight_decay", "clip", "dropout", "word_dropout",
    "smoothing", "evaluate_every", "patience", "seed", "schedule",
)  # fmt: skip
"""Parts of a plan that the page can change; the others keep the command's own values."""


def command_words(job: TrainJob, data: DataOrder, checkpoint: str) -> list[str]:
    """Return the command that trains a job; each flag is one word with its value, whatever the value begins with.

    Args:
        job: The job.
        data: Its rows.
        checkpoint: A folder or a hub id.
    """
    flags: dict[str, object] = {"task": data.task, "checkpoint": checkpoint, "output": job.output}
    if data.task.startswith(SUPERGLUE):
        flags["data-dir"] = data.data_dir
    else:
        flags |= {"train": data.train[0], "eval": data.evaluation[0] if data.evaluation else None}
        flags["eval-share"] = data.share
        usual = Columns()
        for column in fields(Columns):
            value = getattr(data.columns, column.name)
            if value != getattr(usual, column.name):
                flags[f"{column.name}-column"] = value
    flags |= {"limit": data.limit, "licence": job.order.licence}
    flags |= {name.replace("_", "-"): getattr(job.order.plan, name) for name in _PLAN}
    words = [f"--{name}={value}" for name, value in flags.items() if value is not None]
    return ["train", "finetune", *words, "--until-eof", *(["--cpu"] if job.order.cpu else [])]


class Child:
    """A running process.

    Args:
        job: What it trains; what it says is kept in the job's folder.
        words: Its command.
        lock: The file that says that somebody works on the job; held by the process too, until both are gone.
    """

    def __init__(self, job: TrainJob, words: list[str], lock: BinaryIO) -> None:
        root = Path(__file__).resolve().parents[2]
        with (job.home / SAID).open("ab") as said:
            self._process = subprocess.Popen(  # noqa: S603 - words of our own, and no shell reads them
                [sys.executable, "-c", _START, str(root), *words],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=said,
                pass_fds=(lock.fileno(),),
                start_new_session=True,  # Ctrl-C is for the server, which lets the process save its state
            )
        with contextlib.suppress(OSError):  # it is over already
            os.setpriority(os.PRIO_PROCESS, self._process.pid, NICE)

    def wait(self, seconds: float) -> int | None:
        """Return the exit code, or None where the process still runs after so many seconds."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def end(self) -> None:
        """Have the process save its state and end; one that takes too long is killed, and its last state stays."""
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        for seconds, then in ((END_SECONDS, self._process.terminate), (KILL_SECONDS, self._process.kill)):
            if self.wait(seconds) is not None:
                return
            then()
        self._process.wait()


@contextmanager
def locked(job: TrainJob) -> Iterator[BinaryIO]:
    """Hold a job's lock.

    Raises:
        RunTakenError: Another process works on the job, such as one that an earlier server left behind.
        StoreError: The job's folder can't be written.
    """
    import fcntl

    try:
        file = (job.home / LOCK).open("ab")
    except OSError as error:
        raise StoreError(f"The run {job.name} can't be kept: {error.strerror}.") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise RunTakenError(f"Another process works on the run {job.name}.") from error
        yield file


def failure_of(job: TrainJob, code: int) -> str:
    """Return why a process ended so: its own words, or what its exit code means."""
    said = next((line for line in reversed(_last_lines(job.home / SAID)) if line.startswith(_ERROR)), "")
    if code < 0:
        return (
            f"The run was ended from outside, by signal {-code}. Most often that is a lack of memory: take smaller "
            "batches or a smaller checkpoint. It can go on from its last saved state."
        )
    if not said or code not in (1, 2):
        return f"The run ended with code {code}. The file {SAID} in its folder says more."
    return said.removeprefix(_ERROR)


def _last_lines(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL))
            return file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return []
