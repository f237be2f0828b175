"""What an objective makes of a sequence: ids for the encoder, and ids that the decoder shall write."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pair:
    """One training example of an encoder-decoder, without begin and end marks."""

    inputs: tuple[int, ...]
    targets: tuple[int, ...]
