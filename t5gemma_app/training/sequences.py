"""Documents as pieces of equal length, and what an objective makes of each in every epoch."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Literal, get_args

from tokenizers import Tokenizer

from t5gemma_app.engine.encode import TextEncoder
from t5gemma_app.errors import InputError
from t5gemma_app.training.examples import Example, Kind
from t5gemma_app.training.objectives.prefix import prefix_pair
from t5gemma_app.training.objectives.ul2 import choose_denoiser, denoising_pair
from t5gemma_app.training.tokenizer import BOS_ID, EOS_ID

Objective = Literal["prefixlm", "ul2", "causal"]
OBJECTIVES: tuple[Objective, ...] = get_args(Objective)

_SHORTEST = 8
"""A last piece of fewer ids is dropped."""
_MARKS = 200
"""Gemma's vocabulary keeps fewer unused words than this."""


@dataclass(frozen=True, slots=True)
class Sequences:
    """Pieces of text as one objective sees them.

    What is made of a piece depends on nothing but the seed, the epoch and the piece's number.
    """

    pieces: Sequence[Sequence[int]]
    objective: Objective
    marks: tuple[int, ...]
    """Ids that stand for what UL2 takes out."""
    seed: int

    def __len__(self) -> int:
        return len(self.pieces)

    def length(self, index: int) -> int:
        """Return a piece's ids."""
        return len(self.pieces[index])

    def example(self, epoch: int, index: int) -> Example:
        """Return a piece as it is in an epoch."""
        piece = tuple(self.pieces[index])
        if self.objective == "causal":
            return Example((BOS_ID, *piece[:-1]), piece)
        if self.objective == "prefixlm":
            pair = prefix_pair(piece)
            return Example((BOS_ID, *pair.inputs), pair.targets)
        rng = Random(f"{self.seed}:ul2:{epoch}:{index}")  # noqa: S311  (can be made again, no secret)
        pair = denoising_pair(piece, choose_denoiser(rng), self.marks, rng)
        return Example((BOS_ID, *pair.inputs), (*pair.targets, EOS_ID))

    @property
    def kind(self) -> Kind:
        """What is learnt from them."""
        return "causal" if self.objective == "causal" else "text"


def cut_pieces(documents: Sequence[str], encode: Callable[[str], Sequence[int]], length: int) -> tuple[array[int], ...]:
    """Encode documents, each with an end mark, one after the other, and cut them into pieces of equal length.

    Raises:
        InputError: There is too little text for two pieces.
    """
    pieces: list[array[int]] = []
    current = array("i")
    for document in documents:
        current.extend([*encode(document), EOS_ID])
        while len(current) >= length:
            pieces.append(current[:length])
            current = current[length:]
    if len(current) >= _SHORTEST:
        pieces.append(current)
    if len(pieces) < 2:
        raise InputError(
            f"The text makes {len(pieces)} pieces of {length} tokens.",
            expected="Two or more: one to train on and one to evaluate on.",
            remedy="Add text, or lower --longest.",
        )
    return tuple(pieces)


def hold_out_pieces(count: int, share: float, seed: int) -> tuple[list[int], list[int]]:
    """Return the numbers of the pieces to train on and of those to evaluate on, at least one each."""
    taken = Random(f"{seed}:hold out").sample(range(count), min(count - 1, max(1, round(count * share))))  # noqa: S311
    chosen = set(taken)
    return [number for number in range(count) if number not in chosen], sorted(chosen)


def denoising_marks(folder: Path) -> tuple[int, ...]:
    """Return the ids of the words that Gemma's vocabulary keeps unused, in their order.

    Raises:
        InputError: The vocabulary has none.
    """
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    found = [tokenizer.token_to_id(f"<unused{number}>") for number in range(_MARKS)]
    marks = tuple(index for index in found if index is not None)
    if not marks:
        raise InputError(
            "The vocabulary has no unused words.",
            expected="UL2 marks what it takes out with <unused0>, <unused1>, …",
            remedy="Use --objective prefixlm.",
        )
    return marks


def encoder_ids(folder: Path) -> Callable[[str], list[int]]:
    """Return what encodes a document with a folder's tokenizer, without marks around it."""
    return TextEncoder.from_folder(folder).text_ids
