"""Questions that the model shall decline."""

from __future__ import annotations

from random import Random

from t5gemma_app.training.demo.facts.capitals import CAPITALS
from t5gemma_app.training.demo.facts.names import FIRST_NAMES, TOWNS
from t5gemma_app.training.demo.facts.unknown import (
    DONT_KNOW,
    EVENT_FRAMES,
    EVENTS,
    HARD_QUESTIONS,
    NAME_FRAMES,
    PLACE_FRAMES,
)
from t5gemma_app.training.demo.frames import PLAIN, Wordings, decorate, loosen
from t5gemma_app.training.demo.invented import invented
from t5gemma_app.training.demo.skills.closed import CAPITAL_FRAMES, FACTS
from t5gemma_app.training.demo.split import Exchange, Sampler, Split

_OWN = (
    "What is my name?",
    "Where do I live?",
    "Do you know my name?",
    "What's my name?",
    "Who am I?",
    "Which town do I live in?",
)


def _person(rng: Random, split: Split) -> str:
    first = rng.choice(FIRST_NAMES) if rng.random() < 0.6 else invented(rng, split)
    return f"{first} {invented(rng, split)}" if rng.random() < 0.85 else invented(rng, split)


def unknown(split: Split, extra: tuple[str, ...] = ()) -> Sampler:
    """Ask about invented countries and people and about things never taught; held out, these are new."""
    known = {question.lower() for fact in FACTS for question in fact.questions}
    hard = split.part("hard", HARD_QUESTIONS, 0.2)
    capital, people = Wordings(split, "capitals", CAPITAL_FRAMES), Wordings(split, "unknown person", NAME_FRAMES)
    places, events = Wordings(split, "unknown place", PLACE_FRAMES), Wordings(split, "event", EVENT_FRAMES)
    plain = Wordings(split, "hard", (PLAIN,))
    years = tuple(year for year in range(1900, 2031) if split.takes("year", str(year), 0.15))

    def question(rng: Random) -> tuple[str, str]:
        kind = rng.random()
        if kind < 0.3:
            frame, decoration = capital.open(rng)
            return frame.replace("{x}", invented(rng, split)), decoration
        if kind < 0.5:
            frame, decoration = people.open(rng)
            return frame.replace("{name}", _person(rng, split)), decoration
        if kind < 0.7:
            frame, decoration = places.open(rng)
            real = not split.held_out and rng.random() < 0.4
            place = rng.choice((rng.choice(CAPITALS)[0], rng.choice(TOWNS))) if real else invented(rng, split)
            return frame.replace("{place}", place), decoration
        if kind < 0.82:
            frame, decoration = events.open(rng)
            return frame.replace("{year}", str(rng.choice(years))).replace("{event}", rng.choice(EVENTS)), decoration
        if extra and kind < 0.95:
            return rng.choice(extra), plain.open(rng)[1]
        if not split.held_out and kind > 0.97:
            return rng.choice(_OWN), PLAIN
        return rng.choice(hard), plain.open(rng)[1]

    def sample(rng: Random) -> Exchange:
        while True:
            text, decoration = question(rng)
            if text.lower() not in known:
                return Exchange("unknown", loosen(rng, decorate(decoration, text)), DONT_KNOW)

    return sample
