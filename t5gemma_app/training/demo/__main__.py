"""`python -m t5gemma_app.training.demo train` and `measure`: the demo recipe on its own."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from t5gemma_app.errors import InputError, WorkbenchError
from t5gemma_app.training.demo.measure import Score
from t5gemma_app.training.demo.recipe import SEED, Order, measure, run


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        results = (
            measure(options.checkpoint, options.seed, options.draw) if options.command == "measure" else _train(options)
        )
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    except WorkbenchError as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps([as_row(score) for score in results]) if options.json else table(results))
    return 0


def as_row(score: Score) -> dict[str, str | int | float]:
    """Return a score as plain values."""
    low, high = score.interval()
    return {"skill": score.skill, "n": score.n, "exact": score.share, "low": low, "high": high}


def table(results: tuple[Score, ...]) -> str:
    """Write the scores in columns."""
    lines = [f"{'skill':16} {'n':>4} {'exact':>7}  95 % interval"]
    for score in results:
        low, high = score.interval()
        lines.append(f"{score.skill:16} {score.n:4} {score.share:7.1%}  {low:.1%} to {high:.1%}")
    return "\n".join(lines)


def _train(options: argparse.Namespace) -> tuple[Score, ...]:
    order = Order(
        output=options.output,
        state=options.state,
        data=options.data,
        minutes=options.minutes,
        steps=options.steps,
        seed=options.seed,
    )
    return run(order, say=lambda line: print(line, file=sys.stderr, flush=True))


def _parser() -> argparse.ArgumentParser:
    usual = Order()
    parser = argparse.ArgumentParser(prog="python -m t5gemma_app.training.demo", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    train = commands.add_parser("train", help="train the demo checkpoint, or go on with a killed run")
    train.add_argument("--data", type=Path, help="a local folder of .jsonl files that adds to training")
    train.add_argument("--output", type=Path, default=usual.output, help="where the checkpoint is written")
    train.add_argument("--state", type=Path, default=usual.state, help="where an unfinished run is kept")
    length = train.add_mutually_exclusive_group()
    length.add_argument("--steps", type=int, default=usual.steps, help="number of steps")
    length.add_argument("--minutes", type=float, help="training time instead of a number of steps")
    checked = commands.add_parser("measure", help="answer the held-out prompts")
    checked.add_argument("--checkpoint", type=Path, required=True)
    checked.add_argument("--draw", type=int, default=0, help="which 500 of the held-out side; 0 was used for tuning")
    for command in (train, checked):
        command.add_argument("--seed", type=int, default=SEED)
        command.add_argument("--json", action="store_true", help="print one JSON document")
    return parser


if __name__ == "__main__":
    sys.exit(main())
