"""Remembering what was said earlier in the conversation."""
# ruff: noqa: E501  (tables of wordings are read more easily in long lines)

from __future__ import annotations

from random import Random

from t5gemma_app.training.demo.frames import loosen
from t5gemma_app.training.demo.skills.reading import Cast
from t5gemma_app.training.demo.split import Exchange, Sampler, Split

_TOLD_NAME = ("My name is {x}.", "I am {x}.", "I'm {x}.", "Hi, my name is {x}.", "Hello, I am {x}.", "You can call me {x}.",
              "Hi, I'm {x}.", "Hello! My name is {x}.", "People call me {x}.")  # fmt: skip
_TOLD_TOWN = (
    "I live in {x}.",
    "I am from {x}.",
    "My home is in {x}.",
    "I come from {x}.",
    "I'm from {x}.",
    "We live in {x}.",
)
_ASK_NAME = ("What is my name?", "What's my name?", "Do you know my name?", "Who am I?", "Tell me my name.", "Do you remember my name?",
             "What was my name?", "Please say my name.", "Can you tell me my name?")  # fmt: skip
_ASK_TOWN = ("Where do I live?", "Where am I from?", "Where is my home?", "Do you know where I live?", "Which town do I live in?",
             "Where do I come from?", "Do you remember where I live?")  # fmt: skip


def memory(split: Split) -> Sampler:
    """Tell a name or a town, then ask for it; held out, the name is new."""
    cast = Cast(split)

    def sample(rng: Random) -> Exchange:
        kind = rng.random()
        name, town = cast.name(rng), cast.town(rng)
        name_told = (rng.choice(_TOLD_NAME).replace("{x}", name), f"Nice to meet you, {name}!")
        town_told = (rng.choice(_TOLD_TOWN).replace("{x}", town), f"I hope you like {town}.")
        if kind < 0.2:
            return Exchange("memory", *name_told)
        if kind < 0.3:
            return Exchange("memory", *town_told)
        earlier = rng.choice(((name_told,), (town_told,), (name_told, town_told), (town_told, name_told)))
        if name_told in earlier and (town_told not in earlier or rng.random() < 0.6):
            return Exchange("memory", loosen(rng, rng.choice(_ASK_NAME)), f"Your name is {name}.", earlier)
        return Exchange("memory", loosen(rng, rng.choice(_ASK_TOWN)), f"You live in {town}.", earlier)

    return sample
