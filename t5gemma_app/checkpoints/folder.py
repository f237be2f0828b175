"""A checkpoint in a folder, read into a record and checked, without loading a weight."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from t5gemma_app.checkpoints.card import read_card
from t5gemma_app.checkpoints.configuration import Configuration, read_configuration
from t5gemma_app.checkpoints.records import HEAD_WEIGHTS, Checkpoint, Source
from t5gemma_app.checkpoints.sizes import size_name
from t5gemma_app.checkpoints.tensors import check_tensors
from t5gemma_app.checkpoints.weights import Tensor, read_json, read_tensors, stored_dtype
from t5gemma_app.errors import BrokenCheckpointError, UnknownCheckpointError, UnsupportedCheckpointError, did_you_mean

CONFIG = "config.json"
_CACHE = re.compile(r"models--(?P<owner>[^/]+?)--(?P<name>[^/]+)/snapshots/[0-9a-f]{40}$")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_GOOGLE = re.compile(r"(?:^|[-/])(?P<objective>prefixlm|ul2)(?P<tuned>-it)?$")


def read_folder(path: Path | str, name: str | None = None, source: Source = "local") -> Checkpoint:
    """Read a checkpoint's folder: its configuration, the headers of its weights, and its card.

    Args:
        path: The folder.
        name: What to call the checkpoint; the folder's own name when left out.
        source: Where the folder comes from.

    Raises:
        UnknownCheckpointError: There is no such folder.
        BrokenCheckpointError: A file is missing, damaged or wrong.
        UnsupportedCheckpointError: It is another architecture, a pickle, or brings its own code.
    """
    folder = Path(path).expanduser()
    configuration = read_config(folder)
    tensors = read_tensors(folder)
    checkpoint = Checkpoint(name=name or folder_name(folder), source=source, location=str(folder))
    return described(_with_weights(checkpoint, configuration, tensors), configuration, folder)


def read_config(folder: Path) -> Configuration:
    """Read a folder's configuration; no weights need to be there.

    Raises:
        UnknownCheckpointError: There is no such folder.
        BrokenCheckpointError: The configuration is missing or wrong.
        UnsupportedCheckpointError: It is another architecture, or brings its own code.
    """
    if not folder.is_dir():
        siblings = [other.name for other in folder.parent.iterdir()] if folder.parent.is_dir() else []
        raise UnknownCheckpointError(f"There is no folder {folder}.", remedy=did_you_mean(folder.name, siblings))
    if not (folder / CONFIG).is_file():
        raise BrokenCheckpointError(
            f"{folder} holds no {CONFIG}.", expected="A checkpoint's folder is what save_pretrained writes."
        )
    configuration = read_configuration(read_json(folder / CONFIG))
    tokenizer = folder / "tokenizer_config.json"
    if tokenizer.is_file() and read_json(tokenizer).get("auto_map"):
        raise UnsupportedCheckpointError(
            f"{tokenizer} asks for the checkpoint's own Python code (auto_map).",
            expected="Code that comes with a checkpoint is never run.",
        )
    return configuration


def described(checkpoint: Checkpoint, configuration: Configuration, folder: Path) -> Checkpoint:
    """Return a checkpoint with what its folder says of it; what the catalogue knows already stays."""
    card = read_card(folder)
    guess = _GOOGLE.search(checkpoint.name)
    objective, stage = checkpoint.objective, checkpoint.stage
    if objective == "unknown":
        objective = card.objective or (guess["objective"] if guess else "unknown")
    if stage == "unknown":
        stage = card.stage or _stage(configuration, folder)
    if configuration.decoder is None:
        decoder_size = "none"
    else:
        decoder_size = size_name(configuration.decoder, configuration.family)
    return replace(
        checkpoint,
        family=configuration.family,
        encoder=configuration.encoder,
        decoder=configuration.decoder,
        encoder_size=size_name(configuration.encoder, configuration.family),
        decoder_size=decoder_size,
        objective=objective,
        stage=stage,
        head=configuration.head,
        labels=configuration.labels,
        labels_named=configuration.labels_named,
        problem=configuration.problem,
        licence=card.licence or checkpoint.licence,
        parameters=configuration.parameters,
        tied_head=configuration.tied_head,
        description=card.description,
        skills=card.skills,
        examples=card.examples,
        base=card.training.base if card.training else "",
        task=card.training.task if card.training else "",
        longest=card.training.longest if card.training else 0,
    )


def read_snapshot(checkpoint: Checkpoint, path: Path) -> Checkpoint:
    """Return a hub checkpoint with what its downloaded files say: shapes, number format and revision.

    Raises:
        BrokenCheckpointError: A file is missing, damaged or wrong.
        UnsupportedCheckpointError: It is another architecture, a pickle, or brings its own code.
    """
    revision = path.name if _COMMIT.fullmatch(path.name) else checkpoint.revision
    configuration, tensors = read_config(path), read_tensors(path)
    return described(_with_weights(replace(checkpoint, revision=revision), configuration, tensors), configuration, path)


def _with_weights(checkpoint: Checkpoint, configuration: Configuration, tensors: Mapping[str, Tensor]) -> Checkpoint:
    """Return a checkpoint with what the headers of its weights say: number format, and whether a head is there."""
    has_head = any(name.startswith(HEAD_WEIGHTS) for name in tensors)
    return replace(
        checkpoint,
        dtype=stored_dtype(tensors),
        random_head=configuration.head in ("sequence", "token") and not has_head,
    )


def check_files(path: Path | str) -> None:
    """Check that a folder's weights are whole and belong to its configuration, before they are loaded.

    Whether the numbers themselves make sense is not checked.

    Raises:
        UnknownCheckpointError: There is no such folder.
        BrokenCheckpointError: A file is missing, damaged, or does not fit config.json.
        UnsupportedCheckpointError: It is another architecture, a pickle, or brings its own code.
    """
    folder = Path(path).expanduser()
    configuration = read_config(folder)
    tensors = read_tensors(folder)
    stored_dtype(tensors)
    check_tensors(configuration, tensors)


def folder_name(folder: Path) -> str:
    """Return what to call a checkpoint by its folder; a snapshot in the Hub's cache is called as on the Hub."""
    cached = _CACHE.search(folder.as_posix())
    return cached["name"] if cached else folder.resolve().name


def _stage(configuration: Configuration, folder: Path) -> str:
    """Guess how far the training went: only what was taught to chat brings a chat template."""
    if configuration.head != "none":
        return "unknown"
    if (folder / "chat_template.jinja").is_file():
        return "instruction-tuned"
    tokenizer = folder / "tokenizer_config.json"
    tuned = tokenizer.is_file() and bool(read_json(tokenizer).get("chat_template"))
    return "instruction-tuned" if tuned else "pretrained"
