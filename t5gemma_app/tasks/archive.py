"""Conversations as files: JSON that comes back as it was, and Markdown for reading.

What is read was written by strangers: every size is bounded, every field is checked, and no text in it can change the
structure of a page that shows it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import asdict, replace
from typing import Annotated, Any, Literal, NoReturn

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from t5gemma_app.errors import ConversationError
from t5gemma_app.tasks.conversation import DEFAULT_TITLE, ID_PATTERN, Conversation, Message, Version, clean_text

FORMAT = "t5gemma-workbench/conversations"
FORMAT_VERSION = 1
MAX_BYTES = 5_000_000
MAX_CONVERSATIONS = 1_000
MAX_MESSAGES = 1_000
MAX_VERSIONS = 100
REMEDY = "Choose a file that this app exported."

_Scalar = bool | int | float | str | None


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class _Version(_Strict):
    text: str
    note: str = Field("", max_length=1_000)
    parameters: dict[str, _Scalar | Annotated[list[_Scalar], Field(max_length=100)]] | None = Field(None, max_length=50)


class _Message(_Strict):
    role: Literal["user", "assistant"]
    versions: list[_Version] = Field(min_length=1, max_length=MAX_VERSIONS)
    chosen: int = Field(0, ge=0, lt=MAX_VERSIONS)


class _Conversation(_Strict):
    id: str = Field(pattern=f"^{ID_PATTERN}$")
    title: str = Field(DEFAULT_TITLE, max_length=200)
    system: str = ""
    messages: list[_Message] = Field(max_length=MAX_MESSAGES)
    checkpoint: str = Field("", max_length=1_000)
    updated: float = 0.0


class _Archive(_Strict):
    format: Literal["t5gemma-workbench/conversations"]
    version: Literal[1]
    conversations: list[_Conversation] = Field(max_length=MAX_CONVERSATIONS)


def to_data(conversation: Conversation) -> dict[str, Any]:
    """Return a conversation as JSON values, for a browser's storage."""
    return asdict(conversation)


def to_json(conversations: Sequence[Conversation]) -> str:
    """Write conversations as one JSON document that `from_json` reads back unchanged."""
    data = {"format": FORMAT, "version": FORMAT_VERSION, "conversations": [to_data(c) for c in conversations]}
    return json.dumps(data, indent=1) + "\n"


def from_json(text: str | bytes, *, taken: Collection[str] = ()) -> tuple[Conversation, ...]:
    """Read exported conversations.

    Args:
        text: The file's content.
        taken: Ids that exist already; a conversation with one of them gets a new id.

    Raises:
        ConversationError: It is no such export; the message says where and what was expected there.
    """
    data = _parsed(text)
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        found = f"its format is {str(data.get('format'))[:60]!r}" if isinstance(data, dict) else "it holds no object"
        raise ConversationError(f"This JSON is not an export of this app: {found}.", remedy=REMEDY)
    version = data.get("version")
    if isinstance(version, int) and not isinstance(version, bool) and version > FORMAT_VERSION:
        raise ConversationError(
            f"The file has format version {version}.",
            expected=f"This app reads version {FORMAT_VERSION}.",
            remedy="Update the app, or export again from an older one.",
        )
    try:
        archive = _Archive.model_validate(_cleaned(data))
    except ValidationError as error:
        _refuse(error)
    used = set(taken)
    conversations = []
    for index, entry in enumerate(archive.conversations):
        conversation = _checked(entry, f"conversations[{index}]")
        conversation = replace(conversation, id=_free_id(conversation.id, used))
        used.add(conversation.id)
        conversations.append(conversation)
    return tuple(conversations)


def from_data(data: object) -> Conversation:
    """Read one conversation back from the values of `to_data`, as strictly as a file.

    Raises:
        ConversationError: The values are no conversation.
    """
    try:
        return _checked(_Conversation.model_validate(_cleaned(data)), "the conversation")
    except ValidationError as error:
        _refuse(error)


def to_markdown(conversation: Conversation) -> str:
    """Write a conversation for reading: every text quoted and escaped, so that none becomes a heading, link or HTML."""
    lines = [f"# {_escaped(conversation.title)}", ""]
    if conversation.checkpoint:
        lines += [f"Checkpoint: {_escaped(conversation.checkpoint)}", ""]
    if conversation.system.strip():
        lines += ["## System", "", *_quoted(conversation.system), ""]
    for message in conversation.messages:
        version = message.versions[message.chosen]
        lines += ["## You" if message.role == "user" else "## Answer", "", *_quoted(version.text), ""]
        if len(message.versions) > 1:
            lines += [f"Version {message.chosen + 1} of {len(message.versions)}.", ""]
        if version.note:
            lines += [_escaped(version.note), ""]
        if version.parameters:
            settings = ", ".join(f"{name} {json.dumps(value)}" for name, value in version.parameters.items())
            lines += [f"Parameters: {_escaped(settings)}", ""]
    return "\n".join(lines)


def _parsed(text: str | bytes) -> Any:
    size = len(text) if isinstance(text, bytes) else len(text.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        raise ConversationError(
            f"The file has {size / 1e6:.1f} MB.", expected=f"It may have {MAX_BYTES / 1e6:.0f} MB.", remedy=REMEDY
        )
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8-sig")
        return json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise ConversationError(f"The file is not JSON: {error.msg} at {where}.", remedy=REMEDY) from error
    except (ValueError, RecursionError) as error:  # not UTF-8, a number of absurd length, or absurd nesting
        raise ConversationError("The file is not JSON that can be read.", remedy=REMEDY) from error


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _cleaned(data: Any) -> Any:
    """Clean every string, since JSON can spell unpaired surrogates and control characters as escapes."""
    if isinstance(data, str):
        return clean_text(data)
    if isinstance(data, dict):
        return {clean_text(str(key)): _cleaned(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_cleaned(value) for value in data]
    return data


def _refuse(error: ValidationError) -> NoReturn:
    first = error.errors(include_url=False, include_input=False)[0]
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]).lstrip(".")
    others = f" ({error.error_count() - 1} more)" if error.error_count() > 1 else ""
    raise ConversationError(
        f"The file is damaged at {where[:200] or 'its top'}: {first['msg']}{others}.", remedy=REMEDY
    ) from error


def _checked(entry: _Conversation, where: str) -> Conversation:
    messages = []
    for index, message in enumerate(entry.messages):
        expected: Literal["user", "assistant"] = "assistant" if index % 2 else "user"
        if message.role != expected:
            raise ConversationError(
                f"The file is damaged at {where}.messages[{index}]: the role is {message.role!r}.",
                expected=f"The speakers alternate and the user begins, so it must be {expected!r}.",
                remedy=REMEDY,
            )
        if message.chosen >= len(message.versions):
            raise ConversationError(
                f"The file is damaged at {where}.messages[{index}].chosen: it is {message.chosen}.",
                expected=f"There are {len(message.versions)} versions.",
                remedy=REMEDY,
            )
        versions = tuple(Version(v.text, v.note, v.parameters) for v in message.versions)
        messages.append(Message(message.role, versions, message.chosen))
    return Conversation(entry.id, entry.title, entry.system, tuple(messages), entry.checkpoint, entry.updated)


def _free_id(wanted: str, used: Collection[str]) -> str:
    number, free = 2, wanted
    while free in used:
        free = f"{wanted[:56]}-{number}"
        number += 1
    return free


# Besides the marks of CommonMark: tables, strikes, formulas, addresses and names that GitHub turns into links.
_MARKS = re.compile(r"[\\`*_{}\[\]<>&|~$!#@]|:(?=//)|(?<=www)\.")
# What only means something where a line begins: lists, rules and underlines of headings.
_LINE_START = re.compile(r"^(?=[+\-=])|^(\d+)(?=[.)](?:\s|$))")


def _escaped(text: str) -> str:
    """Escape one line so that Markdown shows it as it is; line feeds become spaces."""
    line = " ".join(clean_text(text).split("\n"))
    body = line.lstrip(" \t")
    indent = line[: len(line) - len(body)].replace("\t", "    ")
    body = _MARKS.sub(r"\\\g<0>", body)
    body = _LINE_START.sub(lambda found: f"{found.group(1) or ''}\\", body)
    return "&nbsp;" * len(indent) + body


def _quoted(text: str) -> list[str]:
    """Quote a text line by line; a backslash at the end keeps a line break inside a paragraph."""
    lines = [_escaped(line) if line.strip() else "" for line in clean_text(text).split("\n")]
    breaks = [bool(line and following) for line, following in zip(lines, [*lines[1:], ""], strict=True)]
    return [f"> {line}{chr(92) if broken else ''}".rstrip(" ") for line, broken in zip(lines, breaks, strict=True)]
