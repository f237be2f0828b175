"""`workbench.json`: what a checkpoint's maker wants people to know, in a file beside the weights."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from t5gemma_app.checkpoints.weights import read_json
from t5gemma_app.errors import BrokenCheckpointError

CARD = "workbench.json"


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
