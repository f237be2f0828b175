"""Small sums: addition, subtraction and the times table."""
# ruff: noqa: E501  (tables of wordings are read more easily in long lines)

from __future__ import annotations

from random import Random

from t5gemma_app.training.demo.frames import Wordings, decorate, loosen
from t5gemma_app.training.demo.split import Exchange, Sampler, Split

LARGEST = 50
LARGEST_FACTOR = 10
HELD_PAIRS = 0.12

PLUS_FRAMES: tuple[str, ...] = (
    "What is {a} + {b}?", "{a} + {b}", "{a} + {b} =", "{a}+{b}", "What's {a} + {b}?", "What is {a} plus {b}?", "How much is {a} + {b}?",
    "How much is {a} plus {b}?", "Calculate {a} + {b}.", "Add {a} and {b}.", "What is the sum of {a} and {b}?", "{a} plus {b}",
    "Work out {a} + {b}.", "Tell me {a} + {b}.", "What do you get if you add {a} and {b}?", "What is {a}+{b}?", "Can you add {a} and {b}?",
)  # fmt: skip
MINUS_FRAMES: tuple[str, ...] = (
    "What is {a} - {b}?", "{a} - {b}", "{a} - {b} =", "{a}-{b}", "What's {a} - {b}?", "What is {a} minus {b}?", "How much is {a} - {b}?",
    "How much is {a} minus {b}?", "Calculate {a} - {b}.", "Work out {a} - {b}.", "{a} minus {b}", "Tell me {a} - {b}.", "What is {a}-{b}?",
    "Subtract {b} from {a}.", "Take {b} away from {a}.",
)  # fmt: skip
TIMES_FRAMES: tuple[str, ...] = (
    "What is {a} * {b}?", "{a} * {b}", "{a} * {b} =", "{a}*{b}", "{a} x {b}", "What is {a} x {b}?", "What's {a} times {b}?",
    "What is {a} times {b}?", "How much is {a} times {b}?", "Calculate {a} * {b}.", "Multiply {a} by {b}.", "{a} times {b}",
    "Work out {a} * {b}.", "Tell me {a} times {b}.", "What is the product of {a} and {b}?", "How much is {a} * {b}?",
)  # fmt: skip


def _worded(rng: Random, pair: tuple[str, str], first: int, second: int) -> str:
    frame, decoration = pair
    return loosen(rng, decorate(decoration, frame.replace("{a}", str(first)).replace("{b}", str(second))))


def sums(split: Split) -> Sampler:
    """Ask for a sum or a difference of two numbers up to fifty; held out, of a pair of numbers never seen together."""
    plus, minus = Wordings(split, "plus", PLUS_FRAMES), Wordings(split, "minus", MINUS_FRAMES)

    def sample(rng: Random) -> Exchange:
        while True:
            low, high = sorted((rng.randint(0, LARGEST), rng.randint(0, LARGEST)))
            adding = rng.random() < 0.55
            if not split.takes("plus" if adding else "minus", f"{low},{high}", HELD_PAIRS):
                continue
            if adding:
                first, second = rng.sample((low, high), 2)
                return Exchange("sums", _worded(rng, plus.open(rng), first, second), str(first + second))
            return Exchange("sums", _worded(rng, minus.open(rng), high, low), str(high - low))

    return sample


def times(split: Split) -> Sampler:
    """Ask from the times table up to ten; it can only be learnt by heart, so held out means a new wording."""
    wordings = Wordings(split, "times", TIMES_FRAMES)

    def sample(rng: Random) -> Exchange:
        first, second = rng.randint(0, LARGEST_FACTOR), rng.randint(0, LARGEST_FACTOR)
        return Exchange("times", _worded(rng, wordings.known(rng), first, second), str(first * second))

    return sample
