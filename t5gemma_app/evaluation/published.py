"""What the T5Gemma paper prints for SuperGLUE, as data; shown beside measured rows, marked, never ranked.

The figures are mean development accuracies after fine-tuning all parameters with a head on the last token of the
encoder (of the decoder for Gemma), over BoolQ, CB, COPA, MultiRC, RTE, WiC and WSC. They say what fine-tuning reaches,
not what a checkpoint does unprepared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Start = Literal["pretrained", "instruction-tuned (SFT)", "instruction-tuned (RLHF)"]

PAPER = "arXiv:2504.06225v1"
TASKS = ("boolq", "cb", "copa", "multirc", "rte", "wic", "wsc")
"""What the figures average."""


@dataclass(frozen=True, slots=True)
class PublishedScore:
    """One printed figure."""

    model: str
    encoder_size: str
    """Empty for Gemma, which has no encoder."""
    decoder_size: str
    objective: str
    """`prefixlm`, `ul2`, or `causal` for Gemma."""
    start: Start
    """What was fine-tuned."""
    score: float
    """From 0 to 1."""
    table: str = "Table 2(b)"

    @property
    def source(self) -> str:
        """Paper and table."""
        return f"{PAPER}, {self.table}"


_SIZES = (("s", "s"), ("b", "b"), ("l", "l"), ("xl", "xl"), ("2b", "2b"), ("9b", "2b"), ("9b", "9b"))

_PRINTED: dict[tuple[str, Start], tuple[float | None, ...]] = {
    ("prefixlm", "pretrained"): (69.8, 71.2, 78.7, 84.4, 88.1, 90.2, 91.4),
    ("ul2", "pretrained"): (69.6, 71.5, 79.7, 85.4, 88.1, 90.7, 91.8),
    ("prefixlm", "instruction-tuned (SFT)"): (68.8, 72.3, 78.1, 85.7, 88.3, 90.6, 91.8),
    ("ul2", "instruction-tuned (SFT)"): (69.4, 73.6, 80.3, 87.0, 90.5, 91.3, 91.6),
    ("prefixlm", "instruction-tuned (RLHF)"): (None, None, None, None, 87.9, 90.3, 91.4),
    ("causal", "pretrained"): (67.6, 68.6, 68.4, 70.7, 75.5, None, 82.5),
    ("causal", "instruction-tuned (SFT)"): (67.6, 68.7, 68.8, 69.2, None, None, None),
    ("causal", "instruction-tuned (RLHF)"): (None, None, None, None, 86.2, None, 89.8),
}
"""Columns of the table, in percent, in the order of the sizes; None is a figure that is not printed."""


def _score(encoder: str, decoder: str, objective: str, start: Start, percent: float) -> PublishedScore:
    if objective == "causal":
        return PublishedScore(f"Gemma 2 {decoder.upper()}", "", decoder, objective, start, round(percent / 100, 4))
    model = f"T5Gemma {encoder.upper()}-{decoder.upper()}"
    return PublishedScore(model, encoder, decoder, objective, start, round(percent / 100, 4))


PUBLISHED: tuple[PublishedScore, ...] = tuple(
    _score(encoder, decoder, objective, start, percent)
    for (objective, start), column in _PRINTED.items()
    for (encoder, decoder), percent in zip(_SIZES, column, strict=True)
    if percent is not None
)
