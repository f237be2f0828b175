"""Training as HTML: the order as a sentence, what its rows are like, and runs with their curves.

Names, labels, cells and failures come from people and files; everything is escaped on its way in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from t5gemma_app.tasks.files.output import cell_text
from t5gemma_app.training.following import Judged, Outcome, Reached, TrainProgress
from t5gemma_app.training.jobs import DataFacts, TrainJob, TrainState
from t5gemma_app.ui.charts.curves import Curve, Level, curves
from t5gemma_app.ui.markup import bar, duration, problem, text

LABELS, COLUMNS, CELL = 8, 6, 90
TASKS = {"classify": "label texts", "tag": "tag words", "chat": "answer"}
"""What each task teaches, in words."""
CLOSED = "Visitors can't train checkpoints here."
OPEN_IT = (
    "The owner can allow it with the variable T5GEMMA_TRAIN=1.",
    "To train checkpoints yourself, run the workbench on a machine of your own.",
)
EMPTY = (
    '<div class="wb-no-runs"><h3>Nothing was trained yet</h3><p>Choose what a checkpoint shall learn and bring a file '
    "with rows: a text and its label, words and their tags, or a prompt and its answer. A run is kept on the server: "
    "it goes on when you close this page, and after a restart. What comes out is listed in every tab.</p></div>"
)
LOOK = '<div class="wb-no-runs"><h3>Nothing was trained yet</h3><p>Runs appear here when there are some.</p></div>'
SHARES_GPU = "A run shares the GPU with what is loaded here; where that is too little memory, it says so and ends."
_STATES = {
    TrainState.QUEUED: "waiting for its turn",
    TrainState.RUNNING: "being trained",
    TrainState.CANCELLED: "cancelled; it can go on",
    TrainState.FAILED: "failed; its last saved state is kept",
    TrainState.DONE: "done",
}
_TONES = {TrainState.RUNNING: "good", TrainState.FAILED: "bad", TrainState.DONE: "done"}
_BUTTONS: dict[TrainState, tuple[tuple[str, str], ...]] = {
    TrainState.QUEUED: (("cancel", "Cancel"),),
    TrainState.RUNNING: (("cancel", "Cancel"),),
    TrainState.CANCELLED: (("resume", "Go on"), ("remove", "Delete")),
    TrainState.FAILED: (("resume", "Try again"), ("remove", "Delete")),
    TrainState.DONE: (("open", ""), ("remove", "Delete")),
}
_TABS = {"tag": ("tag", "Open Tag"), "chat": ("chat", "Open Chat")}
"""The tab in which a checkpoint is of use, and the words of the button; all others classify."""
DRAWN = 6
"""Runs whose curves are drawn, the newest."""


@dataclass(frozen=True, slots=True)
class TrainView:
    """One run as it is shown."""

    job: TrainJob
    progress: TrainProgress
    outcome: Outcome | None = None
    ending: bool = False


def sentence_html(checkpoint: str, task: str, rows: str, name: str) -> str:
    """Return an order to be read aloud."""
    if not checkpoint:
        return '<p class="wb-sentence">Choose a checkpoint to begin with.</p>'
    what = TASKS.get(task, "")
    if task.startswith("superglue:"):
        what, rows = "answer", f"SuperGLUE's {task.partition(':')[2]}"
    of = f" by the rows of <b>{text(_cut(rows, 60))}</b>" if rows else ""
    called = f", and call it <b>{text(name)}</b>" if name else ""
    return f'<p class="wb-sentence">Teach <b>{text(checkpoint)}</b> to <b>{text(what)}</b>{of}{called}.</p>'


def facts_html(facts: DataFacts, steps: int) -> str:
    """Return what the rows of an order are like, after they were checked."""
    words = [f"{facts.rows:,} rows to learn from", f"{facts.evaluation_rows:,} to be judged by"]
    if facts.held_out:
        words[-1] += ", held out"
    if facts.repeated:
        words[-1] += f", {facts.repeated:,} of them among the others too"
    words.append(f"{steps:,} {'step' if steps == 1 else 'steps'}")
    if facts.baseline is not None:
        words.append(f"always the commonest label would reach {facts.baseline:.1%}")
    line = f'<p class="wb-cost"><span class="wb-dot wb-good" aria-hidden="true"></span> {text(" · ".join(words))}</p>'
    return f'<div class="wb-checked">{line}{_labels_html(facts)}</div>'


def _labels_html(facts: DataFacts) -> str:
    if not facts.labels:
        return ""
    shown = "".join(
        f"<li><span>{text(_cut(label, 40))}</span> <b>{count:,}</b></li>" for label, count in facts.labels[:LABELS]
    )
    rest = facts.label_count - min(LABELS, len(facts.labels))
    more = f"<li>and {rest:,} more</li>" if rest > 0 else ""
    return f'<ul class="wb-label-counts" aria-label="Labels">{shown}{more}</ul>'


def preview_html(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], chosen: Sequence[str]) -> str:
    """Return the first rows, the chosen columns first and marked."""
    picked = [column for column in dict.fromkeys(chosen) if column in columns]
    shown = [*picked, *(column for column in columns if column not in picked)][:COLUMNS]
    if not rows or not shown:
        return ""
    head = "".join(
        f'<th scope="col"{" class=wb-picked" if column in picked else ""}>{text(_cut(column, 40))}</th>'
        for column in shown
    )
    body = "".join(
        "<tr>"
        + "".join(
            f"<td{' class=wb-picked' if column in picked else ''}>{text(_cut(_cell(row.get(column)), CELL))}</td>"
            for column in shown
        )
        + "</tr>"
        for row in rows
    )
    hidden = f", {len(columns) - len(shown)} more columns" if len(columns) > len(shown) else ""
    return (
        f'<section class="wb-preview"><p class="wb-quiet">The first rows{hidden}</p>'
        f'<div class="wb-preview-scroll" tabindex="0"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div></section>"
    )


def runs_html(views: Sequence[TrainView], *, steerable: bool) -> str:
    """Return runs as rows with curves, newest first.

    Args:
        views: The runs.
        steerable: Whether whoever looks may cancel, resume and delete.
    """
    if not views:
        return EMPTY if steerable else LOOK
    rows = [_run(view, steerable, drawn=number < DRAWN) for number, view in enumerate(views)]
    return '<ul class="wb-runs wb-trainings">' + "".join(rows) + "</ul>"


def _run(view: TrainView, steerable: bool, *, drawn: bool) -> str:
    job, progress = view.job, view.progress
    what, stop, more = job.failure.partition(". ")
    failure = problem(what + stop.strip(), more) if job.state is TrainState.FAILED else ""
    share = 1.0 if job.state is TrainState.DONE else progress.share
    return (
        f'<li class="wb-run wb-training" data-run="{text(job.name)}" data-state="{job.state.value}">'
        f'<div class="wb-run-head"><div class="wb-run-name"><strong>{text(job.name)}</strong>'
        f"<span>{text(_order_words(job))}</span></div>{_score(view)}{_buttons(view, steerable)}</div>"
        f'<p class="wb-run-state"><span class="wb-dot wb-{_TONES.get(job.state, "quiet")}" aria-hidden="true"></span>'
        f"<span>{text(state_words(view))}</span></p>"
        f'<div role="progressbar" aria-valuemin="0" aria-valuemax="{progress.total}" aria-valuenow="{progress.step}" '
        f'aria-label="{text(job.name)}">{bar(share, f"{share:.0%} of {job.name}")}</div>'
        f"{failure}{_figures(view) if drawn else ''}</li>"
    )


def state_words(view: TrainView) -> str:
    """Return where a run is, in a line."""
    job, progress = view.job, view.progress
    parts = ["ending after this step" if view.ending else _STATES[job.state]]
    if job.state is TrainState.RUNNING and not progress.total:
        return f"{parts[0]} · reading rows and weights"
    if view.outcome is not None:
        parts.append(f"step {view.outcome.best_step:,} of {view.outcome.steps:,} was the best")
        parts.append(f"in {duration(view.outcome.seconds)}")
        return " · ".join(parts)
    if progress.total:
        parts.append(f"step {progress.step:,} of {progress.total:,}")
    if job.state is TrainState.RUNNING and progress.step == progress.total and progress.total:
        parts.append("measuring what it reached")
    elif job.state is TrainState.RUNNING and progress.seconds_left is not None and not view.ending:
        parts.append(f"about {duration(progress.seconds_left)} left")
    return " · ".join(parts)


def _order_words(job: TrainJob) -> str:
    order, plan = job.order, job.order.plan
    what = TASKS.get(order.task, order.task.replace(":", " "))
    length = f"{plan.steps:,} steps" if plan.steps else f"{plan.epochs:g} {'epoch' if plan.epochs == 1 else 'epochs'}"
    return (
        f"{order.checkpoint} · {what} · {_cut(job.shown, 60)}, {job.facts.rows:,} rows · {length} of {plan.batch_rows} "
        f"rows at {plan.rate:g}, dropout {plan.dropout:g}, seed {plan.seed}"
    )


def _score(view: TrainView) -> str:
    if view.outcome is not None:
        return _reached(_chief(view.outcome.scores))
    if not view.progress.judged:
        return '<div class="wb-run-score"></div>'
    last = view.progress.judged[-1]
    if last.metric is None:
        return f'<div class="wb-run-score"><b>{last.loss:.3f}</b> <small>loss so far</small></div>'
    about = f"{view.progress.metric} so far"
    return f'<div class="wb-run-score"><b>{last.metric:.1%}</b> <small>{text(about)}</small></div>'


def _chief(scores: Sequence[Reached]) -> Reached:
    """Return the figure that people look for: the first share, else the first of all."""
    return next((score for score in scores if score.low is not None), scores[0])


def _reached(score: Reached) -> str:
    if score.low is None or score.high is None:
        return f'<div class="wb-run-score"><b>{score.value:.3f}</b> <small>{text(score.name)}</small></div>'
    guess = "" if score.baseline is None else f", commonest label {score.baseline:.1%}"
    return (
        f'<div class="wb-run-score"><b>{score.value:.1%}</b> '
        f"<span>[{score.low * 100:.1f}, {score.high * 100:.1f}]</span>"
        f"<small>{text(score.name)}{text(guess)}</small></div>"
    )


def _buttons(view: TrainView, steerable: bool) -> str:
    offered = [
        (act, words)
        for act, words in _BUTTONS[view.job.state]
        if (steerable or act == "open") and not (view.ending and act == "cancel")
    ]
    name = text(view.job.name)
    tab, opening = _TABS.get(view.job.order.task, ("classify", "Open Classify"))
    return (
        '<div class="wb-run-buttons">'
        + "".join(
            f'<button type="button" class="wb-act" data-act="{act}" data-run="{name}" data-tab="{tab}" '
            f'aria-label="{words or opening}: {name}">{words or opening}</button>'
            for act, words in offered
        )
        + "</div>"
    )


def _figures(view: TrainView) -> str:
    progress = view.progress
    if not progress.losses:
        return ""
    legend = '<span class="wb-line-key wb-c-loss"></span>rows it learns from'
    if progress.judged:
        legend += ' <span class="wb-line-key wb-c-judged"></span>rows it is judged by'
    charts = [_figure(view, "loss", legend)]
    if progress.metric and any(one.metric is not None for one in progress.judged):
        level = _level(view)
        legend = '<span class="wb-line-key wb-c-judged"></span>rows it is judged by'
        if level:
            legend += ' <span class="wb-line-key wb-c-level"></span>always the commonest label'
        charts.append(_figure(view, "metric", legend))
    return f'<div class="wb-curves">{"".join(charts)}</div>'


def _figure(view: TrainView, kind: str, legend: str) -> str:
    drawn = "".join(
        f'<div class="wb-if-{fit}">{_chart(view, kind, width, fit)}</div>'
        for fit, width in (("wide", 520.0), ("narrow", 350.0))
    )
    return f'<figure><figcaption class="wb-quiet">{legend}</figcaption>{drawn}</figure>'


def _chart(view: TrainView, kind: str, width: float, fit: str) -> str:
    job, progress = view.job, view.progress
    ident = f"curve-{job.name}-{kind}-{fit}"
    if kind == "loss":
        lines = [Curve("rows it learns from", progress.losses, "wb-c-loss")]
        lines.append(_judged("rows it is judged by", progress.judged, lambda one: one.loss, "{:.3f}"))
        return curves(lines, title="loss", total=progress.total, width=width, height=190, ident=ident)
    scores = _judged(progress.metric, progress.judged, lambda one: one.metric, "{:.1%}")
    return curves(
        [scores],
        title=progress.metric,
        total=progress.total,
        width=width,
        height=190,
        ident=ident,
        level=_level(view),
        tick=lambda value: f"{value * 100:g} %",
        ceiling=1.0,
    )


def _judged(name: str, judged: Sequence[Judged], value: Any, shown: str) -> Curve:
    points = tuple((float(one.step), float(value(one))) for one in judged if value(one) is not None)
    return Curve(name, points, "wb-c-judged", dots=True, shown=shown)


def _level(view: TrainView) -> Level | None:
    baseline = view.job.facts.baseline
    known = view.progress.metric == "accuracy" and baseline is not None
    return Level("always the commonest label", baseline) if known and baseline is not None else None


def _cell(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return " ".join(value)
    return cell_text(value)


def _cut(words: str, most: int) -> str:
    words = " ".join(words[: 20 * most].encode("utf-8", "replace").decode().split())  # a row may hold half a character
    return words if len(words) <= most else f"{words[: most - 1]}…"
