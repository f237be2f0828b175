"""An engine without torch that answers by rearranging the prompt's words, for tests and for building screens.

It keeps the protocol's promises (events, order, cancellation, limits, errors) and makes no claim to intelligence:
greedy answers echo the words of the last message, sampled ones shuffle them by the seed.
"""

from __future__ import annotations

import random
import re
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from t5gemma_app.checkpoints.placement import Device, DeviceFacts, Placement, Reason
from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.engine.admission import Admission, Ticket
from t5gemma_app.engine.invented import moving_look, word_vector
from t5gemma_app.engine.queueing import Limits
from t5gemma_app.engine.types import (
    ChoiceScore,
    CrossAttention,
    EngineStatus,
    Event,
    Finished,
    FinishReason,
    GenerationRequest,
    GenerationResult,
    GenerationStatistics,
    HeadInput,
    HeadOutput,
    LoadedCheckpoint,
    Loading,
    Logits,
    Piece,
    Pooling,
    SamplingParameters,
    ScoringRequest,
    Started,
    TextDelta,
    Token,
    Vector,
    Waiting,
    Window,
)
from t5gemma_app.errors import StoppedError, WorkbenchError

Row = TypeVar("Row")

END_MARK = 107
FACTS = DeviceFacts((Device("cpu", "cpu", "no real device", 16_000_000_000, 12_000_000_000, bfloat16=True),))
PLACEMENT = Placement(
    "cpu",
    "float32",
    "sdpa",
    reasons=(
        Reason("device", "cpu", "the fake engine has no other"),
        Reason("dtype", "float32", "the fake engine computes nothing"),
        Reason("attention", "sdpa", "the fake engine computes nothing"),
    ),
)

Reply = Callable[[str, SamplingParameters], str]


def echo(prompt: str, parameters: SamplingParameters) -> str:
    """Return the prompt's words in order when greedy, else shuffled by the seed."""
    words = prompt.split()
    if not parameters.greedy:
        random.Random(parameters.seed).shuffle(words)  # noqa: S311 - repeatable, not secret
    return f"You said: {' '.join(words)}"


class FakeAnswer:
    """One request; it is computed while it is iterated."""

    def __init__(self, engine: FakeEngine, request: GenerationRequest, ticket: Ticket) -> None:
        self.request = request
        self.ticket = ticket
        self.cancelled = threading.Event()
        self._engine = engine
        self._begun = time.monotonic()

    def __iter__(self) -> Iterator[Event]:
        """Yield the events of the protocol, one delta a word."""
        with self._engine.seat(self):
            while ahead := self._engine.ahead_of(self):
                yield Waiting(ahead)
                if self.cancelled.wait(0.01):
                    break
            yield from self._engine.load(self.request.checkpoint)
            yield from self._write()

    def cancel(self) -> None:
        """End the answer before its next word; one that is never iterated gives its seat back."""
        self.cancelled.set()
        self._engine.give_back_unread(self)

    def _write(self) -> Iterator[Event]:
        engine, request = self._engine, self.request
        yield Started(engine.count_tokens(request.checkpoint, request.pieces))
        started = time.monotonic()
        wording, reason = engine.wording(request)
        shown: list[str] = []
        for word in wording:
            if self.cancelled.wait(engine.delay) if engine.delay else self.cancelled.is_set():
                reason = "cancelled"
                break
            if engine.closed:
                raise StoppedError("The engine was shut down.", remedy="Restart the app.")
            shown.append(word)
            yield TextDelta(word)
        yield Finished(engine.result(request, shown, reason, started - self._begun, time.monotonic() - started))


class FakeEngine:
    """The engine's protocol over a text function.

    Args:
        reply: Makes the answer's text of the last message's text and the parameters.
        delay: Seconds before each word.
        max_answers: Answers written at the same time; further ones wait.
        max_waiting: Answers that may wait; a further one is refused with `BusyError`.
        max_per_visitor: The same for one visitor; all of them when left out.
        failure: Raised by everything that would compute, to show what a failing engine looks like.
    """

    def __init__(
        self,
        reply: Reply = echo,
        *,
        delay: float = 0.0,
        max_answers: int = 8,
        max_waiting: int = 32,
        max_per_visitor: int | None = None,
        failure: WorkbenchError | None = None,
    ) -> None:
        self.delay = delay
        self.closed = False
        self.failure = failure
        self.requests: list[GenerationRequest] = []
        self._reply = reply
        self._max_answers = max_answers
        total = max_answers + max_waiting
        self._admission = Admission(Limits(max_answers, total, max_per_visitor or total, max_answers, "a test"))
        self._open: list[FakeAnswer] = []
        self._read: set[FakeAnswer] = set()
        self._loaded: dict[str, LoadedCheckpoint] = {}
        self._lock = threading.Lock()  # guards _open and _read; answers are read from many threads

    def start(self) -> None:
        """Do nothing: there is nothing to import."""

    def generate(self, request: GenerationRequest) -> FakeAnswer:
        """Queue one prompt."""
        self._check()
        request.parameters.checked()
        answer = FakeAnswer(self, request, self._admission.enter(request.visitor))
        with self._lock:
            self._open.append(answer)
            self.requests.append(request)
        return answer

    def generate_batch(
        self, checkpoint: Checkpoint, prompts: Sequence[tuple[Piece, ...]], parameters: SamplingParameters
    ) -> list[GenerationResult]:
        """Answer each prompt as `generate` would alone."""
        self._check()
        parameters.checked()
        results = []
        for pieces in prompts:
            request = GenerationRequest(checkpoint, pieces, parameters)
            words, reason = self.wording(request)
            results.append(self.result(request, words, reason, 0.0, 0.0))
        return results

    def score(
        self,
        checkpoint: Checkpoint,
        requests: Sequence[ScoringRequest],
        *,
        budget: int | None = None,
        urgent: bool = False,
        visitor: str = "",
    ) -> list[tuple[ChoiceScore, ...]]:
        """Score each choice by a hash of its texts and the checkpoint's name, `delay` seconds a request."""
        self._check()
        scores = []
        for request in self._waited_for(requests, urgent, visitor):
            context = request.context if isinstance(request.context, str) else _written(request.context)
            scores.append(tuple(_chance(checkpoint.name, context, choice + request.end) for choice in request.choices))
        return scores

    def classify(
        self,
        checkpoint: Checkpoint,
        inputs: Sequence[HeadInput],
        *,
        budget: int | None = None,
        urgent: bool = False,
        visitor: str = "",
    ) -> list[HeadOutput]:
        """Give each label a number made of the texts, `delay` seconds an input."""
        self._check()
        outputs = []
        for entry in self._waited_for(inputs, urgent, visitor):
            texts = entry.text if entry.pair is None else f"{entry.text}\0{entry.pair}"
            scores = [_chance(checkpoint.name, texts, label).logprob for label in checkpoint.labels]
            outputs.append(HeadOutput(tuple(scores), 1 + len(texts.split())))
        return outputs

    def tag(
        self,
        checkpoint: Checkpoint,
        windows: Sequence[Window],
        *,
        budget: int | None = None,
        urgent: bool = False,
        visitor: str = "",
    ) -> list[tuple[Logits, ...]]:
        """Give each label of each id a number made of both, `delay` seconds a window."""
        self._check()
        outputs = []
        for window in self._waited_for(windows, urgent, visitor):
            outputs.append(
                tuple(
                    tuple(_chance(checkpoint.name, str(index), label).logprob for label in checkpoint.labels)
                    for index in window
                )
            )
        return outputs

    def tokens(self, checkpoint: Checkpoint, text: str) -> tuple[Token, ...]:
        """Return words and line feeds; a blank before a word belongs to it."""
        return tuple(
            Token(_id_of(found[0].strip(" ")), found[0].replace(" ", "▁"), found.start(), found.end())
            for found in re.finditer(r" *[^\s]+|\n|[^\S\n]+", text)
        )

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
        """Turn words into directions, `delay` seconds a text."""
        self._check()
        vectors = []
        for text in self._waited_for(texts, urgent, visitor):
            vectors.append(word_vector(text))
        return vectors

    def look(
        self, checkpoint: Checkpoint, pieces: Sequence[Piece], answer: Sequence[int], *, visitor: str = ""
    ) -> CrossAttention:
        """Look at a place of the prompt that moves along with the answer."""
        self._check()
        with self._admission.place(visitor):
            return moving_look(pieces, answer)

    def load(self, checkpoint: Checkpoint) -> Iterator[Loading]:
        """Pretend to load in two stages, once for each checkpoint."""
        self._check()
        if checkpoint.name not in self._loaded:
            yield Loading(checkpoint.name, "reading the tokenizer", None)
            yield Loading(checkpoint.name, "reading the weights", 0.5)
            size = 4 * checkpoint.parameters.total if checkpoint.parameters else 0
            self._loaded[checkpoint.name] = LoadedCheckpoint(checkpoint.name, PLACEMENT, size, 0.0, busy=False)

    def unload(self, name: str) -> bool:
        """Forget a checkpoint."""
        return self._loaded.pop(name, None) is not None

    def count_tokens(self, checkpoint: Checkpoint, pieces: Sequence[Piece]) -> int:
        """Count markers, words and line feeds."""
        return sum(1 if piece.control else len(re.findall(r"\S+|\n", piece.text)) for piece in pieces)

    def place(self, checkpoint: Checkpoint) -> Placement:
        """Return the one placement there is."""
        return PLACEMENT

    def status(self) -> EngineStatus:
        """Return what was loaded."""
        with self._lock:
            active = min(len(self._open), self._max_answers)
            waiting = len(self._open) - active
        return EngineStatus(
            facts=FACTS,
            loaded=tuple(self._loaded.values()),
            budget_bytes=FACTS.devices[0].free_bytes,
            used_bytes=sum(loaded.bytes for loaded in self._loaded.values()),
            active=active,
            waiting=waiting,
            failure=str(self.failure or ""),
        )

    def close(self) -> None:
        """End every answer at its next word."""
        self.closed = True

    def wording(self, request: GenerationRequest) -> tuple[list[str], FinishReason]:
        """Return the answer's words, each with the blank before it, and why it ends after them."""
        text = self._reply(_last_message(request.pieces), request.parameters)
        ends = [place for place in (text.find(stop) for stop in request.parameters.stop) if place >= 0]
        if ends:
            text = text[: min(ends)]
        words = re.findall(r"\s*\S+|\s+$", text)
        if len(words) > request.parameters.max_new_tokens:
            return words[: request.parameters.max_new_tokens], "length"
        return words, "stop"

    def result(
        self, request: GenerationRequest, words: list[str], reason: FinishReason, first: float, seconds: float
    ) -> GenerationResult:
        """Put a result together; ids are made of the words, so that equal answers have equal ids."""
        ids = [_id_of(word) for word in words]
        if reason == "stop":
            ids.append(END_MARK)
        statistics = GenerationStatistics(
            prompt_tokens=self.count_tokens(request.checkpoint, request.pieces),
            new_tokens=len(ids),
            seconds_to_first_token=first,
            tokens_per_second=(len(ids) - 1) / seconds if seconds > 0 and len(ids) > 1 else 0.0,
            device=PLACEMENT.device,
            dtype=PLACEMENT.dtype,
            attention=PLACEMENT.attention,
            seed=request.parameters.seed,
        )
        return GenerationResult("".join(words), tuple(ids), reason, statistics)

    @contextmanager
    def seat(self, answer: FakeAnswer) -> Iterator[None]:
        """Hold an answer's place in the queue until it is finished or dropped."""
        with self._lock:
            self._read.add(answer)
        try:
            yield
        finally:
            with self._lock:
                self._read.discard(answer)
                if answer in self._open:
                    self._open.remove(answer)
            answer.ticket.release()

    def give_back_unread(self, answer: FakeAnswer) -> None:
        """Free the place of an answer that nobody reads."""
        with self._lock:
            if answer not in self._open or answer in self._read:
                return
            self._open.remove(answer)
        answer.ticket.release()

    def ahead_of(self, answer: FakeAnswer) -> int:
        """Return how many answers must end before this one may begin."""
        with self._lock:
            place = self._open.index(answer) if answer in self._open else 0
        return max(0, place - self._max_answers + 1)

    def _waited_for(self, rows: Sequence[Row], urgent: bool, visitor: str) -> Iterator[Row]:
        """Yield rows, each after the delay; urgent ones hold one of the visitor's places meanwhile."""
        with self._admission.place(visitor if urgent else None):
            for row in rows:
                time.sleep(self.delay)
                yield row

    def _check(self) -> None:
        if self.closed:
            raise StoppedError("The engine was shut down.", remedy="Restart the app.")
        if self.failure is not None:
            raise self.failure


def _id_of(word: str) -> int:
    return 108 + zlib.crc32(word.encode("utf-8", "replace")) % 255_000


def _chance(name: str, context: str, choice: str) -> ChoiceScore:
    """Return a log-probability from -10 to 0 that depends on nothing but its texts."""
    number = zlib.crc32("\0".join((name, context, choice)).encode("utf-8", "replace"))
    return ChoiceScore(-10 * number / 2**32, max(1, len(choice.split())))


def _written(pieces: Sequence[Piece]) -> str:
    return "".join(piece.text for piece in pieces)


def _last_message(pieces: Sequence[Piece]) -> str:
    """Return the text of the last user turn, or of the whole prompt where there are no turns."""
    texts = [piece.text for piece in pieces if not piece.control and piece.text.strip()]
    turns = [text.removeprefix("user\n") for text in texts if text.startswith("user\n")]
    return turns[-1] if turns else " ".join(texts)
