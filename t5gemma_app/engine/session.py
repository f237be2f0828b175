"""Answers as sessions of the worker: one person's streamed answer, and a batch of many."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from t5gemma_app.checkpoints.placement import Placement
from t5gemma_app.engine.decoders import Decoder, Seat
from t5gemma_app.engine.encode import TextEncoder, TextStream
from t5gemma_app.engine.types import (
    Event,
    Finished,
    FinishReason,
    GenerationResult,
    GenerationStatistics,
    SamplingParameters,
    Started,
    TextDelta,
    Waiting,
)

# Padded tokens of newcomers that are encoded in one step, so that nobody's next token waits for many prompts.
JOIN_TOKENS = 4096


class Row:
    """One answer's text, times and reason to end."""

    def __init__(self, encoder: TextEncoder, prompt_tokens: int, parameters: SamplingParameters) -> None:
        self._stream = TextStream(encoder, parameters.stop)
        self._parameters = parameters
        self._prompt_tokens = prompt_tokens
        self._ids: list[int] = []
        self._arrived = time.perf_counter()
        self._first = 0.0
        self._last = 0.0

    @property
    def stopped(self) -> bool:
        """Whether a stop string was written."""
        return self._stream.stopped

    def push(self, index: int, end_ids: frozenset[int]) -> str:
        """Take a token and return the characters that became certain."""
        self._last = time.perf_counter()
        self._first = self._first or self._last
        self._ids.append(index)
        return "" if index in end_ids else self._stream.push(index)

    def rest(self) -> str:
        """Return the characters that were held back."""
        return self._stream.finish()

    def result(self, placement: Placement, end_ids: frozenset[int], cancelled: bool) -> GenerationResult:
        """Return the finished answer."""
        ended = bool(self._ids) and self._ids[-1] in end_ids
        reason: FinishReason = "stop" if ended or self.stopped else "cancelled" if cancelled else "length"
        further, span = len(self._ids) - 1, self._last - self._first
        return GenerationResult(
            text=self._stream.text,
            token_ids=tuple(self._ids),
            finish_reason=reason,
            statistics=GenerationStatistics(
                prompt_tokens=self._prompt_tokens,
                new_tokens=len(self._ids),
                seconds_to_first_token=max(0.0, self._first - self._arrived),
                tokens_per_second=further / span if further > 0 and span > 0 else 0.0,
                device=placement.device,
                dtype=placement.arithmetic,
                attention=placement.attention,
                seed=self._parameters.seed,
            ),
        )


class StreamSession:
    """One answer, streamed; computed in a lane together with the other answers of its model.

    Args:
        lane: Where the model's answers are decoded.
        encoder: The checkpoint's tokenizer.
        prompt: Encoder ids.
        parameters: How tokens are chosen.
        placement: Where the model runs.
        release: Called once when the session ends, however it ends.
        cancelled: Set by whoever wants the answer to stop.
    """

    def __init__(
        self,
        lane: Lane,
        encoder: TextEncoder,
        prompt: Sequence[int],
        parameters: SamplingParameters,
        placement: Placement,
        release: Callable[[], None],
        cancelled: threading.Event,
    ) -> None:
        self.lane: Lane | None = lane
        self.prompt = prompt
        self.parameters = parameters
        self.seat: Seat | None = None
        self._placement = placement
        self._release = release
        self._row = Row(encoder, len(prompt), parameters)
        self._cancelled = cancelled
        self._events: queue.SimpleQueue[Event | BaseException] = queue.SimpleQueue()

    @property
    def cancelled(self) -> bool:
        """Whether somebody wants the answer to stop."""
        return self._cancelled.is_set()

    def events(self) -> Iterator[Event]:
        """Yield events until `Finished`; raises what ended the session."""
        while True:
            event = self._events.get()
            if isinstance(event, BaseException):
                raise event
            yield event
            if isinstance(event, Finished):
                return

    def cancel(self) -> None:
        """Let the next step be the last; may be called from any thread, any number of times."""
        self._cancelled.set()

    def waiting(self, ahead: int, seconds: float | None) -> None:
        """Tell the reader how many are served first, and how long that may take."""
        self._events.put(Waiting(ahead, seconds))

    def leave(self) -> None:
        """End before the first step."""
        self.finish(frozenset(), cancelled=True)

    def begin(self, seat: Seat) -> None:
        """Be given a seat; the prompt is encoded."""
        self.seat = seat
        self._events.put(Started(len(self.prompt)))

    def take(self, end_ids: frozenset[int]) -> bool:
        """Read the token that the last step added; return whether more will come."""
        if self.seat is None:
            return False
        self._send(self._row.push(self.seat.ids[-1], end_ids))
        return self.seat.open and not self._row.stopped

    def finish(self, end_ids: frozenset[int], cancelled: bool) -> None:
        """Tell the reader the result; the seat was given back before, so its memory is free by then."""
        self._send(self._row.rest())
        result = self._row.result(self._placement, end_ids, cancelled)
        self._end()
        self._events.put(Finished(result))

    def fail(self, error: BaseException) -> None:
        """Hand the error to the reader."""
        self._end()
        self._events.put(error)

    def _send(self, text: str) -> None:
        if text:
            self._events.put(TextDelta(text))

    def _end(self) -> None:
        # The lane holds the model; whoever still holds the session must not keep it in memory.
        self.lane = self.seat = None
        self._release()


class Lane:
    """The streamed answers of one loaded checkpoint: one step of the decoder serves all of them.

    Args:
        decoder: Decodes the seats together.
    """

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder

    def advance(self, sessions: Sequence[StreamSession]) -> list[StreamSession]:
        """Seat newcomers, add a token to every answer, and return the sessions that ended."""
        ended = [session for session in sessions if session.cancelled]
        for session in ended:
            self._finish(session, cancelled=True)
        going = [session for session in sessions if session not in ended]
        ended += self._welcome([session for session in going if session.seat is None])
        seated = [session for session in going if session.seat is not None]
        if not seated:
            return ended
        try:
            self._decoder.step()
        except Exception as error:  # belongs to the readers of this step; the thread serves others too
            for session in seated:
                self._drop(session)
                session.fail(error)
            return ended + seated
        for session in seated:
            if not session.take(self._decoder.end_ids):
                self._finish(session, cancelled=False)
                ended.append(session)
        return ended

    def _welcome(self, newcomers: Sequence[StreamSession]) -> list[StreamSession]:
        """Encode as many newcomers as fit into one batch, in order of arrival; return those that failed."""
        batch: list[StreamSession] = []
        for session in newcomers:
            width = max(len(session.prompt), *(len(other.prompt) for other in batch), 0)
            if batch and width * (len(batch) + 1) > JOIN_TOKENS:
                break
            batch.append(session)
        if not batch:
            return []
        try:
            self._join(batch)
            return []
        except Exception as error:  # one prompt that can't be encoded must not end its neighbours
            if len(batch) == 1:
                batch[0].fail(error)
                return batch
        failed: list[StreamSession] = []
        for session in batch:
            failed += self._welcome([session])
        return failed

    def _join(self, batch: Sequence[StreamSession]) -> None:
        seats = self._decoder.join([s.prompt for s in batch], [s.parameters for s in batch])
        for session, seat in zip(batch, seats, strict=True):
            session.begin(seat)

    def _drop(self, session: StreamSession) -> None:
        if session.seat is not None:
            self._decoder.leave(session.seat)

    def _finish(self, session: StreamSession, cancelled: bool) -> None:
        self._drop(session)
        session.finish(self._decoder.end_ids, cancelled)


class BatchSession:
    """Many prompts answered together; the caller waits on `done`.

    Args:
        decoder: Decodes them; nobody else's.
        encoder: The checkpoint's tokenizer.
        prompts: Encoder ids of each.
        parameters: How tokens are chosen.
        placement: Where the model runs.
    """

    def __init__(
        self,
        decoder: Decoder,
        encoder: TextEncoder,
        prompts: Sequence[Sequence[int]],
        parameters: SamplingParameters,
        placement: Placement,
    ) -> None:
        self._decoder = decoder
        self._prompts = prompts
        self._parameters = parameters
        self._placement = replace(placement, int8_layers=False)  # a batch is decoded by the exact layers
        self._rows = [Row(encoder, len(prompt), parameters) for prompt in prompts]
        self._open: dict[Seat, Row] | None = None
        self.done: queue.SimpleQueue[list[GenerationResult] | BaseException] = queue.SimpleQueue()

    def advance(self, short: bool) -> bool:
        """Compute one token of every row; no step is shorter."""
        del short
        if self._open is None:
            seats = self._decoder.join(self._prompts, [self._parameters] * len(self._prompts))
            self._open = dict(zip(seats, self._rows, strict=True))
        self._decoder.step()
        for seat, row in tuple(self._open.items()):
            row.push(seat.ids[-1], self._decoder.end_ids)
            if not seat.open or row.stopped:
                row.rest()
                self._decoder.leave(seat)
                del self._open[seat]
        if self._open:
            return True
        self.done.put([row.result(self._placement, self._decoder.end_ids, cancelled=False) for row in self._rows])
        return False

    def fail(self, error: BaseException) -> None:
        """Hand the error to the caller."""
        self.done.put(error)
