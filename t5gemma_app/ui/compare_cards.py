"""Answers side by side as HTML: cards with their figures, marked differences, the vote and its tally.

What models and people wrote is shown as text; marks are underlined and told in words, not by colour alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from t5gemma_app.checkpoints.memory import in_words
from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.tasks.comparison import BAD, TIE, Choice, Comparison, Entry, Figures, Standing, choices_of, tally
from t5gemma_app.tasks.difference import Difference
from t5gemma_app.ui.markup import bar, problem, text
from t5gemma_app.ui.thread import examples_for

LONGEST_TIP = 200
ENDINGS = {"length": "cut at the length limit", "cancelled": "stopped"}


class Beside(NamedTuple):
    """How an answer differs from the one that it is compared with."""

    reference: str
    difference: Difference


def asked_html(comparison: Comparison) -> str:
    """Return what was asked, and what is the same for all."""
    shared = comparison.entries[0].side.parameters
    words = [f"Seed {shared.seed} for all", f"at most {shared.max_new_tokens:,} tokens each"]
    if comparison.system:
        words.append("with a system text")
    words.append("answered at the same time, so each slows the others")
    return (
        f'<div class="wb-asked"><p class="wb-prompt" dir="auto">{text(comparison.prompt)}</p>'
        f'<p class="wb-quiet">{text(" · ".join(words))}</p></div>'
    )


def card_html(comparison: Comparison, index: int, live: str = "") -> str:
    """Return one answer with its figures.

    Args:
        comparison: All answers as far as they are known.
        index: Which one.
        live: What is there of an answer on its way, as HTML.
    """
    entry, name = comparison.entries[index], comparison.name(index)
    first, found = comparison.reference(), comparison.difference(index)
    beside = Beside(comparison.name(first), found) if first is not None and found is not None else None
    figures = "" if comparison.hidden else _figures(entry)
    return (
        f'<article class="wb-turn wb-card" data-index="{index}" aria-label="Answer {text(name)}">'
        f"{_heading(comparison, index)}{_body(entry, beside, live)}{_told(beside)}{figures}"
        f"{_notes(entry, comparison.hidden)}</article>"
    )


def _heading(comparison: Comparison, index: int) -> str:
    entry, name = comparison.entries[index], comparison.name(index)
    if comparison.hidden:
        who = '<span class="wb-who">Hidden until you vote</span>'
    else:
        style = f'<span class="wb-quiet">{text(entry.side.style)}</span>'
        who = f'<span class="wb-who">{text(entry.side.checkpoint)}</span>{style}'
    actions = ""
    if entry.answered:
        actions = '<button type="button" class="wb-act" data-act="copy">Copy</button>'
    elif not entry.ended:
        label = f"Stop answer {name}"
        actions = (
            f'<button type="button" class="wb-act" data-act="stop" data-index="{index}" '
            f'aria-label="{text(label)}">Stop</button>'
        )
    best = ' data-chosen="true"' if comparison.choice == entry.side.letter else ""
    return f'<header{best}><b class="wb-side-letter">{text(name)}</b><div>{who}</div>{actions}</header>'


def _body(entry: Entry, beside: Beside | None, live: str) -> str:
    if entry.problem:
        what, _, remedy = entry.problem.partition("\n")
        return problem(what, "", remedy)
    if not entry.answered:
        return live
    if not entry.text.strip():
        return '<div class="wb-text"><span class="wb-empty-answer">The answer is empty.</span></div>'
    body = marked_html(beside.difference, beside.reference) if beside else text(entry.text)
    return f'<div class="wb-text" dir="auto">{body}</div>'


def marked_html(difference: Difference, reference: str) -> str:
    """Return a text with its differences from another: new words marked, a small sign where words are missing.

    Args:
        difference: The text and how it differs.
        reference: What the other is called.
    """
    pieces, missing = [], ""
    for part in difference.parts:
        if part.kind == "added":
            pieces.append(_mark(part.text, missing, reference))
            missing = ""
            continue
        pieces.append(_gap(missing, reference))
        missing = part.text if part.kind == "missing" else ""
        if part.kind == "same":
            pieces.append(text(part.text))
    return "".join([*pieces, _gap(missing, reference)])


def _mark(words: str, instead_of: str, reference: str) -> str:
    tip = f"{reference} says: {_short(instead_of)}" if instead_of.strip() else f"Not in {reference}"
    bare = words.rstrip()
    return f'<mark title="{text(tip)}">{text(bare)}</mark>{text(words[len(bare) :])}'


def _gap(missing: str, reference: str) -> str:
    if not missing.strip():
        return ""
    tip = text(f"Missing here, {reference} says: {_short(missing)}")
    return f'<span class="wb-gap" role="img" aria-label="{tip}" title="{tip}"></span>'


def _short(words: str) -> str:
    line = " ".join(words.split())
    return line if len(line) <= LONGEST_TIP else f"{line[: LONGEST_TIP - 1]}…"


def _figures(entry: Entry) -> str:
    figures = entry.figures
    if figures is None:
        return ""
    speed = f"{figures.tokens_per_second:,.1f} tokens/s" if figures.tokens_per_second > 0 else "–"
    # Every answer ends with its weights still loaded, which is what the header and the Models tab count too.
    rows = [
        ("First token", f"{figures.seconds_to_first_token:.2f} s"),
        ("Speed", speed),
        ("Length", f"{figures.new_tokens:,} {'token' if figures.new_tokens == 1 else 'tokens'}"),
    ]
    if figures.memory_bytes:
        rows.append(("Weights", in_words(figures.memory_bytes)))
    cells = "".join(f"<div><dt>{text(name)}</dt><dd>{text(value)}</dd></div>" for name, value in rows)
    return f'<dl class="wb-figures-line">{cells}</dl>'


def _told(beside: Beside | None) -> str:
    """Return the difference in words, for whoever does not see marks."""
    if beside is None:
        return ""
    words = beside.difference.sentence(beside.reference)
    return f'<p class="wb-note">{text(words[:1].upper() + words[1:])}.</p>'


def _notes(entry: Entry, hidden: bool) -> str:
    lines = [_where(entry.figures, hidden)] if entry.figures is not None else []
    if entry.notice and not hidden:
        lines.append(entry.notice)
    return "".join(f'<p class="wb-note">{text(line)}</p>' for line in lines if line)


def _where(figures: Figures, hidden: bool) -> str:
    places = [] if hidden else [figures.device, figures.dtype, figures.attention.replace("_", " ")]
    ending = ENDINGS.get(figures.finish_reason)
    return " · ".join([place for place in places if place] + ([ending] if ending else []))


def verdict_html(comparison: Comparison) -> str:
    """Return the vote: a button for every answer, tie and bad; empty where there is nothing to vote on."""
    if not comparison.votable:
        return ""
    buttons = "".join(_vote(comparison, choice) for choice in choices_of(comparison))
    many = sum(entry.answered for entry in comparison.entries) > 2
    question = "Which answer is best?" if many else "Which answer is better?"
    said = "Your vote is kept in this browser; you may change it." if comparison.choice else ""
    return (
        f'<div class="wb-verdict" role="group" aria-label="{question}"><span>{question}</span>'
        f'<div class="wb-votes">{buttons}</div><p class="wb-quiet" role="status">{said}</p></div>'
    )


def _vote(comparison: Comparison, choice: Choice) -> str:
    pressed = "true" if choice == comparison.choice else "false"
    return (
        f'<button type="button" class="wb-vote" data-act="vote" data-choice="{choice}" aria-pressed="{pressed}">'
        f"{text(choice_words(comparison, choice))}</button>"
    )


def choice_words(comparison: Comparison, choice: Choice) -> str:
    """Return what a vote says, such as `A better`, `Tie` or `Both bad`."""
    answered = [entry for entry in comparison.entries if entry.answered]
    if choice == TIE:
        return "Tie"
    if choice == BAD:
        return "Both bad" if len(answered) == 2 else "All bad"
    index = next(i for i, entry in enumerate(comparison.entries) if entry.side.letter == choice)
    return f"{comparison.name(index)} {'better' if len(answered) == 2 else 'best'}"


def tally_html(votes: Sequence[Comparison], said: str = "") -> str:
    """Return how often each side was chosen; empty where nobody voted.

    Args:
        votes: All votes of this browser.
        said: Something about them that a person should know.
    """
    notice = f'<p class="wb-notice" role="status">{text(said)}</p>' if said else ""
    if not votes:
        return notice
    rows = "".join(_standing(standing) for standing in tally(votes))
    count = "1 vote" if len(votes) == 1 else f"{len(votes):,} votes"
    return f'<div class="wb-tally"><h3>{count} in this browser</h3>{notice}<ul>{rows}</ul></div>'


def _standing(standing: Standing) -> str:
    share = standing.won / standing.votes
    words = f"{standing.won} of {standing.votes} won"
    rest = [(standing.lost, "lost"), (standing.tied, "tied"), (standing.bad, "bad")]
    more = ", ".join(f"{count} {name}" for count, name in rest if count)
    return (
        f"<li><span>{text(standing.label)}</span>{bar(share, words)}<b>{text(words)}</b>"
        f'<span class="wb-quiet">{text(more)}</span></li>'
    )


def start_html(checkpoint: Checkpoint | None, ready: int) -> str:
    """Return what the tab shows before the first prompt: what to do, and four prompts to try.

    Args:
        checkpoint: Who answers first.
        ready: How many checkpoints can be used.
    """
    if checkpoint is None:
        return '<div class="wb-start"><h2>No checkpoint yet</h2><p>Choose one on the Models tab.</p></div>'
    if ready > 1:
        about = (
            f"{ready} checkpoints are ready. Choose one for each column, or the same one with different styles, and "
            "send a prompt: every column answers it with the same seed, at its own pace."
        )
    else:
        about = (
            f"Only {checkpoint.name} is ready here, so compare its settings: one column takes the most probable word "
            "every time (Greedy), the other draws words (Balanced). Every column gets the same prompt and seed."
        )
    buttons = "".join(
        f'<button type="button" class="wb-example" data-act="example" data-text="{text(example)}">'
        f"{text(example)}</button>"
        for example in examples_for(checkpoint)
    )
    return (
        '<div class="wb-start"><h2>One prompt, several answers</h2>'
        f'<p>{text(about)}</p><div class="wb-examples">{buttons}</div></div>'
    )
