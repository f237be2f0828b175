"""Rows and runs as text for elsewhere: csv, json, Markdown, LaTeX, and the Hub's `.eval_results` YAML. Pure.

Where people read, scores are times 100 with one decimal; where programs read, they are shares.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from t5gemma_app.evaluation.leaderboard import Row
from t5gemma_app.evaluation.records import MetricEstimate
from t5gemma_app.evaluation.results import FinishedRun
from t5gemma_app.tasks.cells import safe_cell

_MARKDOWN = re.compile(r"([\\`*_\[\]<>|~#])")
_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
}
DATASET = "aps/super_glue"


def percent(value: float | None) -> str:
    """Return a share times 100 with one decimal, or a dash where there is none."""
    return "–" if value is None or not math.isfinite(value) else f"{value * 100:.1f}"


def with_interval(estimate: MetricEstimate) -> str:
    """Return a share with its interval in brackets, times 100."""
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return percent(estimate.value)
    return f"{percent(estimate.value)} [{percent(estimate.low)}, {percent(estimate.high)}]"


def tasks_of(rows: Sequence[Row]) -> tuple[str, ...]:
    """Return the benchmarks of all rows in the order they first appear."""
    return tuple(dict.fromkeys(task for row in rows for task in row.tasks))


def task_titles(rows: Sequence[Row]) -> dict[str, str]:
    """Return what each benchmark's column is called: its name, and what its rows are where they are not official."""
    titles = {}
    for task in tasks_of(rows):
        notes = [row.splits.get(task, "") for row in rows if task in row.tasks]
        said = "; ".join(dict.fromkeys(note for note in notes if note))
        titles[task] = task if not said else f"{task} ({said})" if all(notes) else f"{task} (some rows: {said})"
    return titles


def to_csv(rows: Sequence[Row]) -> str:
    """Return the leaderboard for a spreadsheet, shares with all digits and intervals in columns of their own."""
    tasks = tasks_of(rows)
    header = ["rank", "checkpoint", "score", "score_low", "score_high"]
    header += [name for task in tasks for name in (task, f"{task}_low", f"{task}_high")]
    header += [*_FACTS, "splits", "command", "run_id"]
    output = io.StringIO()
    writer = csv.writer(output, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        cells: list[Any] = [row.rank, row.checkpoint, *_three(row.score)]
        for task in tasks:
            cells += _three(row.tasks.get(task, MetricEstimate(task, None)))
        splits = "; ".join(f"{task}: {note}" for task, note in row.splits.items())
        cells += [getattr(row, name) for name in _FACTS] + [splits, row.command, row.run_id]
        writer.writerow(["" if cell is None else safe_cell(str(cell)) for cell in cells])
    return output.getvalue()


def to_json(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return the leaderboard for programs."""
    return [asdict(row) for row in rows]


def to_markdown(rows: Sequence[Row]) -> str:
    """Return the leaderboard as a Markdown table."""
    tasks = tasks_of(rows)
    titles = [_MARKDOWN.sub(r"\\\1", title) for title in task_titles(rows).values()]
    header = ["rank", "checkpoint", "score [95 %]", *titles, "n", "examples/s", "note"]
    lines = [header, ["---:", ":---", "---:", *["---:"] * len(tasks), "---:", "---:", ":---"]]
    for row in rows:
        cells = _people(row, tasks, with_interval)
        lines.append([_MARKDOWN.sub(r"\\\1", cell).replace("\n", " ") for cell in cells])
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def to_latex(rows: Sequence[Row]) -> str:
    """Return the leaderboard as a LaTeX table in the manner of booktabs."""
    tasks = tasks_of(rows)
    header = ["", "Checkpoint", "Score", *task_titles(rows).values(), "n"]
    lines = [f"\\begin{{tabular}}{{rl{'r' * (len(tasks) + 2)}}}", "\\toprule", _latex_row(header), "\\midrule"]
    lines += [_latex_row(_people(row, tasks, _latex_interval)[: len(header)]) for row in rows]
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}", ""])


def to_eval_results(one: FinishedRun) -> str:
    """Return a run as the YAML that a model's repository holds under `.eval_results/`.

    Partial runs are refused by the caller; here they are marked in the notes.
    """
    spec = one.run.spec
    date = datetime.fromtimestamp(one.run.finished or one.run.created, UTC).date().isoformat()
    lines = []
    for benchmark in one.benchmarks:
        if benchmark.score is None:
            continue
        metrics = ", ".join(f"{metric.name} {percent(metric.value)}" for metric in benchmark.metrics)
        notes = f"{benchmark.formatter}, n={benchmark.n}, {metrics}, {spec.dtype}, run {one.run.id}"
        if spec.partial:
            notes += ", partial"
        if note := dict(one.run.order.splits).get(benchmark.name):
            notes += f", {note}"
        lines += [
            "- dataset:",
            f"    id: {_yaml(DATASET)}",
            f"    task_id: {_yaml(benchmark.name)}",
            f"  value: {round(benchmark.score * 100, 4)!r}",
            f"  date: {_yaml(date)}",
            f"  notes: {_yaml(notes)}",
        ]
    return "\n".join([*lines, ""]) if lines else "[]\n"


_FACTS = (
    "n",
    "unscored",
    "encoder_size",
    "decoder_size",
    "objective",
    "stage",
    "parameters",
    "method",
    "dtype",
    "attention",
    "device",
    "examples_per_second",
    "peak_bytes",
    "partial",
    "published",
    "why_unranked",
    "suite",
)


def _three(estimate: MetricEstimate) -> list[float | None]:
    return [estimate.value, estimate.low, estimate.high]


def _people(row: Row, tasks: Sequence[str], score: Callable[[MetricEstimate], str]) -> list[str]:
    """Return a row's cells as people read them."""
    speed = f"{row.examples_per_second:.1f}" if row.examples_per_second else ""
    return [
        "" if row.rank is None else str(row.rank),
        row.checkpoint,
        score(row.score),
        *(percent(row.tasks[task].value) if task in row.tasks else "–" for task in tasks),
        str(row.n) if row.n else "",
        speed,
        row.published or row.why_unranked,
    ]


def _latex_interval(estimate: MetricEstimate) -> str:
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return percent(estimate.value)
    return f"{percent(estimate.value)} ({percent(estimate.low)}–{percent(estimate.high)})"


def _latex_row(cells: Sequence[str]) -> str:
    escaped = ("".join(_LATEX.get(letter, letter) for letter in cell).replace("–", "--") for cell in cells)
    return " & ".join(" ".join(cell.split()) for cell in escaped) + r" \\"


def _yaml(text: str) -> str:
    """Return a text as a YAML scalar; JSON's strings are YAML's."""
    return json.dumps(text)
