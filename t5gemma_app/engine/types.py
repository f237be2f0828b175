"""The engine as the rest of the app sees it: values, events and one protocol, without torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from t5gemma_app.checkpoints.placement import DeviceFacts, Placement
from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.engine.seen import CrossAttention, SeenToken  # noqa: F401 - part of this face
from t5gemma_app.errors import InputError

FinishReason = Literal["stop", "length", "cancelled"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a prompt: a control marker, or text in which no marker has a meaning."""

    text: str
    control: bool = False


@dataclass(frozen=True, slots=True)
class SamplingParameters:
    """How the next token is chosen, and when an answer ends."""

    temperature: float = 0.0
    """0 is greedy: always the most probable token."""
    top_k: int = 0
    """Keep the k most probable tokens; 0 keeps all."""
    top_p: float = 1.0
    """Keep the smallest set of tokens whose probability reaches p."""
    min_p: float = 0.0
    """Keep tokens at least this fraction as probable as the best one."""
    repetition_penalty: float = 1.0
    """Above 1 makes tokens of the answer so far less probable."""
    max_new_tokens: int = 256
    seed: int = 0
    stop: tuple[str, ...] = ()
    """Strings that end the answer; they are not part of it."""

    def checked(self) -> SamplingParameters:
        """Return self when every value is in its range.

        Raises:
            InputError: A value is out of range; the message names it.
        """
        for name, low, high in _RANGES:
            value = getattr(self, name)
            if not low <= value <= high:
                raise InputError(f"{name} is {value}.", expected=f"It takes a value from {low:g} to {high:g}.")
        if len(self.stop) > 16 or any(not 0 < len(text) <= 200 for text in self.stop):
            raise InputError("The stop strings can't be used.", expected="Up to 16 of 1 to 200 characters each.")
        return self

    @property
    def greedy(self) -> bool:
        """Whether the most probable token is always taken."""
        return self.temperature == 0.0

    def limited(self, max_new_tokens: int) -> SamplingParameters:
        """Return self with the answer's length cut to a server's limit."""
        return replace(self, max_new_tokens=min(self.max_new_tokens, max_new_tokens))


_RANGES: tuple[tuple[str, float, float], ...] = (
    ("temperature", 0.0, 5.0),
    ("top_k", 0, 1_000_000),
    ("top_p", 1e-6, 1.0),
    ("min_p", 0.0, 1.0),
    ("repetition_penalty", 0.1, 10.0),
    ("max_new_tokens", 1, 8192),
    ("seed", 0, 2**63 - 1),
)


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """One prompt for one checkpoint."""

    checkpoint: Checkpoint
    pieces: tuple[Piece, ...]
    parameters: SamplingParameters = field(default_factory=SamplingParameters)
    visitor: str = ""
    """Who asks, in whatever words the server tells visitors apart; visitors take turns."""


@dataclass(frozen=True, slots=True)
class GenerationStatistics:
    """What an answer cost, and where it was computed."""

    prompt_tokens: int
    new_tokens: int
    seconds_to_first_token: float
    """From the request's arrival to its first token, loading left out, waiting included."""
    tokens_per_second: float
    """Of the tokens after the first; 0 where there is only one."""
    device: str
    dtype: str
    attention: str
    seed: int


@dataclass(frozen=True, slots=True)
class GenerationResult:
    """A finished answer."""

    text: str
    token_ids: tuple[int, ...]
    """Decoder ids after `<bos>`, the end mark included."""
    finish_reason: FinishReason
    statistics: GenerationStatistics


@dataclass(frozen=True, slots=True)
class ScoringRequest:
    """A context and the answers whose log-probabilities are wanted."""

    context: str | tuple[Piece, ...]
    """What the encoder reads; the tokenizer adds `<bos>` to a text as the checkpoint's own does, to pieces nothing."""
    choices: tuple[str, ...]
    """What the decoder would write, spacing included."""
    end: str = ""
    """A control marker that ends each answer and is scored with it; empty where answers may go on."""


@dataclass(frozen=True, slots=True)
class ChoiceScore:
    """How probable one answer is."""

    logprob: float
    """Sum over the answer's tokens, natural logarithm."""
    tokens: int


@dataclass(frozen=True, slots=True)
class HeadInput:
    """What a sequence head reads: a text, or two that belong together."""

    text: str
    pair: str | None = None
    longest: int | None = None
    """Tokens to which the end of `text` is cut, as the head's training did; None cuts nothing."""


@dataclass(frozen=True, slots=True)
class HeadOutput:
    """What a sequence head says of one input."""

    logits: tuple[float, ...]
    """One a label; empty where the input is longer than the checkpoint reads."""
    tokens: int


@dataclass(frozen=True, slots=True)
class Token:
    """A word piece of a text, and where in the text it stands."""

    id: int
    piece: str
    """As the tokenizer spells it."""
    start: int
    end: int
    """Characters of the text; pieces of one character's bytes share its place."""


Window = tuple[int, ...]
"""Token ids of a stretch of text, without the marks that the tokenizer puts around a text."""
Logits = tuple[float, ...]

Pooling = Literal["mean", "last"]
"""What an encoder's states become: their mean, or the last token's alone."""
Vector = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Loading:
    """A checkpoint is on its way into memory."""

    checkpoint: str
    stage: str
    fraction: float | None
    """Done so far from 0 to 1, or None where it can't be told."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Others are served first."""

    ahead: int
    seconds: float | None = None
    """Until its turn comes, guessed from recent answers; None while none has ended."""


@dataclass(frozen=True, slots=True)
class Started:
    """The prompt is tokenised and its computation begins."""

    prompt_tokens: int


@dataclass(frozen=True, slots=True)
class TextDelta:
    """New characters of the answer; all of them in a row are the result's text."""

    text: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The last event of an answer."""

    result: GenerationResult


Event = Loading | Waiting | Started | TextDelta | Finished


@dataclass(frozen=True, slots=True)
class LoadedCheckpoint:
    """A checkpoint in memory."""

    name: str
    placement: Placement
    bytes: int
    """Weights in memory."""
    seconds: float
    """How long loading took."""
    busy: bool
    """Whether an answer of it is being computed."""


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """What the engine holds and may hold."""

    facts: DeviceFacts | None
    """None until torch is imported."""
    loaded: tuple[LoadedCheckpoint, ...] = ()
    budget_bytes: int = 0
    used_bytes: int = 0
    active: int = 0
    waiting: int = 0
    failure: str = ""
    """Why the engine could not start; empty while all is well."""


@dataclass(frozen=True, slots=True)
class KernelReport:
    """How an attention kernel did in `doctor`, beside eager on the same probe."""

    name: str
    available: bool
    reason: str
    """Why it can or can't be used here."""
    device: str = ""
    dtype: str = ""
    largest_error: dict[str, float] = field(default_factory=dict)
    """Largest difference from eager, by case: `encoder`, `padded batch`, `teacher forcing`, `single step`."""
    milliseconds: float | None = None
    """One pass of the probe; None where it did not run."""
    baseline_milliseconds: float | None = None
    """The same pass with eager."""


class Answer(Protocol):
    """A request on its way."""

    def __iter__(self) -> Iterator[Event]:
        """Yield events until `Finished`; raises the `WorkbenchError` that ended the request."""
        ...

    def cancel(self) -> None:
        """Stop the computation at its next step; the iteration then ends with a `Finished` of reason `cancelled`."""
        ...


class Engine(Protocol):
    """Everything the app asks of torch."""

    def start(self) -> None:
        """Begin importing torch in the background; returns at once and may be called twice."""
        ...

    def generate(self, request: GenerationRequest) -> Answer:
        """Queue one prompt; raises `BusyError` when too many wait, of all or of its visitor."""
        ...

    def generate_batch(
        self, checkpoint: Checkpoint, prompts: Sequence[tuple[Piece, ...]], parameters: SamplingParameters
    ) -> list[GenerationResult]:
        """Answer many prompts in padded batches, in the order given; blocks, at background priority."""
        ...

    def score(
        self,
        checkpoint: Checkpoint,
        requests: Sequence[ScoringRequest],
        *,
        budget: int | None = None,
        urgent: bool = False,
        visitor: str = "",
    ) -> list[tuple[ChoiceScore, ...]]:
        """Return the scores of every request's choices, in the order given; blocks.

        Each distinct context is encoded once; the result does not depend on what is scored together. `budget` is the
        padded tokens of a batch, found from the free memory when left out. `urgent` work has somebody waiting for it:
        it takes turns with answers and counts as one of the visitor's requests, so that `BusyError` is raised when too
        many wait. All else is done while nobody waits.
        """
        ...

    def classify(
        self,
        checkpoint: Checkpoint,
        inputs: Sequence[HeadInput],
        *,
        budget: int | None = None,
        urgent: bool = False,
        visitor: str = "",
    ) -> list[HeadOutput]:
        """Return what a sequence head says of every input, in the order given; blocks.

        The result does not depend on what is computed together; see `score` for the rest.
        """
        ...

    def tag(
        self,
        checkpoint: Checkpoint,
        windows: Sequence[Window],
        *,
        budget: int | None = None,
        urgent: bool = False,
        visitor: str = "",
    ) -> list[tuple[Logits, ...]]:
        """Return what a token head says of every id of every window; empty for a window longer than is read; blocks.

        Each window is read with the tokenizer's marks around it. See `score` for the rest.
        """
        ...

    def tokens(self, checkpoint: Checkpoint, text: str) -> tuple[Token, ...]:
        """Return the word pieces of a text with their places; loads the tokenizer, not the weights."""
        ...

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
        """Return a vector of length 1 of every text, in the order given; empty for one longer than is read; blocks.

        Takes any checkpoint, since each has an encoder. See `score` for the rest.
        """
        ...

    def look(
        self, checkpoint: Checkpoint, pieces: Sequence[Piece], answer: Sequence[int], *, visitor: str = ""
    ) -> CrossAttention:
        """Return where the decoder looks in a prompt while it writes an answer's ids; blocks, always urgent.

        Computed with eager attention, the only one that tells its weights, whatever answers are computed with.
        """
        ...

    def load(self, checkpoint: Checkpoint) -> Iterator[Loading]:
        """Load a checkpoint, yielding progress; returns when it is in memory."""
        ...

    def unload(self, name: str) -> bool:
        """Drop a checkpoint and give its memory back; returns whether it was loaded."""
        ...

    def count_tokens(self, checkpoint: Checkpoint, pieces: Sequence[Piece]) -> int:
        """Return the number of encoder tokens of a prompt; loads the tokenizer, not the weights."""
        ...

    def place(self, checkpoint: Checkpoint) -> Placement:
        """Return where the checkpoint would run, with reasons; raises `PlacementError` or `TooBigError`."""
        ...

    def status(self) -> EngineStatus:
        """Return what is loaded now; never blocks on a computation."""
        ...

    def close(self) -> None:
        """End the worker; waiting requests end with `StoppedError`."""
        ...
