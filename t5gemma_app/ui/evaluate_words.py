"""Evaluations in words: the order as a sentence, its cost, and where a run is. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from t5gemma_app.benchmarks.suites import Suite
from t5gemma_app.checkpoints.memory import in_words
from t5gemma_app.evaluation.estimate import Cost
from t5gemma_app.evaluation.records import MetricEstimate, RunState
from t5gemma_app.ui.evaluate_board import RunView, Snapshot
from t5gemma_app.ui.markup import duration, text

ORDINALS = ("next in line", "second in line", "third in line")


@dataclass(frozen=True, slots=True)
class Memory:
    """What the largest of the chosen checkpoints takes, against what there is."""

    needed: int
    budget: int
    """0 while the machine is not known."""


def sentence_html(names: Sequence[str], suite: Suite, tasks: Sequence[str], limit: int, method: str) -> str:
    """Return what will be run, to be read aloud."""
    parts = [entry.name for entry in suite.entries]
    chosen = [name for name in parts if name in tasks]
    if len(chosen) == 1 and len(parts) > 1:
        what = f"<b>{text(chosen[0])}</b> of {text(suite.name)}"
    elif chosen and len(chosen) < len(parts):
        what = f"<b>{len(chosen)} tasks</b> of {text(suite.name)}"
    else:
        what = f"<b>{text(suite.name)}</b>"
    on = "no checkpoint yet" if not names else names[0] if len(names) == 1 else f"{len(names)} checkpoints"
    return (
        f'<p class="wb-sentence">Run {what} on <b>{text(on)}</b> by <b>{text(method)}</b>, '
        f"<b>{text(rows_words(suite, limit))}</b>.</p>"
    )


def rows_words(suite: Suite, limit: int) -> str:
    """Return how many rows of each task are taken."""
    cuts = {min((cut for cut in (entry.limit, limit) if cut), default=0) for entry in suite.entries}
    if cuts == {0}:
        return "all its rows"
    if len(cuts) > 1:
        return "rows as the suite says" if 0 in cuts else f"at most {max(cuts):,} rows a task"
    (most,) = cuts
    return f"{most:,} row{'s' if most != 1 else ''} a task"


def cost_html(cost: Cost, memory: Memory | None, checkpoints: int) -> str:
    """Return what a sweep will take, before it starts."""
    facts = [f"{cost.examples:,} example{'s' if cost.examples != 1 else ''}", time_sentence(cost, checkpoints)]
    if memory is not None:
        most = "up to " if checkpoints > 1 else ""
        of = f" of {in_words(memory.budget)}" if memory.budget else ""
        facts.append(f"memory {most}{in_words(memory.needed)}{of}")
    return f'<p class="wb-cost">{text(" · ".join(facts))}</p>'


def time_sentence(cost: Cost, checkpoints: int) -> str:
    """Return how long it will take, as far as earlier runs tell."""
    if cost.seconds is None:
        return "time unknown until the first batch"
    known = checkpoints - len(cost.unmeasured)
    if not cost.unmeasured:
        return f"about {duration(cost.seconds)}, from earlier runs"
    return (
        f"about {duration(cost.seconds)} for {known} of {checkpoints}, the others are unknown until their first batch"
    )


def state_words(view: RunView) -> str:
    """Return where a run is, as one would say it."""
    progress = view.progress
    at = f"{progress.done:,} of {progress.total:,}"
    kept = f"at {at}; its samples are kept" if progress.done else "before its first answer"
    match view.run.state:
        case RunState.QUEUED:
            place = ORDINALS[view.place] if view.place < len(ORDINALS) else f"number {view.place + 1} in line"
            return f"waiting, {place}" + (f", {at} done" if progress.done else "")
        case RunState.RUNNING:
            return f"{_doing(view)} · {at}"
        case RunState.PAUSED:
            return f"paused at {at}" if progress.done else f"paused {kept}"
        case RunState.CANCELLED:
            return f"cancelled {kept}"
        case RunState.FAILED:
            return f"failed {kept}"
        case RunState.DONE:
            return f"done · {progress.total:,} examples"


def _doing(view: RunView) -> str:
    if view.wish is RunState.PAUSED:
        return "pausing after this batch"
    if view.wish is RunState.CANCELLED:
        return "ending after this batch"
    if view.progress.stage:
        return view.progress.stage
    current = next((one.name for one in view.progress.benchmarks if one.done < one.total), "")
    return f"answering {current}" if current else "computing intervals"


def banner_words(snapshot: Snapshot) -> str:
    """Return what goes on, for the banner on every tab; empty where nothing does."""
    view = snapshot.running
    if view is None:
        return ""
    spec, progress, waiting = view.run.spec, view.progress, len(snapshot.going) - 1
    more = f", {waiting} more waiting" if waiting else ""
    at = progress.stage or f"{progress.done:,} of {progress.total:,}"
    return f"Evaluating {spec.checkpoint} on {spec.suite}: {at}{more}."


def pace_words(view: RunView) -> list[str]:
    """Return speed and time left, as far as they are known."""
    if view.result is not None:
        speed = view.result.examples_per_second
        return [f"{speed:,.1f} examples/s", duration(view.result.seconds)] if speed else []
    if view.run.state is not RunState.RUNNING:
        return []
    words = []
    if view.progress.examples_per_second:
        words.append(f"{view.progress.examples_per_second:,.1f} examples/s")
    if view.progress.eta_seconds is not None:
        words.append(f"{duration(view.progress.eta_seconds)} left")
    return words


def setting_words(view: RunView) -> str:
    """Return what is measured and how: suite, tasks, method, rows."""
    spec, order = view.run.spec, view.run.order
    words = [spec.suite]
    if order.tasks:
        words.append(", ".join(order.tasks) if len(order.tasks) < 4 else f"{len(order.tasks)} tasks")
    words.append("/".join(dict.fromkeys(benchmark.method for benchmark in spec.benchmarks)))
    if spec.limit:
        words.append(f"{spec.limit:,} row{'s' if spec.limit != 1 else ''} a task")
    return " · ".join(words)


def percent(value: float | None) -> str:
    """Return a share times 100 with one decimal."""
    return "–" if value is None else f"{value * 100:.1f}"


def interval_words(estimate: MetricEstimate) -> str:
    """Return an interval times 100; empty where there is none."""
    if estimate.low is None or estimate.high is None:
        return ""
    return f"{percent(estimate.low)}–{percent(estimate.high)}"
