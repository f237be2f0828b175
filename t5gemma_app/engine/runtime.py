"""The torch side of the engine: facts, workers, and the pool of loaded checkpoints."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import wait
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import torch

from t5gemma_app.checkpoints.download import fetch_description, snapshot
from t5gemma_app.checkpoints.memory import need_of
from t5gemma_app.checkpoints.placement import Device, Placement, Wish, choose_placement
from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.engine.attention import register_attention
from t5gemma_app.engine.batching import CPU_TOKENS, PARTS_TOGETHER, cut_batches, token_budget
from t5gemma_app.engine.batchwork import BatchWork, Work
from t5gemma_app.engine.devices import probe_devices, resident_bytes
from t5gemma_app.engine.encode import TextEncoder
from t5gemma_app.engine.failures import as_engine_error, is_memory_error
from t5gemma_app.engine.heap import give_memory_back, settle
from t5gemma_app.engine.loader import Loaded, load_weights
from t5gemma_app.engine.packed import longest_packed
from t5gemma_app.engine.pool import Pool, Report
from t5gemma_app.engine.queueing import choose_limits
from t5gemma_app.engine.rows import Rows, input_rows, read_limit, require_head, window_rows
from t5gemma_app.engine.scoresession import ScoreSession
from t5gemma_app.engine.scoring import plan_scoring
from t5gemma_app.engine.session import BatchSession, StreamSession
from t5gemma_app.engine.steps import at_once, exhaust
from t5gemma_app.engine.tokenizers import TokenizerShelf
from t5gemma_app.engine.types import (
    ChoiceScore,
    CrossAttention,
    EngineStatus,
    Event,
    GenerationRequest,
    GenerationResult,
    HeadInput,
    HeadOutput,
    LoadedCheckpoint,
    Loading,
    Logits,
    Piece,
    Pooling,
    SamplingParameters,
    ScoringRequest,
    Vector,
    Window,
)
from t5gemma_app.engine.worker import Worker
from t5gemma_app.errors import InputError
from t5gemma_app.settings import Settings

GB = 1e9
POLL_SECONDS = 0.1
# Share of the free memory at the start that checkpoints may take; the rest is for the interface and for peaks.
BUDGET_SHARE = 0.9

Result = TypeVar("Result")


class Runtime:
    """Everything that needs torch, built once in the background.

    Args:
        settings: The app's settings.
        tokenizers: The tokenizers in use.
    """

    def __init__(self, settings: Settings, tokenizers: TokenizerShelf) -> None:
        if settings.threads:
            torch.set_num_threads(settings.threads)
        register_attention()
        self._settings = settings
        self._tokenizers = tokenizers
        self._wish = Wish(settings.device, settings.dtype, settings.attention)
        self.facts = probe_devices()
        self._pool: Pool[Loaded] = Pool(self._budget(), self._needed, self._load, give_memory_back)
        # Protects both tables; a worker starts with the first checkpoint on its device.
        self._lock = threading.Lock()
        self._descriptions: dict[str, Checkpoint] = {}
        self._workers: dict[str, Worker] = {}

    def place(self, checkpoint: Checkpoint) -> Placement:
        """Return where the checkpoint would run if every idle one left."""
        checkpoint = self._described(checkpoint)
        main = self._main_device()
        facts = replace(
            self.facts,
            devices=tuple(
                replace(d, free_bytes=self._pool.budget) if d.kind == main.kind == "cpu" else d
                for d in self.facts.devices
            ),
        )
        return choose_placement(facts, need_of(checkpoint, device_kind=main.kind), self._wish)

    def ensure(self, checkpoint: Checkpoint) -> Iterator[Loading]:
        """Load a checkpoint unless it is there."""
        yield from self._pool.ensure(checkpoint)

    def unload(self, name: str) -> bool:
        """Drop a checkpoint; return whether it was loaded."""
        return self._pool.drop(name)

    def answer(self, request: GenerationRequest, cancelled: threading.Event) -> Iterator[Event]:
        """Yield the events of one answer whose checkpoint was ensured."""
        checkpoint = self._described(request.checkpoint)
        require_head(checkpoint, "none")
        prompt = self._checked_prompt(checkpoint, self._tokenizers.of(checkpoint).ids(request.pieces))
        loaded = yield from self._lease(checkpoint)
        try:
            session = StreamSession(
                loaded.decoding_lane,
                loaded.encoder,
                prompt,
                request.parameters,
                loaded.placement,
                release=lambda: self._pool.release(checkpoint.name),
                cancelled=cancelled,
            )
            self._worker(loaded.placement).admit(session, request.visitor)
        except BaseException:
            self._pool.release(checkpoint.name)
            raise
        try:
            yield from session.events()
        except Exception as error:
            raise as_engine_error(error) from error
        finally:
            session.cancel()

    def generate_batch(
        self, checkpoint: Checkpoint, prompts: Sequence[tuple[Piece, ...]], parameters: SamplingParameters
    ) -> list[GenerationResult]:
        """Answer many prompts, longest first, in batches cut by tokens."""
        require_head(checkpoint, "none")
        encoder = self._tokenizers.of(checkpoint)
        rows = [self._checked_prompt(checkpoint, encoder.ids(pieces)) for pieces in prompts]
        for _ in self.ensure(checkpoint):
            pass
        loaded = exhaust(self._lease(checkpoint))
        results: dict[int, GenerationResult] = {}
        try:
            for batch in cut_batches([len(row) for row in rows], self._settings.batch_tokens):
                decoder, part = loaded.batch_decoder(), [rows[i] for i in batch]
                session = BatchSession(decoder, encoder, part, parameters, loaded.placement)
                self._worker(loaded.placement).admit_background(session)
                outcome = session.done.get()
                if isinstance(outcome, BaseException):
                    raise as_engine_error(outcome) from outcome
                results.update(zip(batch, outcome, strict=True))
        finally:
            self._pool.release(checkpoint.name)
        return [results[i] for i in range(len(rows))]

    def score(
        self, checkpoint: Checkpoint, requests: Sequence[ScoringRequest], budget: int | None, visitor: str | None
    ) -> list[tuple[ChoiceScore, ...]]:
        """Score all requests; those longer than the encoder takes get NaN."""
        checkpoint = self._described(checkpoint)
        require_head(checkpoint, "none")
        plan = plan_scoring(self._tokenizers.of(checkpoint), requests, read_limit(checkpoint))
        scores = self._in_batches(
            checkpoint,
            [len(question.context) for question in plan.questions],
            lambda loaded, batches: ScoreSession(loaded.read, loaded.score, plan.questions, batches, is_memory_error),
            budget,
            visitor,
            packed=True,
        )
        return plan.spread(scores)

    def classify(
        self, checkpoint: Checkpoint, inputs: Sequence[HeadInput], budget: int | None, visitor: str | None
    ) -> list[HeadOutput]:
        """Read all inputs with the sequence head; those longer than the encoder takes get no logits."""
        checkpoint = self._described(checkpoint)
        require_head(checkpoint, "sequence")
        rows = input_rows(self._tokenizers.of(checkpoint), inputs, read_limit(checkpoint))
        return rows.outputs(self._read_rows(checkpoint, rows, lambda loaded: loaded.classify, budget, visitor))

    def tag(
        self, checkpoint: Checkpoint, windows: Sequence[Window], budget: int | None, visitor: str | None
    ) -> list[tuple[Logits, ...]]:
        """Read all windows with the token head; those longer than the encoder takes get no logits."""
        checkpoint = self._described(checkpoint)
        require_head(checkpoint, "token")
        rows = window_rows(self._tokenizers.of(checkpoint), windows, read_limit(checkpoint))
        return rows.labelled(self._read_rows(checkpoint, rows, lambda loaded: loaded.tag, budget, visitor))

    def embed(
        self, checkpoint: Checkpoint, texts: Sequence[str], pooling: Pooling, budget: int | None, visitor: str | None
    ) -> list[Vector]:
        """Read all texts with the encoder alone; those longer than it takes get an empty vector."""
        checkpoint = self._described(checkpoint)
        rows = input_rows(self._tokenizers.of(checkpoint), list(map(HeadInput, texts)), read_limit(checkpoint))
        vectors = self._read_rows(
            checkpoint, rows, lambda loaded: partial(loaded.embed, pooling=pooling), budget, visitor
        )
        return [output.logits for output in rows.outputs(vectors)]

    def look(
        self, checkpoint: Checkpoint, pieces: Sequence[Piece], answer: Sequence[int], visitor: str
    ) -> CrossAttention:
        """Read an answer beside its prompt, in one pass while nothing else is computed."""
        checkpoint = self._described(checkpoint)
        require_head(checkpoint, "none")
        source = self._checked_prompt(checkpoint, self._tokenizers.of(checkpoint).ids(pieces))
        (seen,) = self._in_batches(
            checkpoint,
            [len(source)],
            lambda loaded, batches: BatchWork(
                at_once(lambda rows: [loaded.look(pieces, row, answer) for row in rows]),
                [source],
                batches,
                is_memory_error,
            ),
            None,
            visitor,
        )
        return seen

    def _read_rows(
        self,
        checkpoint: Checkpoint,
        rows: Rows,
        reader: Callable[[Loaded], Callable[[Sequence[Sequence[int]]], Sequence[Result]]],
        budget: int | None,
        visitor: str | None,
    ) -> list[Result]:
        """Read those rows that fit with what `reader` takes from the loaded checkpoint."""
        return self._in_batches(
            checkpoint,
            [len(row) for row in rows.fitting],
            lambda loaded, batches: BatchWork(at_once(reader(loaded)), rows.fitting, batches, is_memory_error),
            budget,
            visitor,
        )

    def _in_batches(
        self,
        checkpoint: Checkpoint,
        lengths: Sequence[int],
        work: Callable[[Loaded, list[list[int]]], Work[Result]],
        budget: int | None,
        visitor: str | None,
        packed: bool = False,
    ) -> list[Result]:
        """Compute rows of these lengths batch after batch and wait for their results; loads nothing for no rows.

        Takes turns with the answers to `visitor`, or is done while nobody waits where that is None.
        """
        if not lengths:
            return []
        for _ in self.ensure(checkpoint):
            pass
        loaded = exhaust(self._lease(checkpoint))
        try:
            longest = longest_packed(loaded.model) if packed else 0
            own = self._scoring_budget(loaded) * (PARTS_TOGETHER if longest else 1)
            session = work(loaded, cut_batches(lengths, budget or own, longest))
            worker = self._worker(loaded.placement)
            if visitor is None:
                worker.admit_background(session)
            else:
                worker.admit(session, visitor)
            outcome = session.done.get()
        finally:
            self._pool.release(checkpoint.name)
        if isinstance(outcome, BaseException):
            raise as_engine_error(outcome) from outcome
        return outcome

    def _scoring_budget(self, loaded: Loaded) -> int:
        kind = loaded.placement.device.split(":")[0]
        free = torch.cuda.mem_get_info(loaded.placement.device)[0] if kind == "cuda" else 0
        stack = loaded.checkpoint.encoder
        if stack is None:
            return CPU_TOKENS
        return token_budget(kind, free, stack, loaded.placement.dtype)

    def status(self) -> EngineStatus:
        """Return what is loaded and how much is going on."""
        held = self._pool.held()
        with self._lock:
            loads = [worker.load for worker in self._workers.values()]
        return EngineStatus(
            facts=self.facts,
            loaded=tuple(
                LoadedCheckpoint(loaded.checkpoint.name, loaded.placement, loaded.bytes, loaded.seconds, leased)
                for loaded, leased in held
            ),
            budget_bytes=self._pool.budget,
            used_bytes=sum(loaded.bytes for loaded, _ in held),
            active=sum(active for active, _ in loads),
            waiting=sum(waiting for _, waiting in loads),
        )

    def close(self) -> None:
        """End all workers."""
        with self._lock:
            workers = list(self._workers.values())
        for worker in workers:
            worker.close()

    def _main_device(self) -> Device:
        if self._wish.device != "auto":
            wanted = "cuda:0" if self._wish.device == "cuda" else self._wish.device
            return next((d for d in self.facts.devices if d.name == wanted), self.facts.devices[0])
        return self.facts.devices[0]

    def _budget(self) -> int:
        if self._settings.memory_gb is not None:
            return int(self._settings.memory_gb * GB)
        main = self._main_device()
        return int(sum(d.free_bytes for d in self.facts.devices if d.kind == main.kind) * BUDGET_SHARE)

    def _needed(self, checkpoint: Checkpoint) -> int:
        need = need_of(self._described(checkpoint), device_kind=self._main_device().kind)
        return need.bytes_by_dtype[self.place(checkpoint).dtype]

    def _described(self, checkpoint: Checkpoint) -> Checkpoint:
        """Return the checkpoint with its shape; an owner's hub id has one only after its configuration was fetched."""
        if checkpoint.encoder is not None:
            return checkpoint
        with self._lock:
            known = self._descriptions.get(checkpoint.name)
        if known is None:
            known = fetch_description(checkpoint, self._settings)
            with self._lock:
                self._descriptions[checkpoint.name] = known
        return known

    def _load(self, checkpoint: Checkpoint, report: Report) -> Loaded:
        placement = self.place(checkpoint)
        checkpoint = self._described(checkpoint)
        folder = snapshot(checkpoint, self._settings, report)
        report("reading the tokenizer", None)
        encoder = self._tokenizers.of(checkpoint)
        return self._read(checkpoint, folder, encoder, placement, report)

    def _read(
        self, checkpoint: Checkpoint, folder: Path, encoder: TextEncoder, placement: Placement, report: Report
    ) -> Loaded:
        """Read the weights on the device's own thread and watch memory grow meanwhile."""
        before, expected = _allocated(placement), max(1, self._needed(checkpoint))
        head, int8_layers = self._settings.screened_head, self._settings.int8_layers
        future = self._worker(placement).call(
            lambda: load_weights(checkpoint, folder, encoder, placement, head, int8_layers)
        )
        while wait([future], POLL_SECONDS).not_done:
            report("reading weights", min(0.99, max(0.0, (_allocated(placement) - before) / expected)))
        loaded = future.result()
        settle()
        return loaded

    def _lease(self, checkpoint: Checkpoint) -> Generator[Loading, None, Loaded]:
        """Return a leased checkpoint; loads it again should it have left in between."""
        while (loaded := self._pool.lease(checkpoint.name)) is None:
            yield from self._pool.ensure(checkpoint)
        return loaded

    def _worker(self, placement: Placement) -> Worker:
        with self._lock:
            worker = self._workers.get(placement.device)
            if worker is None:
                limits = choose_limits(self._settings)
                worker = Worker(placement.device, limits.seats, self._settings.max_waiting, limits.share)
                self._workers[placement.device] = worker
            return worker

    @staticmethod
    def _checked_prompt(checkpoint: Checkpoint, ids: list[int]) -> list[int]:
        limit = checkpoint.encoder.positions if checkpoint.encoder else None
        if not ids:
            raise InputError("The prompt is empty.", expected="At least one token.")
        if limit and len(ids) > limit:
            raise InputError(
                f"The prompt has {len(ids):,} tokens.", expected=f"{checkpoint.name} reads at most {limit:,}."
            )
        return ids


def _allocated(placement: Placement) -> int:
    if placement.device.startswith("cuda"):
        return sum(torch.cuda.memory_allocated(i) for i in range(torch.cuda.device_count()))
    return resident_bytes()
