"""Votes that the browser kept: counted on the page, and as files."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import gradio as gr

from t5gemma_app.errors import WorkbenchError
from t5gemma_app.tasks.ballot import to_csv, to_json, votes_in
from t5gemma_app.tasks.comparison import Comparison
from t5gemma_app.ui.compare_cards import tally_html
from t5gemma_app.ui.thread import failed_html

STATES = {
    "": "",
    "full": "The oldest votes were removed to make room.",
    "refused": "This browser does not let the page keep votes.",
}
"""What the browser can say about its storage."""


def counted(raw: str, state: str = "") -> str:
    """Return the tally of the votes that the browser kept.

    Args:
        raw: The votes as a JSON list; texts may be left out.
        state: A key of `STATES`.
    """
    try:
        kept = votes_in(raw)
    except WorkbenchError as error:
        return failed_html(error)
    said = [STATES.get(state, "")]
    if kept.damaged:
        said.append("1 vote" if kept.damaged == 1 else f"{kept.damaged:,} votes")
        said[-1] += " can't be read and is left out." if kept.damaged == 1 else " can't be read and are left out."
    return tally_html(kept.votes, " ".join(part for part in said if part))


def as_json(raw: str) -> str:
    """Return a JSON file for the browser to save."""
    return _file(raw, "votes.json", "application/json", to_json)


def as_csv(raw: str) -> str:
    """Return a table for the browser to save."""
    return _file(raw, "votes.csv", "text/csv", to_csv)


def _file(raw: str, name: str, kind: str, write: Callable[[Sequence[Comparison]], str]) -> str:
    try:
        content = write(votes_in(raw).votes)
    except WorkbenchError as error:
        gr.Warning(str(error))
        return ""
    return json.dumps({"name": name, "type": kind, "content": content})
