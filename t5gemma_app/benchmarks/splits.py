"""How many rows the official splits have, so that results over other rows can say so."""

from __future__ import annotations

OFFICIAL_ROWS: dict[str, dict[str, int]] = {
    "boolq": {"train": 9_427, "val": 3_270},
    "cb": {"train": 250, "val": 56},
    "copa": {"train": 400, "val": 100},
    "multirc": {"train": 27_243, "val": 4_848},
    "record": {"train": 100_730, "val": 10_000},
    "rte": {"train": 2_490, "val": 277},
    "wic": {"train": 5_428, "val": 638},
    "wsc": {"train": 554, "val": 104},
}
"""Flat rows, as the Hub's tables count them: MultiRC's answers, ReCoRD's queries."""


def split_note(benchmark: str, split: str, rows: int, limit: int | None) -> str:
    """Return what a folder's rows are where their number is not the official split's; empty where it may be.

    Args:
        benchmark: A name such as `multirc`.
        split: `train` or `val`.
        rows: Flat rows that were read.
        limit: At most how many were read; a full harvest says nothing of the file's length.
    """
    official = OFFICIAL_ROWS[benchmark][split]
    if rows in (official, limit):
        return ""
    return f"cut split, {rows:,} rows of {official:,}" if rows < official else f"other split, {rows:,} rows"
