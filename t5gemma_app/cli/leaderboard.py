"""`leaderboard`: finished runs of a suite, ranked with ties."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from t5gemma_app.cli.output import print_json, say

if TYPE_CHECKING:
    from t5gemma_app.services import Services


def add_leaderboard(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    board = commands.add_parser("leaderboard", help="finished runs of a suite, ranked with ties")
    board.add_argument("--suite", default="", metavar="S", help="a name, or name@version; the one run last if left out")
    board.add_argument("--format", choices=("md", "csv", "json", "latex"), default="md", help="default md")
    board.add_argument("--published", action="store_true", help="add the paper's figures, marked and not ranked")
    board.add_argument("--store", type=Path, metavar="FILE", help="the file of results; else the data folder's")
    board.set_defaults(run=run)


def run(arguments: argparse.Namespace, services: Services) -> int:
    """Print the leaderboard."""
    from t5gemma_app.evaluation.export import to_csv, to_json, to_latex, to_markdown
    from t5gemma_app.evaluation.leaderboard import Filter, leaderboard, suites

    store = services.open_store(arguments.store)
    try:
        finished = store.finished()
    finally:
        store.close()
    rows = leaderboard(finished, Filter(suite=arguments.suite, published=arguments.published))
    if arguments.format == "json":
        print_json(to_json(rows))
    else:
        print({"md": to_markdown, "csv": to_csv, "latex": to_latex}[arguments.format](rows), end="")
    if not any(row.run_id for row in rows):
        known = ", ".join(suites(finished))
        say(
            f"No finished run of this suite. {f'There are runs of {known}.' if known else 'Start one with `evaluate`.'}"
        )
    return 0
