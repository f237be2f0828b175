"""A task's rows read and checked, before a checkpoint is known or a library of tensors is loaded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from t5gemma_app.errors import InputError, did_you_mean
from t5gemma_app.training.data.rows import Columns, TextRow, WordRow, answer_row, text_row, word_row
from t5gemma_app.training.data.splits import Data, make_data
from t5gemma_app.training.data.superglue import superglue_labels, superglue_rows
from t5gemma_app.training.data.tables import evaluation_file, read_tables

if TYPE_CHECKING:
    from t5gemma_app.training.examples import Kind

SUPERGLUE = "superglue:"
TASKS = ("classify", "tag", "chat", "text")


@dataclass(frozen=True, slots=True)
class DataOrder:
    """Which rows a run takes."""

    task: str
    """One of `TASKS`, or `superglue:` and the name of a SuperGLUE task."""
    train: tuple[str, ...] = ()
    """Files, folders, or tables of the Hub; none for SuperGLUE."""
    evaluation: tuple[str, ...] = ()
    """The same for evaluation; empty takes a file beside the training's, or holds rows out."""
    columns: Columns = Columns()
    data_dir: Path | None = None
    """The folder with SuperGLUE's official folders; None asks the Hub."""
    share: float = 0.1
    """What is held out where there is nothing to evaluate on."""
    renamed: tuple[tuple[str, str], ...] = ()
    """Labels of the files with the names that the checkpoint shall give them."""
    limit: int | None = None
    """Training rows at most, the first ones."""
    max_characters: int = 100_000


def kind_of(task: str) -> Kind:
    """Return what a task learns.

    Raises:
        InputError: There is no such task.
    """
    if task.startswith(SUPERGLUE):
        superglue_labels(task.removeprefix(SUPERGLUE))
        return "sequence"
    kinds: dict[str, Kind] = {"classify": "sequence", "tag": "token", "chat": "text", "text": "text"}
    if task not in kinds:
        raise InputError(
            f"There is no task {task!r}.",
            expected=f"It is {', '.join(TASKS)}, or {SUPERGLUE}NAME.",
            remedy=did_you_mean(task, TASKS),
        )
    return kinds[task]


def read_data(order: DataOrder, seed: int) -> Data[Any]:
    """Read and check the rows of a task.

    Args:
        order: Which rows.
        seed: Decides which rows are held out where there are none to evaluate on.

    Raises:
        InputError: A file, a row or a label is wrong; the message names the place.
    """
    kind = kind_of(order.task)
    if order.task.startswith(SUPERGLUE):
        return _superglue(order)
    if not order.train:
        raise InputError("No training data are named.", remedy="Pass --train FILE.")
    if kind == "sequence":
        return _read(order, text_row, lambda row: (row.label,), seed)
    if kind == "token":
        return _read(order, word_row, lambda row: row.tags, seed)
    return _read(order, answer_row, lambda _: (), seed)


def _read(order: DataOrder, read: Any, labels_of: Any, seed: int) -> Data[Any]:
    table = read_tables(order.train, training=True)
    rows = [_renamed(read(record, order.columns, order.max_characters), order) for record in table.records]
    beside = evaluation_file(order.train)
    places = order.evaluation or ((beside,) if beside else ())
    if not places:
        return make_data(rows[: order.limit], None, (table.sources, ()), labels_of, share=order.share, seed=seed)
    judged = read_tables(places, training=False)
    evaluation = [_renamed(read(record, order.columns, order.max_characters), order) for record in judged.records]
    return make_data(rows[: order.limit], evaluation, (table.sources, judged.sources), labels_of)


def _superglue(order: DataOrder) -> Data[TextRow]:
    name = order.task.removeprefix(SUPERGLUE)
    train, first = superglue_rows(name, "train", order.data_dir, order.limit)
    evaluation, second = superglue_rows(name, "val", order.data_dir)
    labels = superglue_labels(name)
    return make_data(train, evaluation, ((first,), (second,)), lambda row: (row.label,), known=labels)


def _renamed(row: Any, order: DataOrder) -> Any:
    names = dict(order.renamed)
    if not names:
        return row
    if isinstance(row, TextRow):
        return replace(row, label=names.get(row.label, row.label))
    if isinstance(row, WordRow):
        return replace(row, tags=tuple(names.get(tag, tag) for tag in row.tags))
    return row
