"""Chat: what of a conversation fits the encoder, with which parameters it is answered, and what the answer cost.

Knows limits and presets; counting and answering are the engine's, writing turns down is `turns`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.engine.types import Answer, Engine, GenerationRequest, GenerationResult, Piece, SamplingParameters
from t5gemma_app.errors import InputError, TooLongError
from t5gemma_app.tasks.conversation import clean_text
from t5gemma_app.tasks.turns import BOS, Turn, fold_system, write_turns, written

Count = Callable[[Sequence[Piece]], int]

# The shortest encoder of the family; used while a hub checkpoint's configuration has not been read.
SAFE_POSITIONS = 8192

RAW_NOTICE = "This checkpoint was only pretrained and knows no turns: the last message alone was sent, as it is."
RAW_SYSTEM_NOTICE = "The system text was left out."
UNKNOWN_NOTICE = "It is not known whether this checkpoint was taught to follow turns; they were sent."


@dataclass(frozen=True, slots=True)
class Preset:
    """A named way of sampling."""

    name: str
    about: str
    parameters: SamplingParameters


PRESETS: tuple[Preset, ...] = (
    Preset("Greedy", "always the most probable word; the same answer every time", SamplingParameters()),
    Preset("Precise", "close to greedy, for facts and short texts", SamplingParameters(temperature=0.3, top_p=0.9)),
    Preset(
        "Balanced", "some variety, rarely off the subject", SamplingParameters(temperature=0.7, top_k=64, top_p=0.95)
    ),
    Preset(
        "Creative", "much variety, for stories and ideas", SamplingParameters(temperature=1.1, top_k=64, min_p=0.05)
    ),
)


@dataclass(frozen=True, slots=True)
class Fitted:
    """A conversation as it is sent, and what of it was left out."""

    pieces: tuple[Piece, ...]
    tokens: int
    limit: int
    """Tokens the encoder takes."""
    turns_kept: int
    turns_dropped: int
    raw: bool = False
    """Whether the last message alone was sent, without turns."""
    notice: str = ""
    """What a person should know about the way it was sent; mostly empty."""

    def sentence(self) -> str:
        """Return the fill of the encoder in words, such as `312 of 8,192 tokens, 4 of 6 turns kept`."""
        fill = f"{self.tokens:,} of {self.limit:,} tokens"
        if not self.turns_dropped:
            return fill
        return f"{fill}, {self.turns_kept} of {self.turns_kept + self.turns_dropped} turns kept"


class Begun(NamedTuple):
    """What was sent, and the answer on its way."""

    fitted: Fitted
    answer: Answer


def preset_named(name: str) -> Preset:
    """Return a preset by its name, in any case.

    Raises:
        InputError: There is none of this name.
    """
    for preset in PRESETS:
        if preset.name.lower() == name.strip().lower():
            return preset
    raise InputError(f"There is no preset {name!r}.", expected=f"It is one of {', '.join(p.name for p in PRESETS)}.")


def what_was_sent(fitted: Fitted) -> str:
    """Return the prompt as one string, markers included."""
    return written(fitted.pieces)


def fit_turns(turns: Sequence[Turn], system: str, limit: int, count: Count, *, raw: bool = False) -> Fitted:
    """Keep as much of a conversation as the encoder takes, dropping the oldest whole exchanges.

    An exchange is a user turn with its answer, so what is sent begins with a user turn. The system text goes in front
    of the first user turn that remains. The last user turn is never cut.

    Args:
        turns: The conversation; its last turn is the user's.
        system: The system text, or an empty string.
        limit: Tokens the encoder takes.
        count: Returns the number of tokens of some pieces; called once when all fits, else about log2(exchanges) times.
        raw: Send `<bos>` and the last user turn as it is, without turn markers, system text and history.

    Raises:
        InputError: The last user turn alone is too long, or the last turn is not the user's.
    """
    if not turns or turns[-1].role != "user":
        raise InputError("There is no message to answer.", expected="The last turn must be the user's.")
    if raw:
        return _fit_raw(turns, system, limit, count)
    starts = [index for index, turn in enumerate(turns) if turn.role == "user"]

    def attempt(exchange: int) -> Fitted:
        kept = turns[starts[exchange] :]
        pieces = write_turns(fold_system(kept, system))
        return Fitted(pieces, count(pieces), limit, len(kept), len(turns) - len(kept))

    best = attempt(0)
    if best.tokens <= limit:
        return best
    best = attempt(len(starts) - 1)
    if best.tokens > limit:
        raise _too_long(best, bool(system.strip()))
    low, high = 1, len(starts) - 1  # dropping `high` exchanges fits, dropping `low - 1` does not
    while low < high:
        middle = (low + high) // 2
        trial = attempt(middle)
        if trial.tokens <= limit:
            best, high = trial, middle
        else:
            low = middle + 1
    return best


def _fit_raw(turns: Sequence[Turn], system: str, limit: int, count: Count) -> Fitted:
    pieces = (Piece(BOS, control=True), Piece(turns[-1].text))
    notice = f"{RAW_NOTICE} {RAW_SYSTEM_NOTICE}" if system.strip() else RAW_NOTICE
    fitted = Fitted(pieces, count(pieces), limit, 1, len(turns) - 1, raw=True, notice=notice)
    if fitted.tokens > limit:
        raise _too_long(fitted, False)
    return fitted


def _too_long(fitted: Fitted, with_system: bool) -> TooLongError:
    what = "The message and the system text have" if with_system else "The message has"
    return TooLongError(
        f"{what} {fitted.tokens:,} tokens.",
        expected=f"This checkpoint's encoder takes {fitted.limit:,}.",
        remedy="Shorten it, or split it into several messages.",
    )


def _check_whole(fitted: Fitted, system: str) -> None:
    if fitted.raw and (fitted.turns_dropped or system.strip()):
        raise InputError(
            "This checkpoint was only pretrained and knows no turns.",
            expected="One message, without a system text.",
            remedy="Send the text to be continued as the only message, or choose an instruction-tuned checkpoint.",
        )
    if fitted.turns_dropped:
        kept = fitted.turns_kept + fitted.turns_dropped
        raise TooLongError(
            f"The conversation of {kept} messages is too long.",
            expected=f"This checkpoint's encoder takes {fitted.limit:,} tokens.",
            remedy="Leave the oldest messages out, or shorten them.",
        )


@dataclass(frozen=True, slots=True)
class Chat:
    """Answers conversations through an engine, within a server's limits."""

    engine: Engine
    max_text: int
    """Characters a message, and a system text, may have."""
    max_new_tokens: int
    """Tokens an answer may have, whatever is asked for."""

    def fit(self, checkpoint: Checkpoint, turns: Sequence[Turn], system: str = "", raw: bool | None = None) -> Fitted:
        """Check and clean a conversation, and keep what fits; loads the tokenizer but no weights.

        Args:
            checkpoint: The checkpoint that will answer.
            turns: The conversation; its last turn is the user's.
            system: The system text, or an empty string.
            raw: Whether the last message is sent without turns; None does so for pretrained checkpoints only.

        Raises:
            InputError: The message is empty or too long, or the checkpoint has a classification head.
        """
        if checkpoint.head != "none":
            raise InputError(
                f"{checkpoint.name} has a classification head and writes no text.",
                remedy="Choose another checkpoint here, or use this one to classify or tag.",
            )
        turns, system = self._checked(turns, system)
        if raw is None:
            raw = checkpoint.stage == "pretrained"
        limit = checkpoint.encoder.positions if checkpoint.encoder else SAFE_POSITIONS
        fitted = fit_turns(turns, system, limit, lambda pieces: self.engine.count_tokens(checkpoint, pieces), raw=raw)
        if checkpoint.stage == "unknown" and not raw:
            return replace(fitted, notice=UNKNOWN_NOTICE)
        return fitted

    def start(
        self,
        checkpoint: Checkpoint,
        turns: Sequence[Turn],
        system: str = "",
        parameters: SamplingParameters | None = None,
        raw: bool | None = None,
        visitor: str = "",
        whole: bool = False,
    ) -> Begun:
        """Check a conversation, keep what fits, and let the engine answer it.

        Args:
            checkpoint: The checkpoint that answers.
            turns: The conversation; its last turn is the user's.
            system: The system text, or an empty string.
            parameters: How it is answered; greedy when left out.
            raw: See `fit`.
            visitor: Who asks; visitors take turns.
            whole: Refuse a conversation of which turns would have to be left out.

        Raises:
            InputError: The message or a parameter can't be used; see `fit`.
            TooLongError: The same, where it is too long.
            BusyError: Too many requests are waiting.
        """
        chosen = (parameters or SamplingParameters()).checked().limited(self.max_new_tokens)
        fitted = self.fit(checkpoint, turns, system, raw)
        if whole:
            _check_whole(fitted, system)
        return Begun(fitted, self.engine.generate(GenerationRequest(checkpoint, fitted.pieces, chosen, visitor)))

    def note(self, result: GenerationResult) -> str:
        """Return the quiet line under an answer: time, speed, lengths, seed and where it was computed."""
        statistics = result.statistics
        parts = [f"{statistics.seconds_to_first_token:.2f} s to first token"]
        if statistics.tokens_per_second > 0:
            parts.append(f"{statistics.tokens_per_second:,.1f} tokens/s")
        parts += [
            f"{statistics.prompt_tokens:,} tokens in, {statistics.new_tokens:,} out",
            f"seed {statistics.seed}",
            statistics.device,
            statistics.dtype,
            statistics.attention.replace("_", " "),
        ]
        if result.finish_reason == "length":
            parts.append("cut at the length limit")
        elif result.finish_reason == "cancelled":
            parts.append("stopped")
        return " · ".join(parts)

    def _checked(self, turns: Sequence[Turn], system: str) -> tuple[tuple[Turn, ...], str]:
        cleaned = tuple(Turn(turn.role, clean_text(turn.text)) for turn in turns)
        if not cleaned or cleaned[-1].role != "user":
            raise InputError("There is no message to answer.", expected="The last turn must be the user's.")
        if not cleaned[-1].text.strip():
            raise InputError("The message is empty.", remedy="Write one first.")
        for name, text in (("message", cleaned[-1].text), ("system text", system)):
            if len(text) > self.max_text:
                raise TooLongError(
                    f"The {name} has {len(text):,} characters.",
                    expected=f"This server takes {self.max_text:,}.",
                    remedy="Shorten it, or raise T5GEMMA_MAX_TEXT.",
                )
        return cleaned, clean_text(system)
