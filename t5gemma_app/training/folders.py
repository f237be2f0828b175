"""Folders that are whole or not there: written beside their place, then renamed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from t5gemma_app.errors import InputError


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """Yield a folder to write into; when the block ends well it takes the target's place.

    A failure leaves the target as it was. A process that is killed between the two renames leaves the former folder
    beside it, where `restore_folder` finds it.

    Raises:
        InputError: The folder can't be written there.
    """
    unfinished, former = _beside(target, "unfinished"), _beside(target, "former")
    restore_folder(target)
    try:
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
    except OSError as error:
        raise InputError(
            f"The folder {target} can't be written: {error.strerror}.", remedy="Choose another."
        ) from error
    try:
        yield unfinished
        for file in unfinished.iterdir():
            _settle(file)
        if target.exists():
            target.rename(former)
        unfinished.rename(target)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
        if target.exists():
            shutil.rmtree(former, ignore_errors=True)


def restore_folder(target: Path) -> None:
    """Put back what a killed process had moved aside and not replaced yet."""
    former = _beside(target, "former")
    if former.exists() and not target.exists():
        former.rename(target)


def refuse_taken(target: Path) -> None:
    """Raise where something stands already that would have to be overwritten.

    Raises:
        InputError: The target is a file, or a folder with something in it.
    """
    restore_folder(target)
    if target.is_dir() and not any(target.iterdir()):
        return
    if target.exists():
        raise InputError(
            f"{target} exists already.",
            expected="Nothing is overwritten.",
            remedy="Choose another folder, or remove it.",
        )


def _beside(target: Path, word: str) -> Path:
    return target.with_name(f"{target.name}.{word}")


def _settle(file: Path) -> None:
    """Have a file's bytes on the disk before its folder is renamed, and let others read it."""
    if not file.is_file():
        return
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    file.chmod(0o644)  # safetensors writes for its owner only; a checkpoint is no more secret than its configuration
