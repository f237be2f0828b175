"""An ordered job's rows: where they are, and what they are like, found before anything is started."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from t5gemma_app.errors import InputError, did_you_mean
from t5gemma_app.training.data.reading import SUPERGLUE, DataOrder, read_data
from t5gemma_app.training.data.splits import Data
from t5gemma_app.training.jobs import ENDINGS, DataFacts, TrainOrder, is_hub

MOST_LABELS = 40
"""Labels that are kept with their counts."""
_DEPTH = 3
"""How deep sets of rows may lie in the owner's folder."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that somebody brought."""

    path: Path
    name: str
    """What people call it."""


@dataclass(frozen=True, slots=True)
class KnownSets:
    """The sets of rows that may be chosen by name.

    Args:
        folder: The owner's; None offers none.
        superglue_dir: Folder of official SuperGLUE files; None asks the Hub.
    """

    folder: Path | None = None
    superglue_dir: Path | None = None

    def names(self) -> tuple[str, ...]:
        """Return the sets in the owner's folder: its folders that hold a file of training rows."""
        if self.folder is None or not self.folder.is_dir():
            return ()
        found = {
            path.parent.relative_to(self.folder).as_posix()
            for depth in range(1, _DEPTH + 1)
            for ending in ENDINGS
            for path in self.folder.glob(f"{'*/' * depth}train{ending}")
        }
        return tuple(sorted(found))

    def place(self, name: str) -> str:
        """Return where a set is.

        Raises:
            InputError: There is none of this name.
        """
        known = self.names()
        if self.folder is None or name not in known:
            raise InputError(
                f"There is no set of rows {name[:80]!r}.",
                expected=did_you_mean(name, known) or "The owner names their folder in T5GEMMA_TRAIN_DATA.",
            )
        return str(self.folder / name)


def data_order(order: TrainOrder, sets: KnownSets, train: Path | None, evaluation: Path | None) -> DataOrder:
    """Return which rows a job takes.

    Args:
        order: The job's order.
        sets: What can be chosen by name.
        train: The file that was uploaded, if one was.
        evaluation: The same for evaluation.

    Raises:
        InputError: No rows are named, or a set is not there.
    """
    if order.task.startswith(SUPERGLUE):
        return DataOrder(order.task, data_dir=sets.superglue_dir, limit=order.limit)
    rows = str(train) if train else _place(order.rows, sets)
    if not rows:
        raise InputError("There are no rows to train on.", remedy="Choose a file, or a set.")
    judged = str(evaluation) if evaluation else _place(order.evaluation_rows, sets)
    return DataOrder(
        order.task,
        (rows,),
        (judged,) if judged else (),
        columns=order.columns,
        share=order.share,
        limit=order.limit,
    )


def check_rows(order: DataOrder, seed: int, most_rows: int) -> DataFacts:
    """Read all rows, as a run will, and return what they are like.

    Raises:
        InputError: A file, a row or a label is wrong; the message names the place.
    """
    data = read_data(order, seed)
    if len(data.train) + len(data.evaluation) > most_rows:
        raise InputError(
            f"There are more than {most_rows:,} rows.",
            remedy="Take fewer of them, or raise T5GEMMA_MAX_ROWS.",
        )
    train, judged = data.reports
    return DataFacts(
        rows=train.rows,
        evaluation_rows=judged.rows,
        held_out=judged.held_out,
        repeated=judged.repeated,
        labels=tuple(list(train.labels.items())[:MOST_LABELS]),
        label_count=len(data.labels),
        baseline=_baseline(data),
        longest=max(train.longest, judged.longest),
    )


def plainly(error: InputError, names: dict[str, str]) -> InputError:
    """Return an error with the files called as people call them, without this machine's folders."""

    def said(words: str) -> str:
        for path, name in names.items():
            words = words.replace(path, name)
        return words

    return InputError(said(error.what), expected=said(error.expected), remedy=said(error.remedy))


def _place(rows: str, sets: KnownSets) -> str:
    return rows if not rows or is_hub(rows) else sets.place(rows)


def _baseline(data: Data[Any]) -> float | None:
    counts = data.reports[1].labels
    if data.commonest is None or not counts:
        return None
    return counts.get(data.labels[data.commonest], 0) / sum(counts.values())
