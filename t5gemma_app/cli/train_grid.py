"""`train grid`: fine-tuning over a grid of learning rates, batch sizes and dropouts; a killed grid goes on."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from t5gemma_app.cli.output import print_json, table
from t5gemma_app.cli.train_finetune import add_data, order_from
from t5gemma_app.cli.train_flags import add_machine, add_plan, tell
from t5gemma_app.settings import process_shard

if TYPE_CHECKING:
    from t5gemma_app.services import Services
    from t5gemma_app.training.grid import Cell


def add_grid(recipes: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to `train`."""
    grid = recipes.add_parser(
        "grid", help="fine-tune over learning rates, batch sizes and dropouts; a killed grid goes on"
    )
    grid.add_argument(
        "--tasks", nargs="+", required=True, metavar="T", help="superglue:cb superglue:rte …, or classify"
    )
    grid.add_argument("--rates", nargs="+", type=float, default=[1e-4, 3e-4, 1e-3], metavar="X")
    grid.add_argument("--batches", nargs="+", type=int, default=[16, 32], metavar="N")
    grid.add_argument("--dropouts", nargs="+", type=float, default=[0.0, 0.1], metavar="X")
    grid.add_argument("--keep-all", action="store_true", help="keep every cell's weights, not only the best's")
    add_data(grid)
    add_plan(grid)
    add_machine(grid)
    grid.set_defaults(run=run)


def run(arguments: argparse.Namespace, services: Services) -> int:
    """Run what is missing of the grid and print all cells; 1 where a cell ended without a score."""
    from t5gemma_app.training.grid import Grid, best_cell, run_grid

    grid = Grid(
        tasks=tuple(arguments.tasks),
        rates=tuple(arguments.rates),
        batches=tuple(arguments.batches),
        dropouts=tuple(arguments.dropouts),
        keep_all=arguments.keep_all,
    )
    cells = run_grid(order_from(arguments, services, arguments.tasks[0]), grid, tell)
    if process_shard().rank:
        return 0
    if arguments.json:
        print_json([cell.to_dict() for cell in cells])
    else:
        best = [best_cell([cell for cell in cells if cell.task == task]) for task in grid.tasks]
        header = ("task", "rate", "rows", "dropout", "score", "95 % interval", "minutes", "")
        print(table(header, [_row(cell, cell in best) for cell in cells], right=(1, 2, 3, 4, 6)))
        tell("The best were chosen on the rows their scores are of, so their scores are a little too high.")
    return 0 if all(cell.score is not None for cell in cells) else 1


def _row(cell: Cell, best: bool) -> tuple[str, ...]:
    score = cell.score
    interval = (
        f"{score.low:.1%} to {score.high:.1%}" if score and score.low is not None and score.high is not None else ""
    )
    return (
        cell.task,
        f"{cell.rate:g}",
        str(cell.batch_rows),
        f"{cell.dropout:g}",
        f"{score.value:.4f}" if score else "none",
        interval,
        f"{cell.seconds / 60:.1f}",
        "best" if best else cell.problem,
    )
