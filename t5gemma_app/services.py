"""The one place where the parts are put together."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from t5gemma_app.checkpoints.access import AccessBoard
from t5gemma_app.checkpoints.catalogue import Catalogue, build_catalogue
from t5gemma_app.checkpoints.folder import read_folder
from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.checkpoints.trained import FOLDER as TRAINING
from t5gemma_app.engine.local import LocalEngine
from t5gemma_app.engine.types import Engine, KernelReport
from t5gemma_app.errors import AccessError, EngineError, InputError
from t5gemma_app.settings import DataFolder, Settings, choose_data_folder
from t5gemma_app.tasks.chat import Chat
from t5gemma_app.tasks.classification import Classification
from t5gemma_app.tasks.classify_rows import TASK as CLASSIFY
from t5gemma_app.tasks.classify_rows import classify_rows
from t5gemma_app.tasks.embedding import Embedder
from t5gemma_app.tasks.extraction import Extractor
from t5gemma_app.tasks.files.desk import FileDesk
from t5gemma_app.tasks.files.jobs import FileOrder
from t5gemma_app.tasks.files.work import RowWork
from t5gemma_app.tasks.looking import Looker
from t5gemma_app.tasks.tag_rows import TASK as TAG
from t5gemma_app.tasks.tag_rows import tag_rows
from t5gemma_app.tasks.tagging import Tagger

if TYPE_CHECKING:
    # Imported by whoever evaluates: with numpy it would double the time in which a list of checkpoints is printed.
    from t5gemma_app.evaluation.evaluator import Evaluator
    from t5gemma_app.evaluation.planner import Planner
    from t5gemma_app.evaluation.store import Store
    from t5gemma_app.training.desk import TrainDesk


Part = TypeVar("Part")

SHIPPED_RUNS = Path(__file__).parent / "evaluation" / "shipped"
"""The runs that come with the app; the folder may be missing."""
FILES = "files"
"""Folder of the data folder in which uploaded files and their results are kept."""
FILES_OF_ONE = 2
"""Files that one visitor of a public server may have waiting or running."""


class Once(Generic[Part]):
    """A part that is made when it is first asked for, whoever asks."""

    def __init__(self) -> None:
        self._part: Part | None = None
        self._lock = threading.Lock()

    def get(self, make: Callable[[], Part]) -> Part:
        """Return the part, made now if it was not made before."""
        with self._lock:
            if self._part is None:
                self._part = make()
            return self._part

    def made(self) -> Part | None:
        """Return the part where somebody asked for it already."""
        with self._lock:
            return self._part


@dataclass(frozen=True, slots=True)
class Services:
    """Everything a surface (browser, command line, Python) works with."""

    settings: Settings
    data_folder: DataFolder
    catalogue: Catalogue
    access: AccessBoard
    engine: Engine
    chat: Chat
    shipped_runs: Path = SHIPPED_RUNS
    """Where the runs lie that every new data folder begins with."""
    _evaluator: Once[Evaluator] = field(default_factory=Once, init=False, repr=False, compare=False)
    _files: Once[FileDesk] = field(default_factory=Once, init=False, repr=False, compare=False)
    _training: Once[TrainDesk] = field(default_factory=Once, init=False, repr=False, compare=False)

    @property
    def tagger(self) -> Tagger:
        """What tags words with a head, within the server's limits."""
        return Tagger(self.engine, self.settings.max_text)

    @property
    def extractor(self) -> Extractor:
        """What finds labels by asking for them, within the server's limits."""
        return Extractor(self.engine, self.settings.max_text)

    @property
    def embedder(self) -> Embedder:
        """What turns texts into vectors, within the server's limits."""
        return Embedder(self.engine, self.settings.max_text)

    @property
    def looker(self) -> Looker:
        """What tells where answers looked."""
        return Looker(self.engine, self.chat)

    @property
    def classification(self) -> Classification:
        """What classifies texts, within the server's limits."""
        return Classification(self.engine, self.settings.max_text)

    def files(self) -> FileDesk:
        """Return where files are worked on in the background, the same one for everybody; `begin` starts it."""
        return self._files.get(self._new_files)

    def training(self) -> TrainDesk:
        """Return where checkpoints are trained in the background, the same one for everybody; `begin` starts it."""
        return self._training.get(self._new_training)

    def planner(self) -> Planner:
        """Return what turns an evaluation's order into a plan."""
        from t5gemma_app.evaluation.planner import Planner

        return Planner(self.catalogue, self.engine, self.settings)

    def open_store(self, path: Path | None = None) -> Store:
        """Open the file of runs and results, the data folder's own unless another is named.

        Raises:
            StoreError: It can't be opened.
        """
        from t5gemma_app.evaluation.shipped import take_in
        from t5gemma_app.evaluation.store import FILE, Store

        store = Store(path or self.data_folder.path / FILE)
        take_in(store, self.shipped_runs)
        return store

    def evaluator(self) -> Evaluator:
        """Return the background evaluator on the data folder's file, the same one for everybody; `begin` starts it."""
        return self._evaluator.get(self._new_evaluator)

    def close(self) -> None:
        """End what goes on in the background; a run that is being computed goes on at the next start."""
        evaluator = self._evaluator.made()
        if evaluator is not None:
            evaluator.close()  # before the engine, so that the run ends between two batches
        files = self._files.made()
        if files is not None:
            files.close()
        training = self._training.made()
        if training is not None:
            training.close()
        self.engine.close()

    def _new_files(self) -> FileDesk:
        of_one = None if self.settings.local else FILES_OF_ONE
        return FileDesk(self.data_folder.path / FILES, self._file_work, most_of_one=of_one)

    def _new_training(self) -> TrainDesk:
        from t5gemma_app.training.checking import KnownSets
        from t5gemma_app.training.desk import TrainDesk

        return TrainDesk(
            self.data_folder.path / TRAINING,
            self._training_place,
            self.catalogue.names,
            sets=KnownSets(self.settings.train_data, self.settings.superglue_dir),
            most_rows=self.settings.max_rows,
        )

    def _training_place(self, name: str) -> str:
        """Return how a training run finds a checkpoint; raises `CheckpointError` where it can't be had."""
        checkpoint = self.catalogue.find(name)
        access = self.access.of(checkpoint)
        if not access.ready:
            sentence = access.sentence or "Its access is still being checked."
            raise AccessError(f"{checkpoint.name} can't be trained.", state=str(access.state), expected=sentence)
        return checkpoint.location

    def _file_work(self, order: FileOrder) -> RowWork:
        """Return what does a task's work on rows; raises `WorkbenchError` where it can't be done."""
        checkpoint = self.catalogue.find(order.checkpoint)
        if order.task == CLASSIFY:
            return classify_rows(self.classification, checkpoint, order.options)
        if order.task == TAG:
            return tag_rows(self.tagger, self.extractor, checkpoint, order.options)
        raise InputError(f"Files can't be worked on by {order.task!r}.")

    def _new_evaluator(self) -> Evaluator:
        from t5gemma_app.evaluation.evaluator import Evaluator

        return Evaluator(self.engine, self.planner(), self.open_store)

    def doctor(self) -> tuple[KernelReport, ...]:
        """Check the attention kernels on the main device; see `engine.doctor`."""
        from t5gemma_app.engine.doctor import check_kernels

        facts = self._local_engine().runtime().facts
        return check_kernels(facts, facts.devices[0])

    def initialise(
        self,
        folder: Path,
        encoder_size: str,
        decoder_size: str,
        vocabulary: int,
        tokenizer: Path | None,
        dtype: str,
        seed: int,
    ) -> Checkpoint:
        """Write a checkpoint with random weights; see `engine.initialise`."""
        from t5gemma_app.engine.initialise import initialise_checkpoint

        initialise_checkpoint(
            folder,
            encoder_size,
            decoder_size,
            vocabulary=vocabulary,
            tokenizer=tokenizer or self._embedded_tokenizer(),
            dtype=dtype,
            seed=seed,
        )
        return read_folder(folder)

    def _embedded_tokenizer(self) -> Path:
        for checkpoint in self.catalogue.all():
            if checkpoint.source == "embedded":
                return Path(checkpoint.location)
        raise InputError("No embedded checkpoint is here to take the tokenizer from.", remedy="Pass --tokenizer DIR.")

    def _local_engine(self) -> LocalEngine:
        if not isinstance(self.engine, LocalEngine):
            raise EngineError("This engine has no devices to check.", expected="The engine of this machine.")
        return self.engine


def build_services(settings: Settings, engine: Engine | None = None) -> Services:
    """Put the parts together; nothing heavy is imported or started yet.

    Args:
        settings: The app's settings.
        engine: Another engine than this machine's, for tests.

    Raises:
        SettingsError: A setting can't be honoured.
    """
    engine = engine or LocalEngine(settings)
    data_folder = choose_data_folder(settings)
    return Services(
        settings=settings,
        data_folder=data_folder,
        catalogue=build_catalogue(settings, trained=data_folder.path / TRAINING),
        access=AccessBoard(settings),
        engine=engine,
        chat=Chat(engine, max_text=settings.max_text, max_new_tokens=settings.max_new_tokens),
    )
