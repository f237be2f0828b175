"""UL2's mixture of denoisers, with the numbers that the T5Gemma 2 paper gives.

A denoiser takes stretches out of a sequence. The input keeps a mark in place of each, the target is each mark followed
by what stood there. The number of ids taken is exact, and how they fall into stretches is uniform over all ways to cut;
unlike T5's own, which always takes the end of a sequence and never its beginning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from t5gemma_app.errors import InputError
from t5gemma_app.training.objectives.pairs import Pair


@dataclass(frozen=True, slots=True)
class Denoiser:
    """How much is taken out, in stretches of which length."""

    rate: float
    """Share of the ids that are taken."""
    mean: float | None
    """Mean length of a stretch; None takes one stretch, from somewhere to the end."""
    weight: int = 1
    """How often it is used beside the others."""


MIXTURE = (
    Denoiser(0.15, 3),
    Denoiser(0.5, 12),
    Denoiser(0.15, 32),
    Denoiser(0.5, 32),
    Denoiser(0.75, None, weight=4),
)
"""The mixture of the T5Gemma 2 paper; its last denoiser writes the last three quarters of a sequence."""


def choose_denoiser(rng: Random, mixture: Sequence[Denoiser] = MIXTURE) -> Denoiser:
    """Return one of a mixture's denoisers, by weight."""
    return rng.choices(mixture, [denoiser.weight for denoiser in mixture])[0]


def denoising_pair(ids: Sequence[int], denoiser: Denoiser, marks: Sequence[int], rng: Random) -> Pair:
    """Take stretches out of a sequence.

    Args:
        ids: The sequence, without any of the marks.
        denoiser: How much is taken.
        marks: Ids that stand for what was taken, in the order of their use. Where there are more stretches than marks
            they begin again, which keeps input and target readable because both are in the sequence's order.
        rng: Decides where.

    Raises:
        InputError: There are fewer than two ids, or no marks.
    """
    if len(ids) < 2 or not marks:
        raise InputError(
            f"{len(ids)} ids can't be denoised with {len(marks)} marks.",
            expected="It takes two ids and a mark or more.",
        )
    inputs: list[int] = []
    targets: list[int] = []
    position = 0
    for number, (kept, taken) in enumerate(_stretches(len(ids), denoiser, rng)):
        mark = marks[number % len(marks)]
        inputs += [*ids[position : position + kept], mark]
        targets += [mark, *ids[position + kept : position + kept + taken]]
        position += kept + taken
    return Pair((*inputs, *ids[position:]), tuple(targets))


def taken_ids(length: int, denoiser: Denoiser) -> int:
    """Return how many ids a denoiser takes out of a sequence: at least one, and never all."""
    return min(max(round(length * denoiser.rate), 1), length - 1)


def _stretches(length: int, denoiser: Denoiser, rng: Random) -> list[tuple[int, int]]:
    """Return how many ids are kept and how many taken, in turn; what follows the last stretch is kept too."""
    taken = taken_ids(length, denoiser)
    kept = length - taken
    if denoiser.mean is None:
        return [(kept, taken)]
    count = min(max(1, round(taken / denoiser.mean)), taken, kept + 1)
    # Between two stretches at least one id is kept; before the first and after the last there may be none.
    gaps = _cut(kept + 2, count + 1, rng)
    gaps[0] -= 1
    return list(zip(gaps[:-1], _cut(taken, count, rng), strict=True))


def _cut(length: int, parts: int, rng: Random) -> list[int]:
    """Cut a length into parts of at least one, all ways equally likely."""
    ends = [*sorted(rng.sample(range(1, length), parts - 1)), length]
    return [end - start for start, end in zip([0, *ends[:-1]], ends, strict=True)]
