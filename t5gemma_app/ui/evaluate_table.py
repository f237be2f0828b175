"""Runs as rows of HTML: state, a bar a task, the score with its interval, and the buttons that steer them.

Names and failures come from files and libraries; everything is escaped on its way in.
"""

from __future__ import annotations

from t5gemma_app.evaluation.leaderboard import score_estimate, task_estimate
from t5gemma_app.evaluation.progress import score_so_far
from t5gemma_app.evaluation.records import SHOWN, TAG, MetricEstimate, RunState
from t5gemma_app.ui.evaluate_board import FINISHED, GOING, STOPPED, RunView, Snapshot
from t5gemma_app.ui.evaluate_words import interval_words, pace_words, percent, setting_words, state_words
from t5gemma_app.ui.markup import problem, text

HEADINGS = {GOING: "Going on", STOPPED: "Stopped", FINISHED: "Finished"}
EMPTY = '<div class="wb-no-runs"><h3>No runs yet</h3><p>{hint}</p></div>'
START_HINT = (
    "Choose checkpoints and a suite above, then start. Runs are kept on the server: they go on when you close this "
    "page, and after a restart."
)
LOOK_HINT = "Runs appear here while the owner computes them; finished ones are on the leaderboard."
_TONES = {RunState.RUNNING: "good", RunState.FAILED: "bad", RunState.DONE: "done"}
_BUTTONS: dict[RunState, tuple[tuple[str, str], ...]] = {
    RunState.QUEUED: (("pause", "Pause"), ("cancel", "Cancel")),
    RunState.RUNNING: (("pause", "Pause"), ("cancel", "Cancel")),
    RunState.PAUSED: (("resume", "Resume"), ("cancel", "Cancel")),
    RunState.FAILED: (("resume", "Try again"), ("cancel", "Cancel")),
    RunState.CANCELLED: (("resume", "Resume"),),
    RunState.DONE: (("leaderboard", "Leaderboard"),),
}


def runs_html(snapshot: Snapshot, *, steerable: bool) -> str:
    """Return all runs under their headings.

    Args:
        snapshot: The runs.
        steerable: Whether whoever looks may pause, resume and cancel.
    """
    if not snapshot.views:
        return EMPTY.format(hint=START_HINT if steerable else LOOK_HINT)
    parts = []
    for group, heading in HEADINGS.items():
        views = [view for view in snapshot.views if view.group == group]
        if views:
            rows = "".join(_row(view, steerable) for view in views)
            # Keyed by group: a run that changes its group leaves the other lists as they are.
            parts.append(f'<section><h3>{heading}</h3><ul class="wb-runs wb-runs-{group}">{rows}</ul></section>')
    if snapshot.hidden:
        parts.append(f'<p class="wb-quiet">{snapshot.hidden:,} older runs are not listed.</p>')
    return "".join(parts)


def _row(view: RunView, steerable: bool) -> str:
    run = view.run
    short = run.id.removeprefix(TAG)[:SHOWN]
    line = " · ".join([state_words(view), *pace_words(view)])
    failure = _failure(run.failure) if run.state is RunState.FAILED else ""
    return (
        f'<li class="wb-run" data-run="{text(run.id)}" data-state="{run.state.value}">'
        f'<div class="wb-run-head"><div class="wb-run-name"><strong>{text(run.spec.checkpoint)}</strong>'
        f'<span title="Run {text(short)}">{text(setting_words(view))}</span></div>'
        f"{_score(view)}{_buttons(view, steerable)}</div>"
        f'<p class="wb-run-state"><span class="wb-dot wb-{_TONES.get(run.state, "quiet")}" aria-hidden="true"></span>'
        f"<span>{text(line)}</span></p>"
        f"{failure}{_tasks(view)}</li>"
    )


def _failure(failure: str) -> str:
    """Return why a run failed, its first sentence above what to do."""
    what, stop, more = (failure or "The run failed.").partition(". ")
    return problem(what + stop.strip(), more)


def _score(view: RunView) -> str:
    estimate = score_estimate(view.result) if view.result is not None else score_so_far(view.progress)
    if estimate is None:
        return '<div class="wb-run-score"></div>'
    about = "score" if view.result is not None else "accuracy so far"
    begun = sum(one.metric is not None for one in view.progress.benchmarks)
    if view.result is None and begun < len(view.progress.benchmarks):
        about = f"accuracy so far, {begun} of {len(view.progress.benchmarks)} tasks"
    return (
        f'<div class="wb-run-score"><b>{percent(estimate.value)}</b> <span>{text(interval_words(estimate))}</span>'
        f"<small>{text(about)}</small></div>"
    )


def _buttons(view: RunView, steerable: bool) -> str:
    offered = [
        (act, words) for act, words in _BUTTONS[view.run.state] if (steerable or act == "leaderboard") and not view.wish
    ]
    if view.wish and steerable:
        offered = [("resume", "Go on")]  # takes the wish back before the batch is through
    name = text(view.run.spec.checkpoint)
    return (
        '<div class="wb-run-buttons">'
        + "".join(
            f'<button type="button" class="wb-act" data-act="{act}" data-run="{text(view.run.id)}" '
            f'aria-label="{words}: {name}">{words}</button>'
            for act, words in offered
        )
        + "</div>"
    )


def _tasks(view: RunView) -> str:
    if view.run.state is not RunState.RUNNING and not view.progress.done and view.result is None:
        return ""  # a long queue stays short on the screen
    if view.result is not None:
        found = [_task(one.name, one.n, one.n, one.unscored, task_estimate(one)) for one in view.result.benchmarks]
    else:
        shown = view.progress.benchmarks
        found = [_task(one.name, one.done, one.total, one.unscored, one.metric) for one in shown]
    return f'<ul class="wb-tasks">{"".join(found)}</ul>'


def _task(name: str, done: int, total: int, unscored: int, estimate: MetricEstimate | None) -> str:
    share = done / total * 100 if total else 0.0
    value = ""
    if estimate is not None and estimate.value is not None:
        value = f"<b>{percent(estimate.value)}</b> <span>{text(interval_words(estimate))}</span>"
    if unscored:
        value += f'<span class="wb-unscored"> {unscored:,} unscored</span>'
    return (
        f'<li class="wb-task"><div class="wb-task-name"><span>{text(name)}</span>'
        f"<span>{f'{done:,} / {total:,}' if done < total else f'{total:,}'}</span></div>"
        f'<div class="wb-bar wb-accent" role="progressbar" aria-label="{text(name)}" aria-valuemin="0" '
        f'aria-valuemax="{total}" aria-valuenow="{done}"><span style="width:{share:.1f}%"></span></div>'
        f'<div class="wb-task-score">{value}</div></li>'
    )
