"""The table of the Leaderboard tab: which columns, in which order, as escaped HTML with buttons in its head."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from t5gemma_app.checkpoints.memory import in_words
from t5gemma_app.checkpoints.parameters import count_in_words
from t5gemma_app.checkpoints.sizes import SIZES, SIZES_2
from t5gemma_app.evaluation.export import percent, task_titles, tasks_of
from t5gemma_app.evaluation.leaderboard import Row
from t5gemma_app.evaluation.records import SHOWN, TAG, MetricEstimate
from t5gemma_app.ui.leaderboard_view import View
from t5gemma_app.ui.markup import text

TASK = "task:"
LONGEST_NAME = 120


@dataclass(frozen=True, slots=True)
class Column:
    """One column."""

    key: str
    title: str
    value: Callable[[Row], Any]
    """What rows are ordered by; None goes last whatever the direction."""
    cell: Callable[[Row], str]
    """The cell's content as markup."""
    number: bool = True
    """Whether it is set to the right, and ordered from the largest at first."""
    about: str = ""
    note: str = ""
    """What stands small below the title."""


def columns_of(view: View, rows: Sequence[Row]) -> tuple[Column, ...]:
    """Return the columns that are shown, from the left: the mean beside the name, where a phone shows it too."""
    chosen = []
    for key in view.columns:
        titles = task_titles(rows)
        chosen += [_task_column(task, titles[task]) for task in tasks_of(rows)] if key == "tasks" else [_CHOOSABLE[key]]
    return (_RANK, _CHECKPOINT, _SCORE, *chosen)


def ordered(rows: Sequence[Row], view: View, columns: Sequence[Column]) -> list[Row]:
    """Return the rows as the view wants them: ranked, then unranked, then published, each group in the same order."""
    column = next((one for one in columns if one.key == view.sort), _RANK)
    groups: tuple[list[Row], list[Row], list[Row]] = ([], [], [])
    for row in rows:
        groups[2 if row.published else 0 if row.rank is not None else 1].append(row)
    if column is _RANK and not view.down:
        return [row for group in groups for row in group]
    shown: list[Row] = []
    for group in groups:
        known = [row for row in group if column.value(row) not in (None, "")]
        lacking = [row for row in group if column.value(row) in (None, "")]
        shown += sorted(known, key=column.value, reverse=view.down) + lacking
    return shown


def short_id(row: Row) -> str:
    """Return the beginning of a run's id as links carry it."""
    return (row.run_id or "")[: len(TAG) + SHOWN]


def size_order(size: str) -> tuple[int, float, str]:
    """Return a key that puts sizes from small to large, unknown ones by the number in their name."""
    known = [*SIZES, *SIZES_2]
    stack = SIZES.get(size) or SIZES_2.get(size)
    if stack is not None and size in known:
        return (1, float(stack.layers * (4 * stack.hidden**2 + 3 * stack.hidden * stack.intermediate)), size)
    unit = {"k": 1e3, "m": 1e6, "b": 1e9}.get(size[-1:].lower(), 1.0)
    digits = size.rstrip("kKmMbB")
    try:
        return (0, float(digits) * unit, size)
    except ValueError:
        return (2, 0.0, size)


def table_html(rows: Sequence[Row], view: View) -> str:
    """Return the table; an empty one says why."""
    columns = columns_of(view, rows)
    shown = ordered(rows, view, columns)
    if not shown:
        return '<p class="wb-quiet">No row passes these filters.</p>'
    head = "".join(_head(column, view) for column in columns)
    ties = {rank for rank in (row.rank for row in rows) if rank and sum(row.rank == rank for row in rows) > 1}
    body = "".join(_line(row, columns, view, ties) for row in shown)
    return (
        '<div class="wb-board" tabindex="0" role="region" aria-label="Leaderboard"><table><thead><tr>'
        f'<th scope="col"><span class="wb-hidden">Compare</span></th>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def estimate_html(estimate: MetricEstimate | None) -> str:
    """Return a score times 100 with its interval small beside it."""
    if estimate is None or estimate.value is None:
        return '<span class="wb-none">–</span>'
    small = ""
    if estimate.low is not None and estimate.high is not None:
        small = f"<small>{percent(estimate.low)}–{percent(estimate.high)}</small>"
    return f"<b>{percent(estimate.value)}</b>{small}"


def _head(column: Column, view: View) -> str:
    sorted_by = column.key == view.sort
    state = ("descending" if view.down else "ascending") if sorted_by else "none"
    arrow = ("↓" if view.down else "↑") if sorted_by else ""
    css = "" if column.number else ' class="wb-words"'
    about = f' title="{text(column.about)}"' if column.about else ""
    note = f"<small>{text(column.note)}</small>" if column.note else ""
    return (
        f'<th scope="col" aria-sort="{state}"{css}><button type="button" data-board="sort:{text(column.key)}"{about}>'
        f'{text(column.title)}<i aria-hidden="true">{arrow}</i></button>{note}</th>'
    )


def _line(row: Row, columns: Sequence[Column], view: View, ties: set[int]) -> str:
    kind = "wb-printed" if row.published else "wb-unranked" if row.rank is None else ""
    ident = short_id(row)
    letter = "A" if ident and ident == view.a else "B" if ident and ident == view.b else ""
    pick = ""
    if ident:
        pick = (
            f'<button type="button" class="wb-pick" role="checkbox" aria-checked="{str(bool(letter)).lower()}" '
            f'data-board="pick:{text(ident)}" aria-label="Compare {text(row.checkpoint[:LONGEST_NAME])}">'
            f"{letter}</button>"
        )
    cells = "".join(
        f'<td class="wb-col-{text(column.key.partition(":")[0])}{"" if column.number else " wb-words"}">'
        f"{_rank(row, ties) if column is _RANK else column.cell(row)}</td>"
        for column in columns
    )
    return f'<tr class="{kind}{" wb-picked" if letter else ""}"><td>{pick}</td>{cells}</tr>'


def _rank(row: Row, ties: set[int]) -> str:
    if row.rank is None:
        return '<span class="wb-none" title="not ranked">–</span>'
    tie = '<i title="no test tells these apart">=</i>' if row.rank in ties else ""
    return f"{row.rank}{tie}"


def _name(row: Row) -> str:
    note = row.published or row.why_unranked or ("came with the app" if row.shipped else "")
    more = f"<small>{text(note)}</small>" if note else ""
    return f"<span>{text(row.checkpoint[:LONGEST_NAME])}</span>{more}"


def _task_column(task: str, title: str) -> Column:
    def estimate(row: Row) -> MetricEstimate | None:
        return row.tasks.get(task)

    def value(row: Row) -> float | None:
        found = estimate(row)
        return found.value if found else None

    def cell(row: Row) -> str:
        note = row.splits.get(task)
        about = f' title="{text(note)}"' if note else ""
        return f"<span{about}>{estimate_html(estimate(row))}</span>" if note else estimate_html(estimate(row))

    return Column(f"{TASK}{task}", task, value, cell, note=title.removeprefix(task).strip(" ()"))


def _plain(key: str, title: str, *, about: str = "") -> Column:
    def cell(row: Row) -> str:
        return text(getattr(row, key)) or '<span class="wb-none">–</span>'

    return Column(key, title, lambda row: str(getattr(row, key)), cell, number=False, about=about)


def _size(key: str, title: str) -> Column:
    def value(row: Row) -> Any:
        size = getattr(row, f"{key}_size")
        return size_order(size) if size else None

    def cell(row: Row) -> str:
        return text(getattr(row, f"{key}_size")) or '<span class="wb-none">–</span>'

    return Column(key, title, value, cell, number=False)


def _amount(key: str, title: str, value: Callable[[Row], float | None], words: Callable[[Any], str]) -> Column:
    def cell(row: Row) -> str:
        found = value(row)
        return text(words(found)) if found else '<span class="wb-none">–</span>'

    return Column(key, title, value, cell)


_RANK = Column(
    "rank",
    "rank",
    lambda row: row.rank,
    lambda row: str(row.rank),
    about="Equal ranks are ties: no test tells them apart",
)
_CHECKPOINT = Column("checkpoint", "checkpoint", lambda row: row.checkpoint.casefold(), _name, number=False)
_SCORE = Column(
    "score",
    "mean",
    lambda row: row.score.value,
    lambda row: estimate_html(row.score),
    about="Mean of the tasks, times 100, with its 95 % interval",
)
_CHOOSABLE = {
    column.key: column
    for column in (
        _size("encoder", "encoder"),
        _size("decoder", "decoder"),
        _amount("parameters", "parameters", lambda row: row.parameters, count_in_words),
        _amount("n", "n", lambda row: row.n or None, lambda n: f"{n:,}"),
        Column("unscored", "unscored", lambda row: row.unscored, lambda row: f"{row.unscored:,}" if row.n else ""),
        _amount("speed", "examples/s", lambda row: row.examples_per_second, lambda speed: f"{speed:,.1f}"),
        _amount("memory", "peak memory", lambda row: row.peak_bytes or None, in_words),
        _plain("objective", "objective"),
        _plain("stage", "stage"),
        _plain("method", "method", about="How answers are read: choices ranked, text written, or a head asked"),
        _plain("dtype", "numbers"),
        _plain("attention", "attention"),
        _plain("device", "device"),
    )
}
