"""The grid: every cell once, figures kept, losers' weights dropped, and a cell that breaks does not end it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from t5gemma_app.errors import InputError, TrainingError
from t5gemma_app.training.data.reading import DataOrder
from t5gemma_app.training.finetune import FinetuneOrder
from t5gemma_app.training.grid import TABLE, Grid, best_cell, cell_orders, run_grid
from t5gemma_app.training.plan import Plan
from t5gemma_app.training.results import Finished
from t5gemma_app.training.scores import Score

GRID = Grid(("superglue:cb", "superglue:rte"), (0.1, 0.2), (8,), (0.0, 0.1))


def order(folder: Path) -> FinetuneOrder:
    return FinetuneOrder(folder / "base", "tiny", folder / "grid", DataOrder("classify"), Plan())


def trainer(tried: list[FinetuneOrder]):
    """Return a stand-in for training: the rate is the score, and one cell breaks."""

    def train(one: FinetuneOrder, say) -> Finished:
        tried.append(one)
        if one.plan.rate == 0.1 and one.plan.dropout == 0.1:
            raise TrainingError("The loss is no number in step 1.")
        one.output.mkdir(parents=True)
        score = Score("accuracy", one.plan.rate + one.plan.dropout, 10)
        return Finished(str(one.output), 5, 5, 1.0, (score,), ())

    return train


def test_every_cell_is_tried_and_the_best_of_each_task_kept(tmp_path: Path) -> None:
    tried: list[FinetuneOrder] = []
    cells = run_grid(order(tmp_path), GRID, train=trainer(tried))
    assert len({one.output for one in tried}) == len(cells) == 8
    assert {one.data.task for one in tried} == set(GRID.tasks)
    for task in GRID.tasks:
        own = [cell for cell in cells if cell.task == task]
        best = best_cell(own)
        assert best is not None and (best.rate, best.dropout) == (0.2, 0.1)
        assert [Path(cell.output).is_dir() for cell in own].count(True) == 1 and Path(best.output).is_dir()
        assert [bool(cell.problem) for cell in own].count(True) == 1
    table = json.loads((tmp_path / "grid" / TABLE).read_text())
    assert len(table["cells"]) == 8 and set(table["best"]) == set(GRID.tasks)


def test_all_weights_can_be_kept(tmp_path: Path) -> None:
    cells = run_grid(order(tmp_path), Grid(("classify",), (0.1, 0.2), (8,), (0.0,), keep_all=True), train=trainer([]))
    assert all(Path(cell.output).is_dir() for cell in cells)


def test_an_empty_grid_or_a_wrong_value_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no cells"):
        run_grid(order(tmp_path), Grid(("classify",), (), (8,), (0.0,)), train=trainer([]))
    with pytest.raises(InputError, match="dropout is 1"):
        list(cell_orders(order(tmp_path), Grid(("classify",), (0.1,), (8,), (1.0,))))
