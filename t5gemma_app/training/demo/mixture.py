"""The endless stream of conversations that the model is trained on.

Knows how often each skill comes and how a question is dressed with history and system text; refuses to know tokens and
batches. A chunk depends on nothing but the seed and its number, so a resumed run sees the rows it would have seen.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from t5gemma_app.tasks.turns import Turn, fold_system
from t5gemma_app.training.demo.facts.sources import SOURCES
from t5gemma_app.training.demo.facts.unknown import SYSTEM_SENTENCES
from t5gemma_app.training.demo.skills import closed, letters, memory, reading, sums
from t5gemma_app.training.demo.skills.unknown import unknown
from t5gemma_app.training.demo.split import Exchange, Sampler, Split

# Shares of training rows. Tables of facts are learnt first and soon; copying and arithmetic need many more rows.
EARLY_SHARES: dict[str, float] = {
    "facts": 0.26,
    "capitals": 0.11,
    "opposites": 0.1,
    "plurals": 0.05,
    "sums": 0.13,
    "times": 0.03,
    "upper case": 0.09,
    "extraction": 0.07,
    "passage": 0.07,
    "small talk": 0.06,
    "unknown": 0.07,
    "memory": 0.04,
}
LATE_SHARES: dict[str, float] = {
    "facts": 0.13,
    "capitals": 0.08,
    "opposites": 0.1,
    "plurals": 0.04,
    "sums": 0.2,
    "times": 0.03,
    "upper case": 0.14,
    "extraction": 0.09,
    "passage": 0.09,
    "small talk": 0.03,
    "unknown": 0.04,
    "memory": 0.05,
}
LAST_SHARES: dict[str, float] = {
    "facts": 0.1,
    "capitals": 0.07,
    "opposites": 0.07,
    "plurals": 0.03,
    "sums": 0.1,
    "times": 0.02,
    "upper case": 0.2,
    "extraction": 0.13,
    "passage": 0.16,
    "small talk": 0.03,
    "unknown": 0.05,
    "memory": 0.05,
}
AGAIN_SHARES: dict[str, float] = {
    "facts": 0.1,
    "capitals": 0.07,
    "opposites": 0.05,
    "plurals": 0.03,
    "sums": 0.13,
    "times": 0.05,
    "upper case": 0.18,
    "extraction": 0.1,
    "passage": 0.18,
    "small talk": 0.03,
    "unknown": 0.04,
    "memory": 0.04,
}
LATE_FROM_CHUNK, LAST_FROM_CHUNK, AGAIN_FROM_CHUNK = 27, 57, 116
WITH_HISTORY, WITH_SYSTEM, WITHOUT_PROMPT = 0.08, 0.08, 0.1
HELD_SYSTEM = 0.2


@dataclass(frozen=True, slots=True)
class Conversation:
    """What the model is given and what it shall answer."""

    skill: str
    turns: tuple[Turn, ...]
    answer: str
    answer_prompt: bool = True
    """Whether the start of the model's turn is written after the last question."""


def shares_of(chunk: int) -> dict[str, float]:
    """Return how often each skill comes in a chunk."""
    if chunk < LATE_FROM_CHUNK:
        return EARLY_SHARES
    if chunk < LAST_FROM_CHUNK:
        return LATE_SHARES
    return LAST_SHARES if chunk < AGAIN_FROM_CHUNK else AGAIN_SHARES


def extra_unknown(data: Path | None) -> tuple[str, ...]:
    """Read the questions of a local data folder that shall be declined; none without a folder."""
    found: list[str] = []
    for source in SOURCES:
        path = None if data is None else data / source.file
        if path is None or not path.is_file():
            continue
        for line in path.read_text(encoding="utf-8").splitlines():
            prompt = str(json.loads(line)["prompt"]).strip()
            if len(prompt) <= 90 and not any(word in prompt.lower() for word in source.leave_out):
                found.append(prompt[0].upper() + prompt[1:])
    return tuple(found)


def samplers(split: Split, extra: tuple[str, ...] = ()) -> dict[str, Sampler]:
    """Build one sampler for each skill, all on the same side of the split."""
    builders: dict[str, Callable[[Split], Sampler]] = {
        "facts": closed.facts, "capitals": closed.capitals, "opposites": closed.opposites, "plurals": closed.plurals,
        "sums": sums.sums, "times": sums.times, "upper case": letters.upper_case, "extraction": reading.extraction,
        "passage": reading.passage, "small talk": closed.small_talk, "memory": memory.memory,
    }  # fmt: skip
    built = {name: build(split) for name, build in builders.items()}
    built["unknown"] = unknown(split, extra)
    return built


class Dresser:
    """Turns an exchange into a conversation: earlier turns, a system text, a missing generation prompt."""

    def __init__(self, split: Split, earlier: dict[str, Sampler]) -> None:
        self._earlier = earlier
        self._names = tuple(earlier)
        self._systems = split.part("system", SYSTEM_SENTENCES, HELD_SYSTEM)

    def dress(
        self, rng: Random, exchange: Exchange, *, history: bool, system: bool, answer_prompt: bool
    ) -> Conversation:
        """Write the exchange as turns, with unrelated earlier exchanges where `history` asks for them."""
        before: list[tuple[str, str]] = list(exchange.earlier)
        if history:
            for _ in range(rng.choice((1, 1, 1, 2, 3)) if not before else 1):
                other = self._earlier[rng.choice(self._names)](rng)
                before.insert(rng.randint(0, len(before)), (other.question, other.answer))
        turns: list[Turn] = []
        for question, answer in before:
            turns += [Turn("user", question), Turn("assistant", answer)]
        turns.append(Turn("user", exchange.question))
        folded = fold_system(turns, rng.choice(self._systems) if system else "")
        return Conversation(exchange.skill, folded, exchange.answer, answer_prompt)


class Mixture:
    """The training stream, cut into numbered chunks."""

    def __init__(self, seed: int, data: Path | None = None) -> None:
        self._seed = seed
        split = Split(seed, held_out=False)
        self._samplers = samplers(split, extra_unknown(data))
        # Earlier turns must not tell a name by chance, or the answer to "What is my name?" would be wrong.
        self._dresser = Dresser(
            split, {name: take for name, take in self._samplers.items() if name not in ("memory", "passage")}
        )

    def chunk(self, number: int, rows: int) -> list[Conversation]:
        """Return the conversations of one chunk."""
        rng = Random(f"{self._seed}:{number}")  # noqa: S311  (rows that can be made again, no secrets)
        shares = shares_of(number)
        names = rng.choices(tuple(shares), tuple(shares.values()), k=rows)
        return [self._one(rng, self._samplers[name]) for name in names]

    def _one(self, rng: Random, sampler: Sampler) -> Conversation:
        return self._dresser.dress(
            rng,
            sampler(rng),
            history=rng.random() < WITH_HISTORY,
            system=rng.random() < WITH_SYSTEM,
            answer_prompt=rng.random() >= WITHOUT_PROMPT,
        )
