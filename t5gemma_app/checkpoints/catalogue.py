"""Every checkpoint that people may choose: Google's, the embedded ones, and the owner's own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain, count
from pathlib import Path

from t5gemma_app.checkpoints.folder import CONFIG, read_folder
from t5gemma_app.checkpoints.parameters import count_parameters
from t5gemma_app.checkpoints.records import Checkpoint, Family
from t5gemma_app.checkpoints.sizes import SIZES, SIZES_2
from t5gemma_app.checkpoints.trained import TrainedShelf
from t5gemma_app.errors import CheckpointError, UnknownCheckpointError, did_you_mean
from t5gemma_app.settings import Settings

PAIRS = (("s", "s"), ("b", "b"), ("l", "l"), ("ml", "ml"), ("xl", "xl"), ("2b", "2b"), ("9b", "2b"), ("9b", "9b"))
OBJECTIVES = ("prefixlm", "ul2")
STAGES = (("", "pretrained"), ("-it", "instruction-tuned"))

DEMO = Path(__file__).parent / "demo"
"""The embedded checkpoints' folder."""

_HUB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*$")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The checkpoints in the order people see them, and what could not be taken in."""

    checkpoints: tuple[Checkpoint, ...]
    problems: tuple[str, ...] = ()
    """Why a configured or embedded checkpoint is not listed; shown, never raised."""
    trained: Callable[[], tuple[Checkpoint, ...]] = field(default=tuple, compare=False)
    """Returns those that were trained in the page until now."""

    def all(self) -> tuple[Checkpoint, ...]:
        """Return every checkpoint."""
        found = self.checkpoints
        for checkpoint in self.trained():
            if all(checkpoint.location != other.location for other in found):
                found = (*found, _renamed(checkpoint, (other.name for other in found)))
        return found

    def names(self) -> tuple[str, ...]:
        """Return every checkpoint's name."""
        return tuple(checkpoint.name for checkpoint in self.all())

    def find(self, name: str) -> Checkpoint:
        """Return a listed checkpoint by its name, hub id or listed folder; safe for strangers' input.

        Raises:
            UnknownCheckpointError: Nothing listed is called so; the message suggests what is.
        """
        wanted, listed = name.strip(), self.all()
        for checkpoint in listed:
            if wanted == checkpoint.name:
                return checkpoint
        for checkpoint in listed:
            if wanted.casefold() in (checkpoint.name.casefold(), checkpoint.location.casefold()):
                return checkpoint
        short = wanted.removeprefix("google/")
        raise UnknownCheckpointError(
            f"There is no checkpoint {wanted[:200]!r}.",
            expected=did_you_mean(short, self.names()) or "`python -m t5gemma_app models list` shows all of them.",
            remedy="The owner adds others with T5GEMMA_CHECKPOINTS.",
        )

    def resolve(self, name_or_folder: str) -> Checkpoint:
        """Return a checkpoint by name, by any folder or by any hub id; for the command line, not for strangers' input.

        Raises:
            UnknownCheckpointError: There is no such checkpoint or folder.
            BrokenCheckpointError: The folder's files are wrong.
            UnsupportedCheckpointError: The folder holds something else.
        """
        try:
            return self.find(name_or_folder)
        except UnknownCheckpointError:
            folder = Path(name_or_folder).expanduser()
            is_hub_id = _HUB_ID.match(name_or_folder) is not None and not folder.parent.is_dir()
            if folder.is_dir() or ("/" in name_or_folder and not is_hub_id):
                return read_folder(folder)
            # A Google id that is not listed is a typing mistake; the suggestions help more than the Hub's 404.
            if is_hub_id and not name_or_folder.startswith("google/t5gemma"):
                return hub_checkpoint(name_or_folder)
            raise

    def default(self, settings: Settings, reachable: Callable[[Checkpoint], bool]) -> tuple[Checkpoint, str]:
        """Return the checkpoint to open with, and why.

        Args:
            settings: The owner's own choice, if there is one.
            reachable: Whether a checkpoint can be had and fits in memory.

        Raises:
            CheckpointError: The owner's choice can't be used, or nothing is listed.
        """
        if settings.checkpoint:
            return self.resolve(settings.checkpoint), "set by T5GEMMA_CHECKPOINT"
        google = {checkpoint.name: checkpoint for checkpoint in self.checkpoints if checkpoint.source == "hub"}
        for name in PREFERRED:
            if name in google and reachable(google[name]):
                return google[name], "the best of Google's chat checkpoints that is at hand and fits"
        for checkpoint in self._by_source("embedded", "local"):
            if checkpoint.chats:
                return checkpoint, "embedded; none of Google's chat checkpoints is at hand"
        listed = self.all()
        for checkpoint in listed:
            if checkpoint.head == "none" and reachable(checkpoint):
                return checkpoint, "the first that is at hand; none was taught to chat"
        if not listed:
            raise UnknownCheckpointError("There is no checkpoint at all.", remedy="Set T5GEMMA_CHECKPOINTS.")
        return listed[0], "the first listed; none is at hand"

    def _by_source(self, *sources: str) -> Iterator[Checkpoint]:
        for source in sources:
            yield from (checkpoint for checkpoint in self.all() if checkpoint.source == source)


PREFERRED = (
    "t5gemma-2b-2b-prefixlm-it",
    "t5gemma-ml-ml-prefixlm-it",
    "t5gemma-l-l-prefixlm-it",
    "t5gemma-b-b-prefixlm-it",
    "t5gemma-s-s-prefixlm-it",
)
"""Chat checkpoints to open with, best first; larger ones take tens of gigabytes to fetch and are not opened unasked."""


def build_catalogue(settings: Settings, demo: Path = DEMO, trained: Path | None = None) -> Catalogue:
    """List Google's checkpoints, the embedded ones and the owner's; a few milliseconds, no network.

    Args:
        settings: `checkpoints` and `checkpoint` may name further folders and hub ids.
        demo: The embedded checkpoints' folder.
        trained: The folder of runs whose checkpoints are listed too, as soon as they are finished.
    """
    catalogue = Catalogue(google_checkpoints(), trained=TrainedShelf(trained) if trained else tuple)
    for folder in sorted(path.parent for path in demo.glob(f"*/{CONFIG}")):
        catalogue = _with(catalogue, folder.name, partial(read_folder, folder, source="embedded"))
    for wish in dict.fromkeys((*settings.checkpoints, *filter(None, [settings.checkpoint]))):
        catalogue = _with(catalogue, wish, partial(catalogue.resolve, wish))
    return catalogue


def _with(catalogue: Catalogue, label: str, read: Callable[[], Checkpoint]) -> Catalogue:
    """Return the catalogue with one more checkpoint, or with the reason why it is not there."""
    try:
        checkpoint = read()
    except CheckpointError as error:
        return replace(catalogue, problems=(*catalogue.problems, f"{label}: {error}"))
    if any(checkpoint.location == other.location for other in catalogue.checkpoints):
        return catalogue
    return replace(catalogue, checkpoints=(*catalogue.checkpoints, _renamed(checkpoint, catalogue.names())))


def google_checkpoints() -> tuple[Checkpoint, ...]:
    """Return Google's 32 T5Gemma and three T5Gemma 2 checkpoints."""
    first = [
        _google(f"t5gemma-{encoder}-{decoder}-{objective}{suffix}", encoder, decoder, objective, stage)
        for encoder, decoder in PAIRS
        for objective in OBJECTIVES
        for suffix, stage in STAGES
    ]
    return (*first, *(_google(f"t5gemma-2-{size}-{size}", size, size, "ul2", "pretrained") for size in SIZES_2))


def _google(name: str, encoder_size: str, decoder_size: str, objective: str, stage: str) -> Checkpoint:
    family: Family = "t5gemma2" if encoder_size in SIZES_2 else "t5gemma"
    sizes = SIZES_2 if family == "t5gemma2" else SIZES
    encoder, decoder = sizes[encoder_size], sizes[decoder_size]
    return Checkpoint(
        name=name,
        source="hub",
        location=f"google/{name}",
        family=family,
        encoder=encoder,
        decoder=decoder,
        encoder_size=encoder_size,
        decoder_size=decoder_size,
        objective=objective,
        stage=stage,
        licence="gemma",
        gated=True,
        parameters=count_parameters(encoder, decoder, family),
    )


def hub_checkpoint(location: str) -> Checkpoint:
    """Return a checkpoint of anybody on the Hub; its shape is not known until its configuration is fetched."""
    return Checkpoint(name=location, source="hub", location=location)


def _renamed(checkpoint: Checkpoint, taken: Iterable[str]) -> Checkpoint:
    """Return the checkpoint under a name that is not taken: its own, with its parent folder, or numbered."""
    taken = set(taken)
    if checkpoint.name not in taken:
        return checkpoint
    parent = Path(checkpoint.location).resolve().parent.name
    candidates = chain([f"{parent}/{checkpoint.name}"], (f"{checkpoint.name} ({number})" for number in count(2)))
    return replace(checkpoint, name=next(name for name in candidates if name not in taken))
