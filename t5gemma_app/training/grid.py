"""Many fine-tunings of one checkpoint: a grid of learning rates, batch sizes and dropouts on one or more tasks.

Every cell is a run of its own with a folder of its own, so that a grid that was killed goes on where it was.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

from t5gemma_app.errors import InputError, TrainingError
from t5gemma_app.training.finetune import FinetuneOrder, Say, finetune
from t5gemma_app.training.results import Finished
from t5gemma_app.training.scores import Score

TABLE = "grid.json"


@dataclass(frozen=True, slots=True)
class Grid:
    """What is tried."""

    tasks: tuple[str, ...]
    rates: tuple[float, ...]
    batches: tuple[int, ...]
    dropouts: tuple[float, ...]
    keep_all: bool = False
    """Whether the weights of every cell are kept; else only each task's best are, and all figures."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One run of a grid."""

    task: str
    rate: float
    batch_rows: int
    dropout: float
    output: str
    score: Score | None
    """None where the run ended without one."""
    steps: int = 0
    seconds: float = 0.0
    problem: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the cell as plain values."""
        return asdict(self)


def run_grid(
    order: FinetuneOrder,
    grid: Grid,
    say: Say = lambda _: None,
    train: Callable[[FinetuneOrder, Say], Finished | None] = finetune,
) -> tuple[Cell, ...]:
    """Run every cell that is not finished yet, and return all of them.

    Args:
        order: What the cells share; its output is the folder of the grid.
        grid: What they differ in.
        say: Receives lines for a person.
        train: What runs one cell.

    Raises:
        InputError: The grid is empty, or the orders are wrong; see `finetune`.
    """
    orders = list(cell_orders(order, grid))
    if not orders:
        raise InputError("The grid has no cells.", expected="At least one task, rate, batch size and dropout.")
    cells: list[Cell] = []
    for number, one in enumerate(orders, start=1):
        say(f"{number} of {len(orders)}: {one.output.relative_to(order.output)}")
        cells.append(_run(one, say, train))
        order.output.mkdir(parents=True, exist_ok=True)
        write_table(order.output / TABLE, cells)
        if not grid.keep_all:
            _drop_losers([cell for cell in cells if cell.task == one.data.task])
    return tuple(cells)


def cell_orders(order: FinetuneOrder, grid: Grid) -> Iterator[FinetuneOrder]:
    """Yield the order of every cell, task after task."""
    for task, rate, rows, dropout in product(grid.tasks, grid.rates, grid.batches, grid.dropouts):
        folder = order.output / task.replace(":", "-") / f"rate-{rate:g}-rows-{rows}-dropout-{dropout:g}"
        plan = replace(order.plan, rate=rate, batch_rows=rows, dropout=dropout).checked()
        yield replace(order, output=folder, plan=plan, data=replace(order.data, task=task))


def best_cell(cells: Sequence[Cell]) -> Cell | None:
    """Return the cell with the best score, the first of several; None where no run has one."""
    scored = [cell for cell in cells if cell.score is not None]
    if not scored:
        return None
    falling = scored[0].score is not None and scored[0].score.name == "loss"
    return max(scored, key=lambda cell: (cell.score.value if cell.score else 0.0) * (-1 if falling else 1))


def write_table(path: Path, cells: Sequence[Cell]) -> None:
    """Write all cells with the best one of each task named."""
    tasks = dict.fromkeys(cell.task for cell in cells)
    best = {task: best_cell([cell for cell in cells if cell.task == task]) for task in tasks}
    values = {
        "best": {task: cell.output for task, cell in best.items() if cell},
        "note": "The best cell was chosen on the rows that its score is of, so its score is a little too high.",
        "cells": [cell.to_dict() for cell in cells],
    }
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
    unfinished.replace(path)


def _run(order: FinetuneOrder, say: Say, train: Callable[[FinetuneOrder, Say], Finished | None]) -> Cell:
    plan = order.plan
    cell = Cell(order.data.task, plan.rate, plan.batch_rows, plan.dropout, str(order.output), None)
    try:
        found = train(order, say)
    except TrainingError as error:  # a rate that is too high must not end the grid
        say(str(error))
        return replace(cell, problem=str(error))
    if found is None:
        return cell
    return replace(cell, score=found.scores[0], steps=found.steps, seconds=found.seconds)


def _drop_losers(cells: Sequence[Cell]) -> None:
    """Remove the weights of every finished cell but the best; figures and logs stay."""
    best = best_cell(cells)
    for cell in cells:
        if best is None or cell is best or cell.score is None:
            continue
        run = Path(f"{cell.output}.run")
        for folder in (Path(cell.output), run / "best", run / "last"):
            shutil.rmtree(folder, ignore_errors=True)
