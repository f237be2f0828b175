"""One prompt answered by two to four sides, as values: what was asked of whom, what came back, which was found better.

Refuses to know how answers are computed or drawn. Steps that change a comparison return a new one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal

from t5gemma_app.engine.types import FinishReason, GenerationResult, SamplingParameters
from t5gemma_app.errors import InputError
from t5gemma_app.tasks.chat import PRESETS
from t5gemma_app.tasks.conversation import clean_text
from t5gemma_app.tasks.difference import Difference, compare

Letter = Literal["A", "B", "C", "D"]
LETTERS: tuple[Letter, ...] = ("A", "B", "C", "D")
FEWEST = 2
MOST = len(LETTERS)
TIE, BAD = "tie", "bad"
"""Votes for no side: all equally good, all bad."""

Choice = Literal["", "A", "B", "C", "D", "tie", "bad"]

_STYLED = {
    "temperature": "temperature",
    "top_k": "top-k",
    "top_p": "top-p",
    "min_p": "min-p",
    "repetition_penalty": "penalty",
}
"""What makes a style, and how it is called."""


@dataclass(frozen=True, slots=True)
class Side:
    """Who answers, and how."""

    letter: Letter
    checkpoint: str
    parameters: SamplingParameters = field(default_factory=SamplingParameters)

    @property
    def style(self) -> str:
        """How words are chosen, in words."""
        return style_of(self.parameters)

    @property
    def label(self) -> str:
        """Checkpoint and style, which is what votes are counted by."""
        return f"{self.checkpoint} · {self.style}"


@dataclass(frozen=True, slots=True)
class Figures:
    """What an answer cost, and where it was computed."""

    seconds_to_first_token: float
    tokens_per_second: float
    """Of the tokens after the first; 0 where there is only one."""
    new_tokens: int
    device: str
    dtype: str
    attention: str
    finish_reason: FinishReason
    memory_bytes: int = 0
    """Weights in memory; 0 where it is not known."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A side with its answer, once it is there."""

    side: Side
    text: str = ""
    figures: Figures | None = None
    """Known when the answer is finished."""
    problem: str = ""
    """Why there is no answer; what happened on the first line, what to do on the next."""
    notice: str = ""
    """What a person should know about the way the prompt was sent; mostly empty."""

    @property
    def answered(self) -> bool:
        """Whether there is an answer to judge."""
        return self.figures is not None

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return self.answered or bool(self.problem)


@dataclass(frozen=True, slots=True)
class Comparison:
    """A prompt with its answers, in the order in which they are shown; a vote is one with a choice."""

    id: str
    prompt: str
    system: str = ""
    blind: bool = False
    """Whether the order was drawn and the names are hidden until the vote."""
    asked: float = 0.0
    """Seconds since 1970."""
    entries: tuple[Entry, ...] = ()
    choice: Choice = ""

    @property
    def hidden(self) -> bool:
        """Whether the names of the sides must not be seen yet."""
        return self.blind and not self.choice

    @property
    def votable(self) -> bool:
        """Whether all is over and at least two answers are there to choose from."""
        answered = sum(entry.answered for entry in self.entries)
        return answered >= FEWEST and all(entry.ended for entry in self.entries)

    def name(self, index: int) -> str:
        """Return what the entry at a place is called: its letter, or its number while the letters are hidden."""
        return str(index + 1) if self.hidden else self.entries[index].side.letter

    def reference(self) -> int | None:
        """Return the place of the answer that others are compared with: the first, unless it failed.

        None while it is not known, because one before it is still on its way.
        """
        for index, entry in enumerate(self.entries):
            if not entry.ended:
                return None
            if entry.answered:
                return index
        return None

    def difference(self, index: int) -> Difference | None:
        """Return where a finished answer differs from the reference; None where there is nothing to compare."""
        first, entry = self.reference(), self.entries[index]
        if first is None or first == index or not entry.answered:
            return None
        return compare(self.entries[first].text, entry.text)


@dataclass(frozen=True, slots=True)
class Standing:
    """How often a side was chosen."""

    label: str
    won: int = 0
    lost: int = 0
    tied: int = 0
    bad: int = 0

    @property
    def votes(self) -> int:
        """Votes in which it took part."""
        return self.won + self.lost + self.tied + self.bad


def style_of(parameters: SamplingParameters) -> str:
    """Return the preset that these values are, or the values that are not neutral."""
    neutral = SamplingParameters()
    if parameters.greedy and parameters.repetition_penalty == neutral.repetition_penalty:
        return PRESETS[0].name  # the other values only choose among words that greedy never looks at
    for preset in PRESETS:
        if all(getattr(preset.parameters, name) == getattr(parameters, name) for name in _STYLED):
            return preset.name
    values = ((words, getattr(parameters, name), getattr(neutral, name)) for name, words in _STYLED.items())
    chosen = [f"{words} {value:g}" for words, value, usual in values if value != usual]
    return ", ".join(["greedy", *chosen] if parameters.greedy else chosen)


def figures_of(result: GenerationResult, memory_bytes: int = 0) -> Figures:
    """Return what an answer cost."""
    statistics = result.statistics
    return Figures(
        statistics.seconds_to_first_token,
        statistics.tokens_per_second,
        statistics.new_tokens,
        statistics.device,
        statistics.dtype,
        statistics.attention,
        result.finish_reason,
        memory_bytes,
    )


def with_entry(comparison: Comparison, index: int, entry: Entry) -> Comparison:
    """Replace the entry at a place; its texts become such as storage takes."""
    text, problem, notice = (clean_text(text) for text in (entry.text, entry.problem, entry.notice))
    entry = replace(entry, text=text, problem=problem, notice=notice)
    return replace(comparison, entries=(*comparison.entries[:index], entry, *comparison.entries[index + 1 :]))


def voted(comparison: Comparison, choice: str) -> Comparison:
    """Return the comparison with a vote, instead of an earlier one; the sides are then in the order of their letters.

    Raises:
        InputError: There is nothing to vote on, or no such answer.
    """
    if not comparison.votable:
        raise InputError("There are not two answers to choose from.", remedy="Ask again.")
    for known in choices_of(comparison):
        if known == choice:
            entries = tuple(sorted(comparison.entries, key=lambda entry: entry.side.letter))
            return replace(comparison, entries=entries, choice=known)
    raise InputError(f"There is no answer {choice[:20]!r} to vote for.", remedy="Reload the page.")


def choices_of(comparison: Comparison) -> tuple[Choice, ...]:
    """Return the votes that can be given: every side that answered, in the order shown, then tie and bad."""
    letters: list[Choice] = [entry.side.letter for entry in comparison.entries if entry.answered]
    return (*letters, "tie", "bad")


def tally(votes: Iterable[Comparison]) -> tuple[Standing, ...]:
    """Count the votes of every side that answered, the most often chosen first."""
    found: dict[str, Standing] = {}
    for vote in votes:
        for entry in vote.entries:
            if entry.answered and vote.choice:
                label = entry.side.label
                found[label] = _counted(found.get(label, Standing(label)), entry.side.letter, vote.choice)
    return tuple(sorted(found.values(), key=lambda one: (-one.won, one.lost, one.label)))


def _counted(standing: Standing, letter: Letter, choice: Choice) -> Standing:
    if choice == TIE:
        return replace(standing, tied=standing.tied + 1)
    if choice == BAD:
        return replace(standing, bad=standing.bad + 1)
    if choice == letter:
        return replace(standing, won=standing.won + 1)
    return replace(standing, lost=standing.lost + 1)
