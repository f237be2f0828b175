"""Numbers made of texts alone, with which the fake engine answers where a model would compute."""

from __future__ import annotations

import math
import re
import zlib
from array import array
from collections.abc import Sequence

from t5gemma_app.engine.types import CrossAttention, Piece, SeenToken, Vector

DIRECTIONS = 32


def word_vector(text: str) -> Vector:
    """Return a vector of length 1 in which every word has a direction, so that texts are alike that share words."""
    values = [1e-6] * DIRECTIONS
    for word in text.lower().split():
        values[zlib.crc32(word.encode("utf-8", "replace")) % DIRECTIONS] += 1.0
    length = math.hypot(*values)
    return tuple(value / length for value in values)


def moving_look(pieces: Sequence[Piece], answer: Sequence[int]) -> CrossAttention:
    """Return weights of two layers and two heads: a hill whose top moves from the prompt's first word to its last."""
    words = [[piece.text] if piece.control else re.findall(r" *\S+|\s", piece.text) for piece in pieces]
    source = tuple(SeenToken(w, w, piece.control) for piece, own in zip(pieces, words, strict=True) for w in own)
    written = tuple(SeenToken(f"<{index}>", f" word{number}") for number, index in enumerate(answer, start=1))
    weights = array("f")
    for narrow in (1.0, 1.0, 0.5, 2.0, 1.0, 1.0, 0.5, 2.0, 1.0):
        for row in range(len(written)):
            top = row * max(0, len(source) - 1) / max(1, len(written) - 1)
            hill = [math.exp(-narrow * abs(place - top)) for place in range(len(source))]
            weights.extend(value / math.fsum(hill) for value in hill)
    return CrossAttention(source, written, 2, 2, weights)
