"""Files as HTML: the first rows, and files that are worked on with progress and histogram."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from t5gemma_app.tasks.files.jobs import FileJob, FileState
from t5gemma_app.tasks.files.output import cell_text
from t5gemma_app.tasks.files.running import FileProgress
from t5gemma_app.tasks.files.table import Table
from t5gemma_app.ui.classify_view import percent
from t5gemma_app.ui.markup import bar, duration, problem, text

CELL = 90
COLUMNS = 8
LABELS = 12
EMPTY = (
    '<div class="wb-no-runs"><h3>No file is being read</h3><p>Choose a csv, tsv, jsonl or parquet file with a row for '
    "each text. It is worked on while nobody waits for an answer; it goes on when you close this page, and after a "
    "restart.</p></div>"
)
_STATES = {
    FileState.QUEUED: "waiting for its turn",
    FileState.RUNNING: "being read",
    FileState.CANCELLED: "cancelled; what was read is kept",
    FileState.FAILED: "failed; what was read is kept",
    FileState.DONE: "done",
}
_TONES = {FileState.RUNNING: "good", FileState.FAILED: "bad", FileState.DONE: "done"}


def preview_html(table: Table, rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """Return the first rows of a file, its chosen columns first and marked."""
    shown = [*columns, *(column for column in table.columns if column not in columns)][:COLUMNS]
    head = "".join(
        f'<th scope="col"{" class=wb-picked" if column in columns else ""}>{text(_cut(column, 40))}</th>'
        for column in shown
    )
    body = "".join(
        "<tr>"
        + "".join(
            f"<td{' class=wb-picked' if column in columns else ''}>{text(_cut(cell_text(row.get(column)), CELL))}</td>"
            for column in shown
        )
        + "</tr>"
        for row in rows
    )
    hidden = len(table.columns) - len(shown)
    facts = [f"{table.rows:,} {'row' if table.rows == 1 else 'rows'}", f"{len(table.columns)} columns"]
    if hidden:
        facts.append(f"{hidden} of them not shown")
    if table.note:
        facts.append(table.note)
    return (
        f'<section class="wb-preview"><p class="wb-quiet"><b>{text(table.name)}</b> · {text(" · ".join(facts))}</p>'
        f'<div class="wb-preview-scroll" tabindex="0"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div></section>"
    )


def jobs_html(jobs: Sequence[tuple[FileJob, FileProgress]]) -> str:
    """Return files as rows, newest first."""
    if not jobs:
        return EMPTY
    return '<ul class="wb-runs wb-files">' + "".join(_job(job, progress) for job, progress in jobs) + "</ul>"


def _job(job: FileJob, progress: FileProgress) -> str:
    what, stop, more = job.failure.partition(". ")
    failure = problem(what + stop.strip(), more) if job.state is FileState.FAILED else ""
    return (
        f'<li class="wb-run wb-file" data-state="{job.state.value}">'
        f'<div class="wb-file-head"><div class="wb-run-name"><strong>{text(job.table.name)}</strong>'
        f"<span>{text(_order_words(job))}</span></div>{_buttons(job, progress)}</div>"
        f'<p class="wb-run-state"><span class="wb-dot wb-{_TONES.get(job.state, "quiet")}" aria-hidden="true"></span>'
        f"<span>{text(_line(job, progress))}</span></p>"
        f'<div role="progressbar" aria-valuemin="0" aria-valuemax="{progress.total}" aria-valuenow="{progress.done}" '
        f'aria-label="{text(job.table.name)}">{bar(progress.share, f"{progress.share:.0%} of {job.table.name}")}</div>'
        f"{failure}{_histogram(progress)}</li>"
    )


def _order_words(job: FileJob) -> str:
    columns = " and ".join(job.order.columns)
    labels = job.order.options.get("labels") or ()
    listed = labels if isinstance(labels, str) else ", ".join(labels)
    by = f"by {job.order.checkpoint}" + (f" into {_cut(listed, 60)}" if listed else "")
    return f"{columns} {by}"


def _line(job: FileJob, progress: FileProgress) -> str:
    parts = [_STATES[job.state]]
    going = job.state is FileState.RUNNING
    if going and progress.stage:
        parts = [progress.stage]
    parts.append(f"{progress.done:,} of {progress.total:,} rows")
    if going and progress.rows_per_second:
        parts.append(f"{progress.rows_per_second:,.1f} rows/s")
    if going and progress.seconds_left:
        parts.append(f"{duration(progress.seconds_left)} left")
    if job.state is FileState.DONE and job.seconds:
        parts.append(f"in {duration(job.seconds)}")
    if progress.errors:
        parts.append(f"{progress.errors:,} without a label, each says why")
    return " · ".join(parts)


def _histogram(progress: FileProgress) -> str:
    """Return how many rows have each label; a row can have several, or none."""
    counted = progress.done - progress.errors
    if not progress.tally or counted <= 0:
        return ""
    most = max(count for _, count in progress.tally)
    rows = "".join(
        f'<li class="wb-share"><span class="wb-share-name">{text(label)}</span>'
        f"{bar(count / most, f'{label}: {count:,} rows')}"
        f'<span class="wb-share-number">{count:,} <small>{percent(count / counted)}</small></span></li>'
        for label, count in progress.tally[:LABELS]
    )
    rest = len(progress.tally) - LABELS
    more = f'<p class="wb-quiet">and {rest} more labels</p>' if rest > 0 else ""
    return f'<ol class="wb-shares wb-histogram">{rows}</ol>{more}'


def _buttons(job: FileJob, progress: FileProgress) -> str:
    steps: list[tuple[str, str]] = []
    if progress.done:
        steps += [(f"get-{kind}", kind) for kind in ("csv", "jsonl", "parquet")]
    if job.state.open:
        steps.append(("cancel", "Cancel"))
    elif job.state is not FileState.DONE:
        steps.append(("resume", "Go on"))
    if job.state is not FileState.RUNNING:
        steps.append(("remove", "Delete"))
    buttons = "".join(
        f'<button type="button" class="wb-act" data-act="{act}" data-job="{text(job.id)}" '
        f'title="{text(_SPOKEN.get(act, f"Download {job.table.name} as {words}"))}">{text(words)}</button>'
        for act, words in steps
    )
    return f'<div class="wb-run-buttons">{buttons}</div>'


_SPOKEN = {
    "cancel": "Stop after the rows in work; what was read is kept",
    "resume": "Read the rows that have no label yet",
    "remove": "Delete the file and its labels from the server",
}


def _cut(words: str, most: int) -> str:
    words = " ".join(words.split())
    return words if len(words) <= most else f"{words[: most - 1]}…"
