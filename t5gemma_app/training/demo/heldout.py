"""The 500 held-out prompts of the measurement, fixed by the seed.

Knows how many prompts each skill gets; refuses to know the model. No outside data is needed.
"""

from __future__ import annotations

from random import Random

from t5gemma_app.training.demo.mixture import Conversation, Dresser, samplers
from t5gemma_app.training.demo.skills.closed import reworded
from t5gemma_app.training.demo.split import Exchange, Sampler, Split

COUNTS: dict[str, int] = {
    "facts": 75,
    "facts reworded": 20,
    "capitals": 55,
    "opposites": 45,
    "plurals": 40,
    "sums": 45,
    "times": 15,
    "upper case": 40,
    "extraction": 40,
    "passage": 40,
    "small talk": 35,
    "unknown": 30,
    "memory": 20,
}
# Of each skill's prompts, every sixth has unrelated earlier turns, every seventh a system text and every tenth no
# generation prompt.
HISTORY_EVERY, SYSTEM_EVERY, PROMPTLESS_EVERY = 6, 7, 10


def held_out(seed: int, draw: int = 0) -> tuple[Conversation, ...]:
    """Return the held-out conversations of one draw; no question comes twice.

    Draw 0 is the one whose failures were looked at while the recipe was made; another draw takes other prompts from the
    same side of the split.
    """
    split = Split(seed, held_out=True)
    take = {**samplers(split), "facts reworded": reworded(split)}
    seen_side = samplers(Split(seed, held_out=False))
    dresser = Dresser(
        split, {name: sampler for name, sampler in seen_side.items() if name not in ("memory", "passage")}
    )
    rng = Random(f"held out:{seed}:{draw}" if draw else f"held out:{seed}")  # noqa: S311  (rows that can be made again, no secrets)
    rows: list[Conversation] = []
    asked: set[str] = set()
    for skill, count in COUNTS.items():
        for index in range(count):
            exchange = _fresh(rng, take[skill], asked)
            rows.append(
                dresser.dress(
                    rng,
                    exchange,
                    history=index % HISTORY_EVERY == 5,
                    system=index % SYSTEM_EVERY == 6,
                    answer_prompt=index % PROMPTLESS_EVERY != 9,
                )
            )
    return tuple(rows)


def _fresh(rng: Random, sampler: Sampler, asked: set[str]) -> Exchange:
    while True:
        exchange = sampler(rng)
        key = "\n".join((*(text for pair in exchange.earlier for text in pair), exchange.question))
        if key not in asked:
            asked.add(key)
            return exchange


def written_question(conversation: Conversation) -> str:
    """Return everything the user said last, as the key by which overlap with training is counted."""
    return "\n".join(turn.text for turn in conversation.turns)
