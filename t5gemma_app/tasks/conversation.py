"""A conversation as a value, and every step that changes it as a function that returns a new one.

Knows messages, their versions and their order; refuses to know engines, files and screens. Two rules hold in every
conversation made here: the first message is the user's, and the speakers alternate.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from t5gemma_app.errors import InputError
from t5gemma_app.tasks.turns import Role, Turn

DEFAULT_TITLE = "New conversation"
TITLE_LENGTH = 60
ID_PATTERN = r"[A-Za-z0-9_-]{1,64}"

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Version:
    """One wording of a message."""

    text: str
    note: str = ""
    """The quiet line under an answer."""
    parameters: dict[str, Any] | None = None
    """How the answer was sampled, as JSON values."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message with all its versions; a user's has one, an answer one for each time it was regenerated."""

    role: Role
    versions: tuple[Version, ...]
    chosen: int = 0
    """Index of the version that is shown and sent."""

    @property
    def text(self) -> str:
        """The chosen version's text."""
        return self.versions[self.chosen].text


@dataclass(frozen=True, slots=True)
class Conversation:
    """Messages that belong together, with the system text and the checkpoint they were held with."""

    id: str
    title: str = DEFAULT_TITLE
    system: str = ""
    messages: tuple[Message, ...] = ()
    checkpoint: str = ""
    updated: float = 0.0
    """Seconds since 1970 of the last change."""


class Undone(NamedTuple):
    """A conversation without its last exchange, and the text to put back into the message box."""

    conversation: Conversation
    text: str


def replace_surrogates(text: str) -> str:
    """Replace unpaired surrogates, which no UTF-8 file, JSON reader or tokenizer accepts, with U+FFFD.

    Surrogates that form a pair become the character they stand for.
    """
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def clean_text(text: str) -> str:
    """Return text that JSON, tokenizers and storage take; apply it wherever typed or pasted text comes in.

    Unpaired surrogates become U+FFFD, every kind of line end becomes a line feed, and control characters other than
    line feed and tab are removed. Nothing else changes, and cleaning twice equals cleaning once.
    """
    text = replace_surrogates(text).replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROL.sub("", text)


def title_from(text: str) -> str:
    """Make a title of a message: its first line with words in it, cut between words."""
    words = " ".join(next((line for line in clean_text(text).split("\n") if line.strip()), "").split())
    if len(words) <= TITLE_LENGTH:
        return words or DEFAULT_TITLE
    cut = words[: TITLE_LENGTH - 1]
    if " " in cut[TITLE_LENGTH // 2 :]:
        cut = cut.rsplit(" ", 1)[0]
    return cut.rstrip() + "…"


def new_conversation(now: float, id: str) -> Conversation:
    """Begin an empty conversation.

    Raises:
        InputError: The id has characters other than letters, digits, `_` and `-`, or more than 64 of them.
    """
    if not re.fullmatch(ID_PATTERN, id):
        raise InputError(f"The conversation id {id!r} can't be used.", expected="Up to 64 letters, digits, _ and -.")
    return Conversation(id=id, updated=now)


def touch(conversation: Conversation, now: float) -> Conversation:
    """Record the time of the last change."""
    return replace(conversation, updated=now)


def rename(conversation: Conversation, title: str) -> Conversation:
    """Give a conversation another title; an empty one brings back the title made of the first message."""
    first = conversation.messages[0].text if conversation.messages else ""
    return replace(conversation, title=title_from(title if title.strip() else first))


def with_system(conversation: Conversation, system: str) -> Conversation:
    """Set the system text."""
    return replace(conversation, system=clean_text(system))


def with_checkpoint(conversation: Conversation, checkpoint: str) -> Conversation:
    """Set the name of the checkpoint that answers from now on."""
    return replace(conversation, checkpoint=checkpoint)


def with_user(conversation: Conversation, text: str) -> Conversation:
    """Append a user message, and title a conversation that has no title yet.

    A user message that never got its answer is replaced, since the speakers alternate; `undo` gives its text back.
    """
    kept = conversation.messages
    if kept and kept[-1].role == "user":
        kept = kept[:-1]
    title = title_from(text) if conversation.title == DEFAULT_TITLE else conversation.title
    message = Message("user", (Version(clean_text(text)),))
    return replace(conversation, title=title, messages=(*kept, message))


def with_answer(conversation: Conversation, version: Version) -> Conversation:
    """Append an answer; after an answer, which is then being regenerated, add a further version of it.

    Raises:
        InputError: There is no message to answer.
    """
    if not conversation.messages:
        raise InputError("There is no message to answer.", remedy="Write one first.")
    if conversation.messages[-1].role == "assistant":
        return add_version(conversation, version)
    return replace(conversation, messages=(*conversation.messages, Message("assistant", (_cleaned(version),))))


def add_version(conversation: Conversation, version: Version) -> Conversation:
    """Add a version to the last answer and choose it.

    Raises:
        InputError: The last message is not an answer.
    """
    if not conversation.messages or conversation.messages[-1].role != "assistant":
        raise InputError("There is no answer to add a version to.", remedy="Send a message first.")
    last = conversation.messages[-1]
    versions = (*last.versions, _cleaned(version))
    message = replace(last, versions=versions, chosen=len(versions) - 1)
    return replace(conversation, messages=(*conversation.messages[:-1], message))


def choose_version(conversation: Conversation, message_index: int, version_index: int) -> Conversation:
    """Choose which version of a message is shown and sent; what follows the message stays.

    Raises:
        InputError: There is no such message or version.
    """
    message = _message_at(conversation, message_index)
    if not 0 <= version_index < len(message.versions):
        raise InputError(
            f"The message has no version {version_index + 1}.",
            expected=f"It has {len(message.versions)}.",
        )
    return _with_message(conversation, message_index, replace(message, chosen=version_index))


def edit(conversation: Conversation, message_index: int, text: str) -> Conversation:
    """Replace a user message and drop what follows it, since that answered another text.

    Raises:
        InputError: There is no such message, or it is an answer.
    """
    if _message_at(conversation, message_index).role != "user":
        raise InputError("Answers can't be edited.", remedy="Edit the message above it, or regenerate the answer.")
    kept = replace(conversation, messages=conversation.messages[: message_index + 1])
    return _with_message(kept, message_index, Message("user", (Version(clean_text(text)),)))


def undo(conversation: Conversation) -> Undone:
    """Drop the last user message with its answer, and return its text; an empty conversation stays as it is."""
    messages = conversation.messages
    if messages and messages[-1].role == "assistant":
        messages = messages[:-1]
    if not messages:
        return Undone(conversation, "")
    return Undone(replace(conversation, messages=messages[:-1]), messages[-1].text)


def clear(conversation: Conversation) -> Conversation:
    """Drop all messages and the title made of them; id, system text and checkpoint stay."""
    return replace(conversation, messages=(), title=DEFAULT_TITLE)


def turns(conversation: Conversation) -> tuple[Turn, ...]:
    """Return the chosen version of every message as turns."""
    return tuple(Turn(message.role, message.text) for message in conversation.messages)


def before_answer(conversation: Conversation) -> tuple[Turn, ...]:
    """Return the turns up to the last user message, which are what a (re)generated answer answers."""
    every = turns(conversation)
    return every[:-1] if every and every[-1].role == "assistant" else every


def _cleaned(version: Version) -> Version:
    return replace(version, text=clean_text(version.text), note=clean_text(version.note))


def _message_at(conversation: Conversation, index: int) -> Message:
    if not 0 <= index < len(conversation.messages):
        raise InputError(
            f"There is no message {index + 1}.",
            expected=f"The conversation has {len(conversation.messages)}.",
        )
    return conversation.messages[index]


def _with_message(conversation: Conversation, index: int, message: Message) -> Conversation:
    messages = conversation.messages
    return replace(conversation, messages=(*messages[:index], message, *messages[index + 1 :]))
