"""`workbench.json`: what a checkpoint's maker wants people to know, in a file beside the weights."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from t5gemma_app.checkpoints.weights import read_json
from t5gemma_app.errors import BrokenCheckpointError

CARD = "workbench.json"


_Name = Annotated[str, Field(max_length=300)]
_Count = Annotated[int, Field(ge=0)]
_Number = Annotated[float, Field(allow_inf_nan=False)]


class DataUse(BaseModel):
    """A file or table that a training run used."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    part: Literal["training", "evaluation"]
    name: _Name
    licence: _Name = "not stated"
    digest: _Name = ""
    """SHA-256 of a file, or the Hub's commit."""
    rows: _Count = 0


class CardScore(BaseModel):
    """A figure that a training run reached on its evaluation data."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: _Name
    value: _Number
    n: _Count
    low: _Number | None = None
    high: _Number | None = None
    baseline: _Number | None = None


class Training(BaseModel):
    """How a training run made the checkpoint."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base: _Name
    """The checkpoint it began with, or `nothing`."""
    task: _Name
    command: Annotated[str, Field(max_length=4000)]
    seed: _Count
    steps: _Count
    seconds: _Number
    hardware: _Name
    longest: _Count = 0
    """Tokens that inputs were cut to; 0 where that is not known."""
    data: Annotated[tuple[DataUse, ...], Field(max_length=100)] = ()
    scores: Annotated[tuple[CardScore, ...], Field(max_length=20)] = ()
    """Of the weights as they are stored."""


class Card(BaseModel):
    """The contents of a `workbench.json`; every field may be left out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    objective: Literal["prefixlm", "ul2", "unknown"] | None = None
    stage: Literal["pretrained", "instruction-tuned", "unknown"] | None = None
    licence: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    description: Annotated[str, Field(max_length=2000)] = ""
    skills: Annotated[tuple[str, ...], Field(max_length=100)] = ()
    examples: Annotated[tuple[str, ...], Field(max_length=100)] = ()
    """Prompts worth trying."""
    cross_attention_steps: Annotated[int, Field(ge=0)] = 0
    """Steps for which a new cross-attention is to be trained alone, before everything is."""
    training: Training | None = None


def read_card(folder: Path) -> Card:
    """Read a folder's card; an empty one where there is none.

    Raises:
        BrokenCheckpointError: The file is there and wrong; the message names the field.
    """
    path = folder / CARD
    if not path.is_file():
        return Card()
    try:
        return Card.model_validate(read_json(path))
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in problem["loc"])
        raise BrokenCheckpointError(
            f"{path} is wrong at {field!r}: {problem['msg']}.",
            expected=f"Its fields are {', '.join(Card.model_fields)}.",
        ) from error
