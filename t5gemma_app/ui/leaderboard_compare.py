"""Two runs beside each other as HTML: what differs, whether it is significant, and where they agree."""

from __future__ import annotations

from t5gemma_app.evaluation.comparison import Comparison, TaskComparison
from t5gemma_app.evaluation.export import percent
from t5gemma_app.evaluation.resampling import Difference
from t5gemma_app.evaluation.results import FinishedRun
from t5gemma_app.evaluation.statistics import ALPHA
from t5gemma_app.ui.markup import text

HINT = '<p class="wb-quiet">Select two rows of the table to see whether they differ, and on which samples.</p>'
HINT_ONE = '<p class="wb-quiet">Select a second row to compare with; the samples of this one are below.</p>'


def chosen_html(one: FinishedRun) -> str:
    """Return what is known of a single chosen run: what to do next, its heads, and the command that computes it."""
    heads = ", ".join(benchmark.head.name for benchmark in one.run.spec.benchmarks if benchmark.head)
    said = f'<p class="wb-quiet">Answered by the heads {text(heads)}.</p>' if heads else ""
    return HINT_ONE + said + _command(one)


def comparison_html(first: FinishedRun, second: FinishedRun, found: Comparison) -> str:
    """Return the comparison of run A with run B."""
    rows = "".join(_row(task, first, second) for task in found.tasks)
    head = "".join(
        f"<th{css}>{name}</th>"
        for name, css in (
            ("task", ' class="wb-words"'),
            ("n", ""),
            ("A", ""),
            ("B", ""),
            ("A − B", ""),
            ("p", ' title="Holm-corrected over the tasks"'),
            ("verdict", ' class="wb-words"'),
            ("both right", ""),
            ("only A", ""),
            ("only B", ""),
            ("both wrong", ""),
        )
    )
    notes = "".join(f"<li>{text(note)}</li>" for note in found.notes)
    tests = sorted({task.test for task in found.tasks})
    return (
        f'<div class="wb-compare">{_sides(first, second)}{_overall(found)}'
        + (f'<ul class="wb-notes">{notes}</ul>' if notes else "")
        + '<div class="wb-board" tabindex="0" role="region" aria-label="Task by task"><table>'
        f"<thead><tr>{head}</tr></thead>"
        f'<tbody>{rows}</tbody></table></div><p class="wb-quiet">Differences in points of the score × 100 with 95 % '
        f"intervals, on the samples that both runs have. p is corrected for the number of tasks (Holm): "
        f"{text('; '.join(tests) or 'no test')}. Click a number to see its samples.</p></div>"
    )


def p_words(p: float) -> str:
    """Return a p-value as papers print it."""
    return "below 0.001" if p < 0.001 else f"{p:.3f}"


def difference_words(difference: Difference) -> str:
    """Return a difference of shares in points with its sign."""
    return f"{difference.value * 100:+.1f}".replace("-", "−")


def _sides(first: FinishedRun, second: FinishedRun) -> str:
    lines = []
    for letter, one in (("A", first), ("B", second)):
        spec = one.run.spec
        more = f"{spec.suite_label} · {spec.dtype} · {spec.attention} · run {one.run.id[:15]}"
        lines.append(
            f'<li><span class="wb-letter">{letter}</span><div><b>{text(spec.checkpoint[:120])}</b>'
            f"<small>{text(more)}</small>{_command(one)}</div><strong>{percent(one.score)}</strong></li>"
        )
    swap = '<button type="button" class="wb-act" data-board="swap">Swap</button>'
    clear = '<button type="button" class="wb-act" data-board="clear">Clear</button>'
    return f'<ul class="wb-sides">{"".join(lines)}</ul><div class="wb-actions">{swap}{clear}</div>'


def _command(one: FinishedRun) -> str:
    command = text(one.run.environment.command)
    return f'<details class="wb-command"><summary>Command</summary><code>{command}</code></details>' if command else ""


def _overall(found: Comparison) -> str:
    if found.overall is None:
        return "<p>The runs don't cover the same examples, so only the tasks are compared.</p>"
    difference = found.overall
    if difference.p < ALPHA:
        verdict = f"{'A' if difference.value > 0 else 'B'} is better over all"
    else:
        verdict = "Over all no significant difference"
    return (
        f'<p class="wb-verdict"><b>{verdict}</b>: {difference_words(difference)} points, {_interval(difference)}, '
        f"p {p_words(difference.p)}</p>"
    )


def _interval(difference: Difference) -> str:
    low, high = (f"{end * 100:+.1f}".replace("-", "−") for end in (difference.low, difference.high))
    return f"95 % interval {low} to {high}"


def _row(task: TaskComparison, first: FinishedRun, second: FinishedRun) -> str:
    mine, yours = first.find(task.name), second.find(task.name)
    low, high = (f"{end * 100:+.1f}".replace("-", "−") for end in (task.difference.low, task.difference.high))
    cells = [
        f"{task.n:,}",
        percent(mine.score if mine else None),
        percent(yours.score if yours else None),
        f"<b>{difference_words(task.difference)}</b><small>{low} to {high}</small>",
        p_words(task.p_adjusted),
    ]
    counts = (
        ("both", task.both_right),
        ("first", len(task.only_first)),
        ("second", len(task.only_second)),
        ("neither", task.both_wrong),
    )
    buttons = "".join(
        f'<td><button type="button" class="wb-count" data-board="show:{kind}:{text(task.name)}">{count:,}</button></td>'
        for kind, count in counts
    )
    numbers = "".join(f"<td>{cell}</td>" for cell in cells)
    verdict = f'<td class="wb-words">{_verdict(task)}</td>'
    return f'<tr><td class="wb-words">{text(task.name)}</td>{numbers}{verdict}{buttons}</tr>'


def _verdict(task: TaskComparison) -> str:
    if task.significant:
        return f"<b>{'A' if task.difference.value > 0 else 'B'} is better</b>"
    reach = f"<small>would show from {task.detectable * 100:.1f} on</small>" if task.detectable else ""
    return f"no difference shown{reach}"
