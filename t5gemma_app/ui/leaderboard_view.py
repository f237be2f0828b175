"""What the visitor looks at on the Leaderboard tab, and the same as the query of a link; values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any
from urllib.parse import parse_qs, urlencode

from t5gemma_app.evaluation.leaderboard import Filter

ANY = "any"
PARAMETERS = {
    "up to 100M": 10**8,
    "up to 500M": 5 * 10**8,
    "up to 1B": 10**9,
    "up to 3B": 3 * 10**9,
    "up to 10B": 10**10,
}
AXES = ("parameters", "speed", "memory")
OPTIONAL = {
    "encoder": "encoder",
    "decoder": "decoder",
    "parameters": "parameters",
    "tasks": "tasks, one by one",
    "n": "examples",
    "unscored": "unscored",
    "speed": "examples per second",
    "memory": "peak memory",
    "objective": "objective",
    "stage": "stage",
    "method": "method",
    "dtype": "number format",
    "attention": "attention",
    "device": "device",
}
"""Columns that can be chosen, with their names in the list."""
COLUMNS = ("encoder", "decoder", "parameters", "tasks", "n", "speed")
SHOWN = {
    "all": "all samples",
    "right": "right",
    "wrong": "wrong",
    "unscored": "unscored",
    "differ": "the runs disagree",
    "first": "only A is right",
    "second": "only B is right",
    "both": "both are right",
    "neither": "neither is right",
}
"""Which samples are shown, with the words for it; the first four need one run."""
LONGEST = 160
"""Characters of a field; whatever a link holds beyond is cut off."""
MOST_FIELDS = 40


@dataclass(frozen=True, slots=True)
class View:
    """Everything that a link restores."""

    suite: str = ""
    """Empty for the one run last."""
    search: str = ""
    encoder: str = ANY
    decoder: str = ANY
    parameters: str = ANY
    objective: str = ANY
    method: str = ANY
    dtype: str = ANY
    partial: bool = True
    published: bool = True
    columns: tuple[str, ...] = COLUMNS
    sort: str = "rank"
    down: bool = False
    """Whether the largest value comes first."""
    axis: str = AXES[0]
    a: str = ""
    """Beginning of the id of the first chosen run."""
    b: str = ""
    task: str = ""
    """Whose samples are shown; empty for the first."""
    show: str = "all"
    page: int = 1

    def filter(self) -> Filter:
        """Return which rows pass."""

        def one(value: str) -> tuple[str, ...]:
            return () if value == ANY else (value,)

        return Filter(
            suite=self.suite,
            search=self.search.strip(),
            encoder_sizes=one(self.encoder),
            decoder_sizes=one(self.decoder),
            objectives=one(self.objective),
            methods=one(self.method),
            dtypes=one(self.dtype),
            most_parameters=PARAMETERS.get(self.parameters),
            partial=self.partial,
            published=self.published,
        )

    def same(self, other: View, *names: str) -> bool:
        """Return whether two views agree in these fields."""
        return all(getattr(self, name) == getattr(other, name) for name in names)


_DEFAULT = View()


def to_query(view: View) -> str:
    """Return the query of a link to a view; what is as at first is left out."""
    pairs = [("tab", "leaderboard")]
    for entry in fields(View):
        value = getattr(view, entry.name)
        if value != getattr(_DEFAULT, entry.name):
            pairs.append((entry.name, _written(value)))
    return urlencode(pairs)


def from_query(query: object) -> View:
    """Return the view of a link; what is unknown or makes no sense is as at first."""
    try:
        given = parse_qs(str(query or "")[:4000].lstrip("?"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:  # more fields than any link of ours has
        return _DEFAULT
    return checked({name: values[-1] for name, values in given.items()})


def checked(values: Mapping[str, Any], view: View = _DEFAULT) -> View:
    """Return a view with some fields changed, each brought to what makes sense.

    Args:
        values: New values by field, as a link or a page sent them; other names are passed over.
        view: What the other fields are.
    """
    for entry in fields(View):
        if entry.name in values:
            view = replace(view, **{entry.name: _read(entry.name, values[entry.name])})
    return view


def _written(value: object) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return ",".join(value) if isinstance(value, tuple) else str(value)


def _read(name: str, value: Any) -> Any:
    default = getattr(_DEFAULT, name)
    if isinstance(default, bool):
        return value in (True, "1")
    if isinstance(default, int):
        digits = str(value)[:6]
        return int(digits) if digits.isascii() and digits.isdigit() and int(digits) > 0 else default
    if isinstance(default, tuple):
        wanted = value.split(",") if isinstance(value, str) else [str(one) for one in value or ()]
        return tuple(column for column in OPTIONAL if column in wanted)
    written = str(value or default)[:LONGEST]
    allowed = {"axis": AXES, "show": tuple(SHOWN), "parameters": (ANY, *PARAMETERS)}.get(name)
    return written if allowed is None or written in allowed else default
