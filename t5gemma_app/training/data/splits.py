"""What a run trains and is evaluated on, as typed rows with a report on each part."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import asdict, dataclass
from random import Random
from typing import Any, Generic, TypeVar

from t5gemma_app.benchmarks.rows import DataSource
from t5gemma_app.errors import InputError, did_you_mean
from t5gemma_app.training.data.rows import AnswerRow, TextRow, WordRow

Row = TypeVar("Row", TextRow, WordRow, AnswerRow)


@dataclass(frozen=True, slots=True)
class DataReport:
    """What one part of the data is like, found before training begins."""

    part: str
    """`training` or `evaluation`."""
    rows: int
    sources: tuple[DataSource, ...]
    labels: dict[str, int]
    """How often each label comes; empty where rows have none."""
    longest: int
    """Characters of the longest row."""
    repeated: int
    """Rows that also stand earlier in this part, or in training where this is the evaluation's."""
    held_out: bool = False
    """Whether these rows were taken out of the training files."""

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Data(Generic[Row]):
    """All rows of a run."""

    train: tuple[Row, ...]
    evaluation: tuple[Row, ...]
    labels: tuple[str, ...]
    """The label names in order; empty where rows have none."""
    reports: tuple[DataReport, DataReport]

    @property
    def commonest(self) -> int | None:
        """The number of the label that training shows most."""
        counts = self.reports[0].labels
        return max(range(len(self.labels)), key=lambda at: counts.get(self.labels[at], 0)) if self.labels else None


def make_data(
    train: Sequence[Row],
    evaluation: Sequence[Row] | None,
    sources: tuple[tuple[DataSource, ...], tuple[DataSource, ...]],
    labels_of: Callable[[Row], Sequence[str]],
    *,
    share: float = 0.1,
    seed: int = 0,
    known: Sequence[str] = (),
) -> Data[Row]:
    """Check the rows of both parts and put them together.

    Args:
        train: Rows to train on.
        evaluation: Rows to evaluate on; None takes a share of the training rows out, the same share of each label.
        sources: Where both parts came from.
        labels_of: Returns a row's labels.
        share: What is taken out where there are no rows to evaluate on.
        seed: Decides which rows are taken out.
        known: All labels in order, where somebody knows them.

    Raises:
        InputError: There is one label only, or evaluation has one that training lacks; the message names the row.
    """
    held_out = evaluation is None
    judged: Sequence[Row] = ()
    if evaluation is None:
        train, judged = hold_out(train, labels_of, share, seed)
    else:
        judged = evaluation
    counts = Counter(label for row in train for label in labels_of(row))
    labels = _label_names(counts, known)
    if labels:
        _refuse_unknown([(row.place, labels_of(row)) for part in (train, judged) for row in part], labels)
    seen = Counter(map(_key, train))
    reports = (
        _report("training", train, sources[0], counts, sum(seen.values()) - len(seen), False),
        _report(
            "evaluation",
            judged,
            sources[0] if held_out else sources[1],
            Counter(label for row in judged for label in labels_of(row)),
            sum(_key(row) in seen for row in judged),
            held_out,
        ),
    )
    return Data(tuple(train), tuple(judged), labels, reports)


def hold_out(
    rows: Sequence[Row], labels_of: Callable[[Row], Sequence[str]], share: float, seed: int
) -> tuple[list[Row], list[Row]]:
    """Return rows to train on and a share to evaluate on, the same share of every label where a row has one.

    Raises:
        InputError: The share leaves nothing to train or to evaluate on.
    """
    if not 0 < share < 1:
        raise InputError(f"The share to hold out is {share}.", expected="It lies between 0 and 1.")
    groups: defaultdict[str, list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        found = labels_of(row)
        groups[found[0] if len(found) == 1 else ""].append(number)
    taken: set[int] = set()
    for name in sorted(groups):
        rng = Random(f"{seed}:hold out:{name}")  # noqa: S311  (a choice that can be made again, no secret)
        taken.update(rng.sample(groups[name], round(len(groups[name]) * share)))
    if not taken:
        taken = {Random(seed).randrange(len(rows))} if len(rows) > 1 else set()  # noqa: S311
    if not taken or len(taken) == len(rows):
        raise InputError(f"{len(rows)} rows are too few to hold {share:.0%} of them out.", remedy="Name --eval.")
    kept = [row for number, row in enumerate(rows) if number not in taken]
    return kept, [rows[number] for number in sorted(taken)]


def _label_names(counts: Counter[str], known: Sequence[str]) -> tuple[str, ...]:
    """Return the labels in order: as given, as numbers, or by name."""
    if known:
        return tuple(known)
    if not counts:
        return ()
    if len(counts) == 1:
        raise InputError(
            f"All rows have the label {next(iter(counts))!r}.", expected="There are two labels or more to tell apart."
        )
    numbers = all(label.lstrip("-").isdecimal() for label in counts)
    return tuple(sorted(counts, key=(lambda label: (int(label), label)) if numbers else None))


def _refuse_unknown(rows: Sequence[tuple[str, Sequence[str]]], labels: Sequence[str]) -> None:
    """Refuse labels that are not known; rows come as their place and their labels."""
    known = set(labels)
    for place, found in rows:
        for label in found:
            if label not in known:
                raise InputError(
                    f"{place} has the label {label!r}.",
                    expected=f"The labels are {', '.join(labels[:20])}{' …' if len(labels) > 20 else ''}.",
                    remedy=did_you_mean(label, labels),
                )


def _report(
    part: str, rows: Sequence[Row], sources: tuple[DataSource, ...], counts: Counter[str], repeated: int, out: bool
) -> DataReport:
    return DataReport(part, len(rows), sources, dict(counts.most_common()), max(map(_characters, rows)), repeated, out)


def _key(row: TextRow | WordRow | AnswerRow) -> Hashable:
    """Return what makes two rows the same question."""
    if isinstance(row, TextRow):
        return row.text, row.pair
    return row.tokens if isinstance(row, WordRow) else row.turns


def _characters(row: TextRow | WordRow | AnswerRow) -> int:
    if isinstance(row, TextRow):
        return len(row.text) + len(row.pair or "")
    if isinstance(row, WordRow):
        return sum(map(len, row.tokens)) + len(row.tokens)
    return sum(len(turn.text) for turn in row.turns) + len(row.response)
