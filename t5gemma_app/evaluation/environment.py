"""What a run is computed with: packages, commit, command line, device. Looked up once, when a run begins."""

from __future__ import annotations

import shlex
import sys
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from t5gemma_app.checkpoints.placement import Placement
from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.engine.types import EngineStatus
from t5gemma_app.evaluation.records import Environment, RunOrder

PACKAGES = ("t5gemma-workbench", "torch", "transformers", "tokenizers", "numpy", "datasets", "accelerate")
ROOT = Path(__file__).resolve().parents[2]


def describe(
    checkpoint: Checkpoint,
    placement: Placement,
    status: EngineStatus,
    order: RunOrder,
    *,
    loading_seconds: float = 0.0,
    processes: int = 1,
) -> Environment:
    """Return what a run is computed with.

    Args:
        checkpoint: What answers.
        placement: Where it runs, with reasons.
        status: What the engine holds.
        order: How the run was asked for.
        loading_seconds: How long loading took.
        processes: How many processes share the run.
    """
    devices = status.facts.devices if status.facts else ()
    hardware = next((device.label for device in devices if device.name == placement.device), "")
    counts = asdict(checkpoint.parameters) | {"total": checkpoint.parameters.total} if checkpoint.parameters else {}
    return Environment(
        packages={"python": sys.version.split()[0], **_versions()},
        commit=git_commit(ROOT),
        command=command_line(order),
        device=placement.device,
        hardware=hardware,
        reasons=tuple(f"{reason.subject}: {reason.choice}, {reason.because}" for reason in placement.reasons),
        parameters=counts,
        encoder_size=checkpoint.encoder_size,
        decoder_size=checkpoint.decoder_size,
        objective=checkpoint.objective,
        stage=checkpoint.stage,
        peak_bytes=peak_bytes(),
        loading_seconds=loading_seconds,
        batch_tokens=order.batch_tokens,
        processes=processes,
    )


def command_line(order: RunOrder) -> str:
    """Return the command that computes a run again; folders are named without where they lie on this machine."""
    words = ["python", "-m", "t5gemma_app", "evaluate"]
    words += ["--checkpoint", _portable(order.checkpoint), "--suite", _portable(order.suite)]
    for flag, value in (
        ("--data-dir", _portable(order.data_dir)),
        ("--limit", order.limit),
        ("--formatter", order.formatter),
        ("--batch-tokens", order.batch_tokens),
    ):
        if value not in ("", None):
            words += [flag, str(value)]
    if order.tasks:
        words += ["--tasks", *order.tasks]
    if order.splits:
        words += ["--split-note", *(f"{name}={note}" for name, note in order.splits)]
    return shlex.join(words)


def _portable(place: str) -> str:
    """Return a path as seen from the working directory where it lies below, else its last part; names stay."""
    path = Path(place)
    if not place or not path.is_absolute():
        return place
    here = Path.cwd()
    return path.relative_to(here).as_posix() if path.is_relative_to(here) else path.name


def git_commit(root: Path) -> str:
    """Return the commit of a checkout without running git, or an empty text where there is none."""
    git = root / ".git"
    try:
        head = (git / "HEAD").read_text("utf-8").strip()
        if not head.startswith("ref: "):
            return head
        reference = head.removeprefix("ref: ")
        loose = git / reference
        if loose.is_file():
            return loose.read_text("utf-8").strip()
        packed = (git / "packed-refs").read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return ""
    return next((line.split()[0] for line in packed if line.endswith(" " + reference)), "")


def peak_bytes() -> int:
    """Return the largest main memory that this process has had, or 0 where the system does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return 0
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest if sys.platform == "darwin" else largest * 1024


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
