"""What a classifier said, as HTML: the label, its share and margin, sorted bars, and which words mattered.

Labels and texts come from people and files; everything is escaped on its way in.
"""

from __future__ import annotations

from collections.abc import Sequence

from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.tasks.labels import NONE
from t5gemma_app.tasks.occlusion import Occluded
from t5gemma_app.tasks.verdicts import LabelScore, Verdict
from t5gemma_app.ui.markup import bar, text

SHOWN = 12
"""Labels whose bars are shown at once; the others are folded away."""
LEAST_CHANGE = 0.0005
"""Share of a label below which a word is not marked."""
TINTS = 5

EXAMPLES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("I could not put it down, the best book I read this year.", ("positive", "negative")),
    ("The central bank left interest rates where they are.", ("sport", "business", "science")),
    ("My parcel has not arrived, and nobody answers the phone.", ("complaint", "question", "praise")),
    ("The goalkeeper saved two penalties in the last minute.", ("sport", "politics", "weather")),
)


def percent(share: float) -> str:
    """Return a share as people read it: one decimal, never 100 where it is less."""
    shown = f"{share * 100:.1f}"
    return f"{'&gt;99.9' if shown == '100.0' and share < 1 else '&lt;0.1' if shown == '0.0' and share > 0 else shown} %"


def verdict_html(verdict: Verdict, notes: Sequence[str]) -> str:
    """Return a verdict with everything behind it."""
    if verdict.number is not None:
        said = f'<p class="wb-quiet">The head answers with a number.</p>{_notes(notes)}'
        return f'<div class="wb-labelled"><p class="wb-said-label">{text(verdict.label)}</p>{said}</div>'
    rows = [_row(score, score.label in verdict.chosen) for score in verdict.ranked]
    if verdict.none_probability is not None:
        none = LabelScore(NONE, verdict.none_probability, 0.0)
        at = sum(score.probability > none.probability for score in verdict.ranked)
        rows.insert(at, _row(none, not verdict.chosen))
    more = ""
    if len(rows) > SHOWN:
        folded = "".join(rows[SHOWN:])
        more = (
            f'<details class="wb-fold"><summary>{len(rows) - SHOWN} more labels</summary>'
            f'<ol class="wb-shares">{folded}</ol></details>'
        )
    return (
        f'<div class="wb-labelled"><p class="wb-said-label">{text(verdict.label)}</p>'
        f'<p class="wb-said-margin">{_margin(verdict)}</p>'
        f'<ol class="wb-shares">{"".join(rows[:SHOWN])}</ol>{more}{_logprobs(verdict)}{_notes(notes)}</div>'
    )


def why_html(why: Occluded, first: str, second: str, label: str) -> str:
    """Return the texts with the words that mattered for a label, and those words as a list."""
    strongest = max((abs(effect.change) for effect in why.effects), default=0.0)
    bodies = [_marked(first, why, False, strongest)]
    if second:
        bodies.append(_marked(second, why, True, strongest))
    marked = sorted(why.effects, key=lambda effect: -abs(effect.change))[:5]
    listed = "".join(
        f"<li><b>{text(_cut((second if effect.second else first)[effect.start : effect.end]))}</b> "
        f"<span>{_points(effect.change)}</span></li>"
        for effect in marked
        if abs(effect.change) >= LEAST_CHANGE
    )
    told = f'<ol class="wb-why-list">{listed}</ol>' if listed else '<p class="wb-quiet">No word changes it.</p>'
    return (
        f'<section class="wb-why"><h3>Which words mattered for {text(label)}</h3>'
        f"{''.join(bodies)}{told}"
        f'<p class="wb-quiet">Occlusion: each word is left out once, and the share of <b>{text(label)}</b> is read '
        f"again. Green words hold it up, red ones hold it down; words that say the same can hide each other."
        f"{' Neighbours are left out together, since the text is long.' if _grouped(why, first, second) else ''}"
        "</p></section>"
    )


def start_html(checkpoint: Checkpoint | None) -> str:
    """Return what the tab shows before anything was classified: what the checkpoint does, and texts to try."""
    if checkpoint is None:
        return '<div class="wb-start"><h2>No checkpoint yet</h2><p>Choose one above.</p></div>'
    if checkpoint.head == "sequence":
        named = ", ".join(checkpoint.labels[:24]) + (" …" if len(checkpoint.labels) > 24 else "")
        about = (
            f"Its head was trained to answer with a number, {named}."
            if checkpoint.problem == "number"
            else f"Its head was trained for {len(checkpoint.labels)} labels: {named}."
        )
        bare: tuple[str, ...] = ()
        examples = [(one, bare) for one in checkpoint.examples or tuple(words for words, _ in EXAMPLES)]
    else:
        about = (
            "It has no head. Name labels of your own: it is asked how probable each of them is after your text. "
            "Small checkpoints know little about words they were not taught."
        )
        examples = list(EXAMPLES)
    buttons = "".join(
        f'<button type="button" class="wb-example" data-classify-text="{text(words)}" '
        f'data-classify-labels="{text(",".join(labels))}">{text(words)}'
        + (f"<small>{text(', '.join(labels))}</small>" if labels else "")
        + "</button>"
        for words, labels in examples[:4]
    )
    return (
        f'<div class="wb-start wb-classify-start"><h2>{text(checkpoint.name)}</h2><p>{text(about)}</p>'
        f'<div class="wb-examples">{buttons}</div></div>'
    )


def _row(score: LabelScore, chosen: bool) -> str:
    said = percent(score.probability)
    return (
        f'<li class="wb-share{" wb-chosen" if chosen else ""}"><span class="wb-share-name">{text(score.label)}</span>'
        f"{bar(score.probability, f'{score.label}: {score.probability:.1%}', tone='accent' if chosen else 'quiet')}"
        f'<span class="wb-share-number">{said}</span></li>'
    )


def _margin(verdict: Verdict) -> str:
    ranked = verdict.ranked
    if len(verdict.chosen) > 1:
        return f"{len(verdict.chosen)} of {len(ranked)} labels fit"
    if not verdict.chosen and verdict.none_probability is None:
        return f"no label fits; the nearest is {text(ranked[0].label)} with {percent(ranked[0].probability)}"
    best = verdict.probability_of(verdict.label) if verdict.chosen or verdict.none_probability is not None else 0.0
    others = [NONE] if verdict.none_probability is not None and verdict.chosen else []
    names = [score.label for score in ranked if score.label != verdict.label] + others
    if not names:
        return percent(best)
    following = max(names, key=verdict.probability_of)
    points = (best - verdict.probability_of(following)) * 100
    return f"{percent(best)}, {points:.1f} points ahead of {text(following)}"


def _logprobs(verdict: Verdict) -> str:
    words = any(score.tokens for score in verdict.scores)
    rows = "".join(
        f"<tr><td>{text(score.label)}</td><td>{score.logprob:.3f}</td>"
        + (f"<td>{score.tokens}</td><td>{score.logprob / max(1, score.tokens):.3f}</td>" if words else "")
        + "</tr>"
        for score in verdict.ranked[:200]
    )
    head = "<th>Label</th><th>Log-probability</th>" + ("<th>Tokens</th><th>a token</th>" if words else "")
    about = "of the label's words after the text" if words else "of the label among all labels"
    return (
        f'<details class="wb-fold"><summary>Log-probabilities</summary><p class="wb-quiet">Natural logarithms {about}.'
        f'</p><table class="wb-numbers"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></details>'
    )


def _notes(notes: Sequence[str]) -> str:
    return "".join(f'<p class="wb-quiet">{text(note)}</p>' for note in notes)


def _marked(body: str, why: Occluded, second: bool, strongest: float) -> str:
    parts, at = [], 0
    for effect in (effect for effect in why.effects if effect.second == second):
        parts.append(text(body[at : effect.start]))
        words = text(body[effect.start : effect.end])
        if strongest and abs(effect.change) >= LEAST_CHANGE:
            tint = max(1, round(abs(effect.change) / strongest * TINTS))
            side = "for" if effect.change > 0 else "against"
            words = f'<mark class="wb-{side} wb-tint-{tint}" title="{_points(effect.change)}">{words}</mark>'
        parts.append(words)
        at = effect.end
    parts.append(text(body[at:]))
    return f'<p class="wb-why-text">{"".join(parts)}</p>'


def _points(change: float) -> str:
    return f"{'−' if change < 0 else '+'}{abs(change) * 100:.1f} points"


def _cut(words: str) -> str:
    return words if len(words) <= 60 else f"{words[:57]}…"


def _grouped(why: Occluded, first: str, second: str) -> bool:
    return why.total < len(first.split()) + len(second.split())
