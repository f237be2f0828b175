"""The engine in this process; importing it costs nothing, torch comes in the background after `start`."""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from t5gemma_app.checkpoints.placement import Placement
from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.engine.admission import Admission, Ticket
from t5gemma_app.engine.buffers import keep_buffers
from t5gemma_app.engine.encode import TextEncoder
from t5gemma_app.engine.queueing import choose_limits
from t5gemma_app.engine.tokenizers import TokenizerShelf
from t5gemma_app.engine.types import (
    ChoiceScore,
    CrossAttention,
    EngineStatus,
    Event,
    Finished,
    GenerationRequest,
    GenerationResult,
    GenerationStatistics,
    HeadInput,
    HeadOutput,
    Loading,
    Logits,
    Piece,
    Pooling,
    SamplingParameters,
    ScoringRequest,
    Token,
    Vector,
    Window,
)
from t5gemma_app.errors import EngineError
from t5gemma_app.settings import Settings

if TYPE_CHECKING:
    from t5gemma_app.engine.runtime import Runtime

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.1


class LocalEngine:
    """An `Engine` on this machine's devices.

    Args:
        settings: The app's settings.
    """

    def __init__(self, settings: Settings) -> None:
        keep_buffers()  # before any thread of the page or of torch
        self._settings = settings
        self._tokenizers = TokenizerShelf(settings)
        self._admission = Admission(choose_limits(settings))
        # Protects the start; `_booted` then publishes `_runtime` and `_failure`, which never change again.
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._booted = threading.Event()
        self._runtime: Runtime | None = None
        self._failure = ""

    def start(self) -> None:
        """Begin importing torch in the background."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._boot, name="engine start", daemon=True)
                self._thread.start()

    def generate(self, request: GenerationRequest) -> LocalAnswer:
        """Queue one prompt."""
        request.parameters.checked()
        return LocalAnswer(self, request, self._admission.enter(request.visitor))

    def generate_batch(
        self, checkpoint: Checkpoint, prompts: Sequence[tuple[Piece, ...]], parameters: SamplingParameters
    ) -> list[GenerationResult]:
        """Answer many prompts in padded batches, in the order given."""
        return self.runtime().generate_batch(checkpoint, prompts, parameters.checked())

    def score(
        self,
        checkpoint: Checkpoint,
        requests: Sequence[ScoringRequest],
        *,
        budget: int | None = None,
        urgent: bool = False,
        visitor: str = "",
    ) -> list[tuple[ChoiceScore, ...]]:
        """Return the scores of every request's choices, in the order given."""
        with self._admission.place(visitor if urgent else None) as asking:
            return self.runtime().score(checkpoint, requests, budget, asking)

    def classify(
        self,
        checkpoint: Checkpoint,
        inputs: Sequence[HeadInput],
        *,
        budget: int | None = None,
        urgent: bool = False,
        visitor: str = "",
    ) -> list[HeadOutput]:
        """Return what a sequence head says of every input, in the order given."""
        with self._admission.place(visitor if urgent else None) as asking:
            return self.runtime().classify(checkpoint, inputs, budget, asking)

    def tag(
        self,
        checkpoint: Checkpoint,
        windows: Sequence[Window],
        *,
        budget: int | None = None,
        urgent: bool = False,
        visitor: str = "",
    ) -> list[tuple[Logits, ...]]:
        """Return what a token head says of every id of every window, in the order given."""
        with self._admission.place(visitor if urgent else None) as asking:
            return self.runtime().tag(checkpoint, windows, budget, asking)

    def tokens(self, checkpoint: Checkpoint, text: str) -> tuple[Token, ...]:
        """Return the word pieces of a text with their places, without torch."""
        return self.encoder(checkpoint).tokens(text)

    def embed(
        self,
        checkpoint: Checkpoint,
        texts: Sequence[str],
        pooling: Pooling = "mean",
        *,
        budget: int | None = None,
        urgent: bool = False,
        visitor: str = "",
    ) -> list[Vector]:
        """Return a vector of every text, in the order given."""
        with self._admission.place(visitor if urgent else None) as asking:
            return self.runtime().embed(checkpoint, texts, pooling, budget, asking)

    def look(
        self, checkpoint: Checkpoint, pieces: Sequence[Piece], answer: Sequence[int], *, visitor: str = ""
    ) -> CrossAttention:
        """Return where the decoder looks in a prompt while it writes an answer."""
        with self._admission.place(visitor):
            return self.runtime().look(checkpoint, pieces, answer, visitor)

    def load(self, checkpoint: Checkpoint) -> Iterator[Loading]:
        """Load a checkpoint, yielding progress."""
        yield from self.wait_for_torch(checkpoint)
        yield from self.runtime().ensure(checkpoint)

    def unload(self, name: str) -> bool:
        """Drop a checkpoint and give its memory back."""
        return self.runtime().unload(name) if self._booted.is_set() else False

    def count_tokens(self, checkpoint: Checkpoint, pieces: Sequence[Piece]) -> int:
        """Return the number of encoder tokens of a prompt."""
        return self.encoder(checkpoint).count(pieces)

    def encoder(self, checkpoint: Checkpoint) -> TextEncoder:
        """Return the checkpoint's tokenizer, without torch."""
        return self._tokenizers.of(checkpoint)

    def place(self, checkpoint: Checkpoint) -> Placement:
        """Return where the checkpoint would run; waits for torch."""
        return self.runtime().place(checkpoint)

    def status(self) -> EngineStatus:
        """Return what is loaded now."""
        if not self._booted.is_set():
            return EngineStatus(facts=None)
        if self._runtime is None:
            return EngineStatus(facts=None, failure=self._failure)
        return self._runtime.status()

    def close(self) -> None:
        """End the worker."""
        if self._thread is None:
            return
        self._booted.wait()
        if self._runtime is not None:
            self._runtime.close()

    def runtime(self) -> Runtime:
        """Return the torch side, waiting for it.

        Raises:
            EngineError: torch or transformers could not be imported.
        """
        self.start()
        self._booted.wait()
        if self._runtime is None:
            raise EngineError(
                f"The engine could not start: {self._failure}.",
                remedy="Run `python -m t5gemma_app doctor`, or install the requirements again.",
            )
        return self._runtime

    def wait_for_torch(self, checkpoint: Checkpoint) -> Iterator[Loading]:
        """Yield progress until torch is imported."""
        self.start()
        while not self._booted.wait(POLL_SECONDS):
            yield Loading(checkpoint.name, "starting torch", None)

    def _boot(self) -> None:
        try:
            from t5gemma_app.engine.runtime import Runtime

            self._runtime = Runtime(self._settings, self._tokenizers)
        except Exception as error:  # a broken installation must show on the page, not die with the thread
            logger.exception("The engine could not start")
            self._failure = f"{type(error).__name__}: {error}"
        finally:
            self._booted.set()


class LocalAnswer:
    """A request on its way; the computation begins when it is iterated."""

    def __init__(self, engine: LocalEngine, request: GenerationRequest, ticket: Ticket) -> None:
        self._engine = engine
        self._request = request
        self._ticket = ticket
        self._read = False
        self.cancelled = threading.Event()
        # An answer that is neither read nor cancelled gives its place back when nobody holds it any more.
        weakref.finalize(self, ticket.release).atexit = False

    def cancel(self) -> None:
        """Stop the computation at its next step; one that was never read gives its place back."""
        self.cancelled.set()
        if not self._read:
            self._ticket.release()

    def __iter__(self) -> Iterator[Event]:
        """Yield events until `Finished`; leaving the iteration early cancels too."""
        self._read = True
        try:
            yield from self._events()
        finally:
            self._ticket.release()

    def _events(self) -> Iterator[Event]:
        for loading in self._engine.load(self._request.checkpoint):
            if self.cancelled.is_set():
                break
            yield loading
        if self.cancelled.is_set():
            yield self._nothing()
        else:
            yield from self._engine.runtime().answer(self._request, self.cancelled)

    def _nothing(self) -> Finished:
        """Return the end of an answer that was cancelled before its model was there."""
        statistics = GenerationStatistics(0, 0, 0.0, 0.0, "", "", "", self._request.parameters.seed)
        return Finished(GenerationResult("", (), "cancelled", statistics))
