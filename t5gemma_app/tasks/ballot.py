"""Votes as a browser keeps them and as files: JSON values that come back as they were, and tables.

What is read was kept by a stranger's browser: every size is bounded and every field checked, and a vote that can't be
read costs no other.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any, NamedTuple

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from t5gemma_app.engine.types import FinishReason, SamplingParameters
from t5gemma_app.errors import InputError
from t5gemma_app.tasks.cells import safe_cell
from t5gemma_app.tasks.comparison import FEWEST, LETTERS, MOST, Choice, Comparison, Entry, Figures, Letter, Side, tally
from t5gemma_app.tasks.conversation import ID_PATTERN, clean_text

FORMAT = "t5gemma-workbench/votes"
FORMAT_VERSION = 1
MAX_CHARACTERS = 5_000_000
MAX_VOTES = 2_000

Text = Annotated[str, AfterValidator(clean_text)]
Name = Annotated[str, Field(max_length=1_000), AfterValidator(clean_text)]
Amount = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=0)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class _Parameters(_Strict):
    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    max_new_tokens: int = 256
    seed: int = 0
    stop: list[Text] = Field(default_factory=list)


class _Side(_Strict):
    letter: Letter
    checkpoint: Name
    parameters: _Parameters


class _Figures(_Strict):
    seconds_to_first_token: Amount
    tokens_per_second: Amount
    new_tokens: Count
    device: Name
    dtype: Name
    attention: Name
    finish_reason: FinishReason
    memory_bytes: Count = 0


class _Entry(_Strict):
    side: _Side
    text: Text = ""
    figures: _Figures | None = None
    problem: Text = ""
    notice: Text = ""


class _Comparison(_Strict):
    id: str = Field(pattern=f"^{ID_PATTERN}$")
    prompt: Text
    system: Text = ""
    blind: bool = False
    asked: float = Field(0.0, ge=0, le=1e11)
    entries: list[_Entry] = Field(min_length=FEWEST, max_length=MOST)
    choice: Choice = ""


class Kept(NamedTuple):
    """Votes that were read, and how many could not be."""

    votes: tuple[Comparison, ...]
    damaged: int


def packed(comparison: Comparison) -> str:
    """Return a comparison as the browser keeps it."""
    return json.dumps(asdict(comparison), ensure_ascii=False, separators=(",", ":"))


def unpacked(raw: str) -> Comparison:
    """Read one comparison back.

    Raises:
        InputError: It is damaged or too large.
    """
    found = _read(_parsed(raw))
    if found is None:
        raise InputError("The answers on this page can't be read.", remedy="Ask again.")
    return found


def votes_in(raw: str) -> Kept:
    """Read the votes that a browser kept, as a JSON list; those that can't be read are counted and left out.

    Raises:
        InputError: It is no list, or too large.
    """
    data = _parsed(raw or "[]")
    if not isinstance(data, list):
        raise InputError("The votes in this browser are damaged.", remedy="Clear them.")
    read = [_read(entry) for entry in data[:MAX_VOTES]]
    votes = tuple(vote for vote in read if vote is not None and vote.choice)
    return Kept(votes, len(data) - len(votes))


def to_json(votes: Sequence[Comparison]) -> str:
    """Write votes and their count as one JSON document."""
    counted = [asdict(standing) | {"votes": standing.votes} for standing in tally(votes)]
    data = {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "tally": counted,
        "votes": [asdict(vote) for vote in votes],
    }
    return json.dumps(data, indent=1) + "\n"


def to_csv(votes: Sequence[Comparison]) -> str:
    """Write one row a vote for a spreadsheet, in which no cell is a formula."""
    output = io.StringIO()
    writer = csv.writer(output, lineterminator="\n")
    header = ["asked", "prompt", "system", "seed", "blind", "choice"]
    writer.writerow([*header, *(f"{letter}_{name}" for letter in LETTERS for name in _COLUMNS)])
    for vote in votes:
        writer.writerow([safe_cell(str(cell)) for cell in _row(vote)])
    return output.getvalue()


_COLUMNS = ("checkpoint", "style", "answer", "first_token_s", "tokens_per_s", "tokens")


def _row(vote: Comparison) -> list[Any]:
    seed = vote.entries[0].side.parameters.seed
    asked = datetime.fromtimestamp(vote.asked, UTC).isoformat(timespec="seconds")
    row: list[Any] = [asked, vote.prompt, vote.system, seed, "yes" if vote.blind else "no", vote.choice]
    by_letter = {entry.side.letter: entry for entry in vote.entries}
    for letter in LETTERS:
        row += _cells(by_letter[letter]) if letter in by_letter else [""] * len(_COLUMNS)
    return row


def _cells(entry: Entry) -> list[Any]:
    cells: list[Any] = [entry.side.checkpoint, entry.side.style, entry.text]
    if entry.figures is None:
        return [*cells, "", "", ""]
    figures = entry.figures
    return [*cells, f"{figures.seconds_to_first_token:.3f}", f"{figures.tokens_per_second:.2f}", figures.new_tokens]


def _parsed(raw: str) -> Any:
    if len(raw) > MAX_CHARACTERS:
        raise InputError(
            f"This browser sent {len(raw) / 1e6:.1f} million characters.",
            expected=f"This server takes {MAX_CHARACTERS / 1e6:.0f}.",
            remedy="Export the votes and clear them.",
        )
    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise InputError("What this browser kept is damaged.", remedy="Reload the page.") from error


def _read(data: object) -> Comparison | None:
    try:
        found = _Comparison.model_validate(data)
        entries = tuple(_entry(entry) for entry in found.entries)
    except (ValidationError, InputError):
        return None
    letters = [entry.side.letter for entry in entries]
    if len(set(letters)) < len(letters) or found.choice not in ("", "tie", "bad", *letters):
        return None
    return Comparison(found.id, found.prompt, found.system, found.blind, found.asked, entries, found.choice)


def _entry(entry: _Entry) -> Entry:
    parameters = entry.side.parameters
    values: dict[str, Any] = parameters.model_dump() | {"stop": tuple(parameters.stop)}
    side = Side(entry.side.letter, entry.side.checkpoint, SamplingParameters(**values).checked())
    figures = Figures(**entry.figures.model_dump()) if entry.figures else None
    return Entry(side, entry.text, figures, entry.problem, entry.notice)
