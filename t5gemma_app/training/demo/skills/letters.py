"""Writing words in capital letters."""
# ruff: noqa: E501  (tables of wordings are read more easily in long lines)

from __future__ import annotations

import re
from random import Random

from t5gemma_app.training.demo.facts.names import FIRST_NAMES, WORDS
from t5gemma_app.training.demo.frames import Wordings, decorate
from t5gemma_app.training.demo.invented import invented, joined
from t5gemma_app.training.demo.skills.closed import FACTS
from t5gemma_app.training.demo.split import Exchange, Sampler, Split

HELD_WORDS = 0.12
# Invented words can't be learnt by heart, so training takes more of them.
INVENTED_IN_TRAINING, INVENTED_HELD_OUT = 0.55, 0.15
# Of the invented ones, this share joins two listed words, kept back or not: the joined word is neither of them.
JOINED = 0.7

FRAMES: tuple[str, ...] = (
    "Write {x} in capital letters.", "Write {x} in upper case.", "Write {x} in uppercase.", "Make {x} upper case.",
    "Convert {x} to upper case.", "Convert {x} to uppercase.", "Turn {x} into capital letters.", "Put {x} in capital letters.",
    "Uppercase: {x}", "Upper case: {x}", "Write in capital letters: {x}", "Write in upper case: {x}", "Change {x} to capital letters.",
    "Can you write {x} in capital letters?", "Say {x} in capital letters.", "Please write {x} in capitals.", "In capital letters: {x}",
    "Make this upper case: {x}", "How do you write {x} in capital letters?", "Convert this to uppercase: {x}",
)  # fmt: skip


def words() -> tuple[str, ...]:
    """Return every plain lower-case word the recipe knows."""
    told = re.findall(r"[a-z]{3,}", " ".join(f"{fact.answer} {' '.join(fact.questions)}" for fact in FACTS))
    return tuple(dict.fromkeys((*WORDS, *told)))


def upper_case(split: Split) -> Sampler:
    """Ask for a word, a name or a phrase in capital letters; held out, every word of it is new to this skill."""
    wordings = Wordings(split, "upper case", FRAMES)
    known = split.part("word", words(), HELD_WORDS)
    everything = (*words(), *FIRST_NAMES)
    names = split.part("upper name", FIRST_NAMES, HELD_WORDS)
    share = INVENTED_HELD_OUT if split.held_out else INVENTED_IN_TRAINING

    def one(rng: Random) -> str:
        kind = rng.random()
        if kind < 0.1:
            return rng.choice(names)
        if kind < 0.1 + share:
            if not split.held_out and rng.random() < JOINED:
                return joined(rng, everything)
            made = invented(rng, split)
            return made if rng.random() < 0.5 else made.lower()
        return rng.choice(known)

    def sample(rng: Random) -> Exchange:
        phrase = " ".join(one(rng) for _ in range(rng.choices((1, 2, 3), (6, 3, 1))[0]))
        frame, decoration = wordings.open(rng)
        shown = rng.choice((phrase, f'"{phrase}"', phrase))
        return Exchange(
            "upper case", decorate(decoration, frame.replace("{x}", shown)), f"Here it is: {phrase.upper()}"
        )

    return sample
