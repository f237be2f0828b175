"""Skills with a table of answers: facts, capitals, opposites, plurals, small talk."""
# ruff: noqa: E501  (tables of wordings are read more easily in long lines)

from __future__ import annotations

from random import Random

from t5gemma_app.training.demo.facts.capitals import CAPITALS
from t5gemma_app.training.demo.facts.everyday import EVERYDAY
from t5gemma_app.training.demo.facts.fact import Fact
from t5gemma_app.training.demo.facts.nature import NATURE
from t5gemma_app.training.demo.facts.opposites import OPPOSITES
from t5gemma_app.training.demo.facts.plurals import PLURALS
from t5gemma_app.training.demo.facts.science import SCIENCE
from t5gemma_app.training.demo.facts.smalltalk import SMALL_TALK
from t5gemma_app.training.demo.frames import PLAIN, SMALL_DECORATIONS, Wordings, decorate, loosen
from t5gemma_app.training.demo.split import Exchange, Sampler, Split

FACTS: tuple[Fact, ...] = (*NATURE, *SCIENCE, *EVERYDAY)

CAPITAL_FRAMES: tuple[str, ...] = (
    "What is the capital of {x}?", "What's the capital of {x}?", "Which city is the capital of {x}?", "Name the capital of {x}.",
    "The capital of {x} is", "Capital of {x}?", "What city is the capital of {x}?", "What is the capital city of {x}?",
    "Do you know the capital of {x}?", "Tell me the capital of {x}.", "Give me the capital of {x}.", "Can you name the capital of {x}?",
    "I need the capital of {x}.", "What is the name of the capital of {x}?", "Of {x}, what is the capital?",
    "What do you call the capital of {x}?", "Which capital does {x} have?", "Could you tell me the capital of {x}?",
    "Please tell me the capital of {x}.", "What is called the capital of {x}?", "Please name the capital city of {x}.",
    "I forgot the capital of {x}.", "What would be the capital of {x}?", "Say the capital of {x}.", "If I go to {x}, what is the capital?",
)  # fmt: skip

OPPOSITE_FRAMES: tuple[str, ...] = (
    "What is the opposite of {x}?", "What's the opposite of {x}?", "Opposite of {x}?", "Name the opposite of {x}.",
    "Give me the opposite of {x}.", "Tell me the opposite of {x}.", "What is the contrary of {x}?", "Which word is the opposite of {x}?",
    "Which word means the opposite of {x}?", "The opposite of {x} is", "Do you know the opposite of {x}?", "I need the opposite of {x}.",
    "What word is opposite to {x}?", "Can you name the opposite of {x}?", "Please tell me the opposite of {x}.",
    "Find the opposite of {x}.", "What is an antonym of {x}?", "Give an antonym of {x}.", "Say the opposite of {x}.",
    "What do you call the opposite of {x}?", "Could you give me the opposite of {x}?", "Write the opposite of {x}.",
)  # fmt: skip

PLURAL_FRAMES: tuple[str, ...] = (
    "What is the plural of {x}?", "What's the plural of {x}?", "Plural of {x}?", "Name the plural of {x}.", "Give me the plural of {x}.",
    "Tell me the plural of {x}.", "What is the plural form of {x}?", "How do you write the plural of {x}?", "The plural of {x} is",
    "Do you know the plural of {x}?", "I need the plural of {x}.", "Can you name the plural of {x}?", "Please tell me the plural of {x}.",
    "Form the plural of {x}.", "How do you say {x} in the plural?", "Write the plural of {x}.", "What is the plural for the word {x}?",
    "Put {x} into the plural.", "Say the plural of {x}.", "Could you give me the plural of {x}?", "How is the plural of {x} formed?",
)  # fmt: skip


def _quoted(rng: Random, word: str) -> str:
    return rng.choices((word, f'"{word}"', f"'{word}'"), (6, 4, 1))[0]


def country_name(rng: Random, country: str) -> str:
    """Write a country with or without its article."""
    return country.removeprefix("the ") if rng.random() < 0.3 else country


def _table(split: Split, skill: str, frames: tuple[str, ...], rows: tuple[tuple[str, str], ...]) -> Sampler:
    wordings = Wordings(split, skill, frames)

    def sample(rng: Random) -> Exchange:
        word, answer = rng.choice(rows)
        frame, decoration = wordings.known(rng)
        shown = country_name(rng, word) if skill == "capitals" else _quoted(rng, word)
        return Exchange(skill, loosen(rng, decorate(decoration, frame.replace("{x}", shown))), answer)

    return sample


def capitals(split: Split) -> Sampler:
    """Ask for the capital of a country."""
    return _table(split, "capitals", CAPITAL_FRAMES, CAPITALS)


def opposites(split: Split) -> Sampler:
    """Ask for the opposite of a word."""
    return _table(split, "opposites", OPPOSITE_FRAMES, OPPOSITES)


def plurals(split: Split) -> Sampler:
    """Ask for the plural of a noun."""
    return _table(split, "plurals", PLURAL_FRAMES, PLURALS)


# One question of some facts is never shown in any form; every fact keeps at least two.
REWORDED_SHARE = 0.12


def reworded_question(seed: int, fact: Fact) -> str | None:
    """Return the question of this fact that training never shows, if it has one."""
    held = Split(seed, held_out=True).part(f"question:{fact.answer}", fact.questions[1:], REWORDED_SHARE)
    return held[0] if held and len(fact.questions) > 2 else None


def facts(split: Split) -> Sampler:
    """Ask a short factual question; held out, inside a decoration never seen in training."""
    wordings = Wordings(split, "facts", (PLAIN,))
    pairs = tuple(
        (fact, tuple(q for q in fact.questions if q != reworded_question(split.seed, fact))) for fact in FACTS
    )

    def sample(rng: Random) -> Exchange:
        fact, questions = rng.choice(pairs)
        _, decoration = wordings.known(rng)
        return Exchange("facts", loosen(rng, decorate(decoration, rng.choice(questions))), fact.answer)

    return sample


def reworded(split: Split) -> Sampler:
    """Ask a short factual question in words that training never shows for it; only the held-out side has any."""
    pairs = tuple((fact, q) for fact in FACTS if (q := reworded_question(split.seed, fact)) is not None)

    def sample(rng: Random) -> Exchange:
        fact, question = rng.choice(pairs)
        return Exchange("facts reworded", question, fact.answer)

    return sample


def small_talk(split: Split) -> Sampler:
    """Chat a little; held out, inside a decoration never seen in training."""
    wordings = Wordings(split, "small talk", (PLAIN,), SMALL_DECORATIONS)

    def sample(rng: Random) -> Exchange:
        fact = rng.choice(SMALL_TALK)
        wording = rng.choice(fact.questions)
        _, decoration = wordings.known(rng)
        if not wording.endswith(("?", ".", "!")):
            wording += rng.choice(("", "", ".", "!"))
        return Exchange("small talk", loosen(rng, decorate(decoration, wording)), fact.answer)

    return sample
