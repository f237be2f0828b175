"""The samples of one run or of two, one under the other: what was read, what was answered, and how sure it was.

Everything that a model or a data set said is shown as text of bounded length.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from t5gemma_app.benchmarks.records import ChoiceRecord, Example, Sample
from t5gemma_app.ui.leaderboard_view import SHOWN
from t5gemma_app.ui.markup import text

PAGE = 10
LONGEST_TEXT = 6000
"""Characters of what was read."""
LONGEST_CHOICE = 400
MOST_CHOICES = 40
TAIL = 140
"""Characters of a context's end in the list; the question stands at the end of every prompt."""


class Pair(NamedTuple):
    """A sample, and the same of another run."""

    ours: Sample
    theirs: Sample | None = None


class Page(NamedTuple):
    """The samples that are on the screen."""

    pairs: tuple[Pair, ...]
    number: int
    pages: int
    total: int


def paired(ours: Sequence[Sample], theirs: Sequence[Sample] | None) -> list[Pair]:
    """Return the samples of one run, or those that two runs have in common."""
    if theirs is None:
        return [Pair(sample) for sample in ours]
    others = {sample.id: sample for sample in theirs}
    return [Pair(sample, others[sample.id]) for sample in ours if sample.id in others]


def selected(pairs: Sequence[Pair], show: str) -> list[Pair]:
    """Return the samples of a kind, named as in `SHOWN`; unscored ones are in no comparison."""
    return [pair for pair in pairs if _is(pair, show)]


def page_of(pairs: Sequence[Pair], number: int) -> Page:
    """Return one page; a number beyond the last gives the last."""
    pages = max(1, math.ceil(len(pairs) / PAGE))
    number = min(max(1, number), pages)
    return Page(tuple(pairs[(number - 1) * PAGE : number * PAGE]), number, pages, len(pairs))


def samples_html(page: Page, show: str, examples: Mapping[str, Example], problem: str = "") -> str:
    """Return a page of samples.

    Args:
        page: What is on it.
        show: Which kind was asked for.
        examples: What was read, by id; may lack all of them.
        problem: Why they are missing.
    """
    said = f'<p class="wb-quiet">{text(problem)}</p>' if problem else ""
    kind = "" if show == "all" else f": {SHOWN[show]}"
    count = f"{page.total:,} sample{'' if page.total == 1 else 's'}{kind}"
    items = "".join(_item(pair, examples.get(pair.ours.id)) for pair in page.pairs)
    turn = (
        '<div class="wb-pages">'
        + _turn("‹", "Earlier samples", page.number - 1, page.number <= 1)
        + f"<span>{page.number} of {page.pages}</span>"
        + _turn("›", "Later samples", page.number + 1, page.number >= page.pages)
        + "</div>"
        if page.pages > 1
        else ""
    )
    head = f'<div class="wb-samples-head"><span>{count}</span>{turn}</div>'
    return f'<div class="wb-samples">{head}{said}<ul>{items}</ul></div>'


def _is(pair: Pair, show: str) -> bool:
    if show == "all":
        return True
    if show in ("right", "wrong", "unscored"):
        return show in (pair.ours.outcome, pair.theirs.outcome if pair.theirs else "")
    if pair.theirs is None or "unscored" in (pair.ours.outcome, pair.theirs.outcome):
        return False
    ours, theirs = pair.ours.outcome == "right", pair.theirs.outcome == "right"
    return {
        "differ": ours != theirs,
        "first": ours and not theirs,
        "second": theirs and not ours,
        "both": ours and theirs,
        "neither": not ours and not theirs,
    }.get(show, False)


def _turn(sign: str, label: str, number: int, off: bool) -> str:
    return (
        f'<button type="button" class="wb-act" data-board="page:{number}" aria-label="{label}"'
        f"{' disabled' if off else ''}>{sign}</button>"
    )


def _item(pair: Pair, example: Example | None) -> str:
    marks = _mark("A" if pair.theirs else "", pair.ours) + (_mark("B", pair.theirs) if pair.theirs else "")
    start = _end_of(example.context) if example else f"sample {_cut(pair.ours.id, 40)}"
    read = ""
    if example:
        read = _block("What was read", example.context) + (_block("Second text", example.pair) if example.pair else "")
    golds = pair.ours.gold
    wanted = f"<p>Right: <b>{text(_cut(' | '.join(golds), LONGEST_CHOICE))}</b></p>" if isinstance(golds, tuple) else ""
    notes = "".join(
        f'<p class="wb-quiet">{letter} {text(_cut(sample.note, LONGEST_CHOICE))}</p>'
        for letter, sample in (("A:", pair.ours), ("B:", pair.theirs))
        if sample is not None and sample.note
    )
    return (
        f'<li><details class="wb-sample"><summary>{marks}<span class="wb-start-of">{text(start)}</span>'
        f'<span class="wb-quiet">{text(_cut(pair.ours.id, 40))}</span></summary>{read}{wanted}{_choices(pair)}{notes}'
        "</details></li>"
    )


def _mark(letter: str, sample: Sample) -> str:
    sign = {"right": "✓", "wrong": "✗", "unscored": "?"}[sample.outcome]
    return (
        f'<span class="wb-mark wb-is-{sample.outcome}">{letter} <i aria-hidden="true">{sign}</i>'
        f"<span>{sample.outcome}</span></span>"
    )


def _block(title: str, content: str) -> str:
    return f'<h4>{title}</h4><pre class="wb-sent" dir="auto">{text(_cut(content, LONGEST_TEXT))}</pre>'


def _choices(pair: Pair) -> str:
    """Return the choices with both runs' log-probabilities; a generated answer has none."""
    ours, theirs = pair.ours, pair.theirs
    rows = []
    for index, choice in enumerate(ours.choices[:MOST_CHOICES]):
        other = _same_choice(theirs, index, choice)
        marks = []
        if _is_gold(ours, index):
            marks.append("right answer")
        chose = " and ".join(
            letter for letter, sample in (("A", ours), ("B", theirs)) if sample is not None and _picked(sample, index)
        )
        if chose:
            marks.append(f"chosen by {chose}" if theirs else "chosen")
        second = f"<td>{_logprob(other)}</td>" if theirs else ""
        rows.append(
            f'<tr class="{"wb-gold" if _is_gold(ours, index) else ""}"><td class="wb-words" dir="auto">'
            f"{text(_cut(choice.text.strip() or choice.text, LONGEST_CHOICE))}</td><td>{choice.tokens or '–'}</td>"
            f'<td>{_logprob(choice)}</td>{second}<td class="wb-words">{", ".join(marks)}</td></tr>'
        )
    if theirs is not None and not _alike(ours, theirs):
        for choice in theirs.choices[:MOST_CHOICES]:
            rows.append(
                f'<tr><td class="wb-words" dir="auto">{text(_cut(choice.text.strip(), LONGEST_CHOICE))}</td>'
                f"<td>{choice.tokens or '–'}</td><td>–</td><td>{_logprob(choice)}</td>"
                '<td class="wb-words">of B</td></tr>'
            )
    cut = len(ours.choices) - MOST_CHOICES
    more = f'<p class="wb-quiet">{cut} more choices.</p>' if cut > 0 else ""
    titles = ["log-probability"] if theirs is None else ["log-probability A", "log-probability B"]
    head = "".join(f"<th>{title}</th>" for title in ("tokens", *titles))
    return (
        f'<div class="wb-board" tabindex="0"><table><thead><tr><th class="wb-words">answer</th>{head}'
        f'<th class="wb-words"></th></tr></thead><tbody>{"".join(rows)}</tbody></table></div>{more}'
    )


def _alike(ours: Sample, theirs: Sample) -> bool:
    return [choice.text for choice in ours.choices] == [choice.text for choice in theirs.choices]


def _same_choice(theirs: Sample | None, index: int, choice: ChoiceRecord) -> ChoiceRecord | None:
    if theirs is None or index >= len(theirs.choices) or theirs.choices[index].text != choice.text:
        return None
    return theirs.choices[index]


def _is_gold(sample: Sample, index: int) -> bool:
    if isinstance(sample.gold, tuple):
        return False  # the acceptable texts stand above the table
    return sample.gold == index


def _picked(sample: Sample, index: int) -> bool:
    if isinstance(sample.prediction, int):
        return sample.prediction == index
    if sample.prediction is None or index >= len(sample.choices):
        return False
    finite = [choice.logprob for choice in sample.choices if math.isfinite(choice.logprob)]
    return bool(finite) and sample.choices[index].logprob == max(finite)


def _logprob(choice: ChoiceRecord | None) -> str:
    if choice is None or not math.isfinite(choice.logprob):
        return '<span class="wb-none">–</span>'
    return f"{choice.logprob:.3f}".replace("-", "−")


def _end_of(content: str) -> str:
    """Return the end of a text in one line, from a word's beginning."""
    line = " ".join(content.split())
    if len(line) <= TAIL:
        return line
    cut = line[-TAIL:]
    return f"… {cut.partition(' ')[2] or cut}"


def _cut(content: str, most: int) -> str:
    if len(content) <= most:
        return content
    return f"{content[:most]} … ({len(content) - most:,} characters more)"
