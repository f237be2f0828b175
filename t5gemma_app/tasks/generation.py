"""Many prompts from a file: rows in, the same rows with their answers out.

Knows the file's format; batching inside the engine, and writing the output, are others' work.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal, NoReturn

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.engine.types import Engine, GenerationResult, Piece, SamplingParameters
from t5gemma_app.errors import InputError
from t5gemma_app.tasks.conversation import replace_surrogates
from t5gemma_app.tasks.turns import BOS, Turn, fold_system, write_turns

ADDED = ("text", "finish_reason")
"""Fields that every answered row gets; `token_ids` on demand."""

Warn = Callable[[str], None]


class _Said(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)

    role: Literal["system", "user", "assistant", "model"]
    content: str


class _Row(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)

    prompt: str | None = None
    messages: list[_Said] | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> _Row:
        if (self.prompt is None) == (self.messages is None):
            raise ValueError('a line has either "prompt" or "messages"')
        if self.messages is not None:
            speakers = [said.role for said in self.messages]
            if "system" in speakers[1:]:
                raise ValueError('"system" can only be the first message')
            if not speakers or speakers[-1] != "user":
                raise ValueError('the last message must be the "user"\'s')
        return self


@dataclass(frozen=True, slots=True)
class PromptRow:
    """One line of an input file."""

    line: int
    """Its number in the file, from 1."""
    fields: dict[str, Any]
    """The line as it was read; kept in the output."""
    turns: tuple[Turn, ...]
    system: str = ""
    prompt: str | None = None
    """The prompt as it is; None where the line has messages."""


def read_prompts(path: Path) -> list[PromptRow]:
    """Read a JSON Lines file of prompts; empty lines are skipped.

    Args:
        path: A file with `{"prompt": …}` or `{"messages": [{"role", "content"}, …]}` a line; further fields are kept.

    Raises:
        InputError: The file can't be read, or a line is wrong; the message names file and line.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"The file {path} can't be read: {error.strerror}.", remedy="Check the path.") from error
    rows = []
    for number, raw in enumerate(content.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        if raw.strip():
            rows.append(_row(raw, path, number))
    if not rows:
        raise InputError(f"The file {path} has no prompts.", expected="One JSON object a line.")
    return rows


def pieces_of(row: PromptRow, raw: bool) -> tuple[Piece, ...]:
    """Return what is sent for a row: its turns, or with `raw` `<bos>` and the prompt exactly as it is.

    Raises:
        InputError: A row of messages can't be sent raw.
    """
    if not raw:
        return write_turns(fold_system(row.turns, row.system))
    if row.prompt is None:
        raise InputError(
            f"Line {row.line} has messages, which can't be sent raw.",
            expected='Raw lines have a "prompt".',
            remedy="Leave --raw out, or write the prompt yourself.",
        )
    return (Piece(BOS, control=True), Piece(row.prompt))


def answer_rows(
    engine: Engine,
    checkpoint: Checkpoint,
    rows: Sequence[PromptRow],
    parameters: SamplingParameters,
    batch: int,
    *,
    raw: bool = False,
    token_ids: bool = False,
    warn: Warn = lambda _: None,
) -> Iterator[dict[str, Any]]:
    """Answer rows in their order, `batch` at a time, and yield each with its fields and its answer.

    Args:
        engine: Where the answers are computed.
        checkpoint: What answers.
        rows: The prompts.
        parameters: How every row is sampled.
        batch: Rows handed to the engine at once.
        raw: Send prompts as they are, without turns.
        token_ids: Add the decoder's ids as well.
        warn: Is told of prompts longer than the encoder was made for, and of fields that are replaced.

    Raises:
        InputError: The checkpoint writes no text, a parameter is out of range, or a row can't be sent raw.
    """
    if checkpoint.head != "none":
        raise InputError(f"{checkpoint.name} has a classification head and writes no text.")
    if batch < 1:
        raise InputError(f"The batch is {batch}.", expected="It takes a whole number from 1.")
    parameters.checked()
    prompts = [pieces_of(row, raw) for row in rows]  # before any is answered, so that a wrong one costs nothing
    added = (*ADDED, "token_ids") if token_ids else ADDED
    for name in added:
        clash = next((row.line for row in rows if name in row.fields), None)
        if clash is not None:
            warn(f'The field "{name}" of the input is replaced, first in line {clash}.')
    waiting = iter(zip(rows, prompts, strict=True))
    while chunk := list(islice(waiting, batch)):
        results = engine.generate_batch(checkpoint, [pieces for _, pieces in chunk], parameters)
        for (row, _), result in zip(chunk, results, strict=True):
            _warn_of_length(checkpoint, row, result, warn)
            yield row.fields | _answer(result, token_ids)


def _row(raw: bytes, path: Path, number: int) -> PromptRow:
    where = f"{path}, line {number}"
    try:
        fields = json.loads(raw.decode("utf-8"), parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise InputError(f"{where} is not UTF-8.", remedy="Save the file as UTF-8.") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where} is not JSON: {error}.", expected="One JSON object a line.") from error
    if not isinstance(fields, dict):
        raise InputError(f"{where} is not an object.", expected='It has "prompt" or "messages".')
    try:
        row = _Row.model_validate(_sendable({name: fields[name] for name in ("prompt", "messages") if name in fields}))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        at = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        raise InputError(f"{where}{f', {at}' if at else ''}: {message}.") from error
    said = row.messages if row.messages is not None else [_Said(role="user", content=row.prompt or "")]
    system = said[0].content if said[0].role == "system" else ""
    turns = tuple(Turn("user" if m.role == "user" else "assistant", m.content) for m in said if m.role != "system")
    return PromptRow(number, fields, turns, system, row.prompt)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _sendable(value: Any) -> Any:
    """Replace unpaired surrogates, which no tokenizer takes; a file's text is otherwise sent exactly as it is."""
    if isinstance(value, str):
        return replace_surrogates(value)
    if isinstance(value, list):
        return [_sendable(entry) for entry in value]
    if isinstance(value, dict):
        return {replace_surrogates(key): _sendable(entry) for key, entry in value.items()}
    return value


def _answer(result: GenerationResult, token_ids: bool) -> dict[str, Any]:
    answer: dict[str, Any] = {"text": result.text, "finish_reason": result.finish_reason}
    if token_ids:
        answer["token_ids"] = list(result.token_ids)
    return answer


def _warn_of_length(checkpoint: Checkpoint, row: PromptRow, result: GenerationResult, warn: Warn) -> None:
    tokens = result.statistics.prompt_tokens
    if checkpoint.encoder is not None and tokens > checkpoint.encoder.positions:
        warn(
            f"Line {row.line} has {tokens:,} tokens, more than the {checkpoint.encoder.positions:,} that "
            f"{checkpoint.name} was made for; its answer may be poor."
        )
