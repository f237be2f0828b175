"""Outside data sets that `--data` may add to training, each with its licence and what is taken from it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Source:
    """One file of a local data folder and how its rows are used."""

    file: str
    name: str
    licence: str
    purpose: str
    """What is taken from it, for the card."""
    leave_out: tuple[str, ...] = ()
    """Rows whose prompt holds one of these words are not taken, because the recipe may know their answer."""


SOURCES: tuple[Source, ...] = (
    Source(
        file="webquestions-train.jsonl",
        name="WebQuestions, factoid cut (brmson/dataset-factoid-webquestions)",
        licence="CC BY 4.0",
        purpose="its short prompts, as questions to decline; its answers are not used",
        leave_out=(
            "capital",
            "language",
            "speak",
            "spoken",
            "currency",
            "money",
            "einstein",
            "curie",
            "shakespeare",
            "mozart",
            "columbus",
            "newton",
            "armstrong",
            "washington",
            "opposite",
            "plural",
            "largest",
            "biggest",
            "longest",
            "amazon",
            "everest",
            "name of",
            "time zone",
        ),
    ),
)
