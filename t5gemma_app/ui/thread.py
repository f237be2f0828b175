"""A conversation on the screen: messages, the quiet line under an answer, versions, and the empty state.

What models and people wrote is shown as text: line breaks are kept, nothing in it becomes a link, an image or a tag.
"""

from __future__ import annotations

from collections.abc import Sequence

from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.engine.types import Loading, Waiting
from t5gemma_app.errors import WorkbenchError
from t5gemma_app.tasks.conversation import Conversation, Message
from t5gemma_app.ui.markup import bar, duration, text
from t5gemma_app.ui.markup import problem as problem_card

DEMO_EXAMPLES = (
    "What is the capital of France?",
    "What is the opposite of hot?",
    "What is the plural of mouse?",
    "Why is the sky blue?",
)
EXAMPLES = (
    "Explain in two sentences why an encoder helps with long documents.",
    "Summarise this in one line: The ferry was late, so we walked along the harbour and missed the concert.",
    "Give three names for a small bakery that opens at night.",
    "Translate to German: The train leaves from platform nine.",
)
PRETRAINED_EXAMPLES = (
    "The three largest cities of Italy are",
    "Once upon a time, in a village by the sea,",
    "Question: Is copper a metal? Answer:",
    "def fibonacci(n):",
)


def thread_html(conversation: Conversation, *, busy: bool = False) -> str:
    """Return all messages; while an answer is on its way the last one offers no actions."""
    last = len(conversation.messages) - 1
    items = [
        _user(message, index, index == last, busy)
        if message.role == "user"
        else _answer(message, index, index == last, busy)
        for index, message in enumerate(conversation.messages)
    ]
    return f'<ol class="wb-thread">{"".join(items)}</ol>' if items else ""


def _user(message: Message, index: int, last: bool, busy: bool) -> str:
    actions = "" if busy else _button("edit", index, "Edit") + _button("copy", index, "Copy")
    if last and not busy:  # the page was closed before its answer came
        actions += _button("regenerate", index, "Answer")
    return (
        f'<li class="wb-turn wb-user" data-index="{index}"><span class="wb-hidden">You</span>'
        f'<div class="wb-text" dir="auto">{text(message.text)}</div><div class="wb-actions">{actions}</div></li>'
    )


def _answer(message: Message, index: int, last: bool, busy: bool) -> str:
    version = message.versions[message.chosen]
    body = text(version.text) if version.text.strip() else '<span class="wb-empty-answer">The answer is empty.</span>'
    actions = ""
    if not busy:
        actions = _button("copy", index, "Copy") + (_button("regenerate", index, "Regenerate") if last else "")
        actions += _versions(message, index)
    note = f'<p class="wb-note">{text(version.note)}</p>' if version.note else ""
    return (
        f'<li class="wb-turn wb-answer" data-index="{index}"><span class="wb-hidden">Answer</span>'
        f'<div class="wb-text" dir="auto">{body}</div>{note}<div class="wb-actions">{actions}</div></li>'
    )


def _versions(message: Message, index: int) -> str:
    count = len(message.versions)
    if count == 1:
        return ""
    before = _button("version", index, "‹", "Earlier version", message.chosen - 1, message.chosen == 0)
    after = _button("version", index, "›", "Later version", message.chosen + 1, message.chosen == count - 1)
    return f'<span class="wb-versions">{before}<span>{message.chosen + 1} of {count}</span>{after}</span>'


def _button(action: str, index: int, words: str, label: str = "", version: int = 0, disabled: bool = False) -> str:
    spoken = f' aria-label="{text(label)}"' if label else ""
    off = " disabled" if disabled else ""
    return (
        f'<button type="button" class="wb-act" data-act="{action}" data-index="{index}" '
        f'data-version="{version}"{spoken}{off}>{text(words)}</button>'
    )


def live_html(answer: str, *, progress: str = "") -> str:
    """Return the answer on its way: its text so far, or what it waits for."""
    body = f'<div class="wb-text wb-streaming" dir="auto">{text(answer)}</div>' if answer else ""
    return f'<div class="wb-turn wb-answer wb-live"><span class="wb-hidden">Answer</span>{body}{progress}</div>'


def thinking_html() -> str:
    """Return the state between sending and the first event."""
    return live_html("", progress=progress_html("Reading the message …"))


def loading_html(event: Loading) -> str:
    """Return the progress of a checkpoint on its way into memory."""
    words = f"Loading {event.checkpoint}: {event.stage}"
    if event.fraction is None:
        return live_html("", progress=progress_html(words))
    return live_html("", progress=progress_html(words, bar(event.fraction, f"{event.fraction:.0%} loaded")))


def waiting_html(event: Waiting) -> str:
    """Return the place in the queue, and when its turn will come."""
    people = "1 request is" if event.ahead == 1 else f"{event.ahead} requests are"
    words = f"{people} served first" if event.ahead else "Next in line"
    if event.seconds is not None:
        words += f"; your turn comes in about {duration(event.seconds)}"
    return live_html("", progress=progress_html(f"{words}."))


def progress_html(words: str, below: str = "") -> str:
    """Return something that goes on, in words, with a bar below where its end is known."""
    return f'<div class="wb-progress" role="status"><span class="wb-pulse"></span>{text(words)}{below}</div>'


def failed_html(error: WorkbenchError) -> str:
    """Return a failure in the place where the answer would have been."""
    return problem_card(error.what, error.expected, error.remedy)


def empty_html(checkpoint: Checkpoint | None) -> str:
    """Return what an empty conversation shows: what this checkpoint can do, and four things to try."""
    if checkpoint is None:
        return '<div class="wb-start"><h2>No checkpoint yet</h2><p>Choose one on the Models tab.</p></div>'
    buttons = "".join(_example(text(example)) for example in examples_for(checkpoint))
    return (
        f'<div class="wb-start"><h2>{text(checkpoint.name)}</h2><p>{text(ability(checkpoint))}</p>'
        f'<div class="wb-examples">{buttons}</div></div>'
    )


def _example(escaped: str) -> str:
    return f'<button type="button" class="wb-example" data-act="example" data-text="{escaped}">{escaped}</button>'


def ability(checkpoint: Checkpoint) -> str:
    """Return what a checkpoint can be expected to do, without flattery."""
    if checkpoint.head == "none" and checkpoint.source == "embedded":
        return (
            "A very small model that this project trained on a CPU. It answers short questions about capitals, "
            "opposites, plurals and everyday facts; beyond that it guesses."
        )
    if checkpoint.head != "none":
        return "This checkpoint has a classification head and writes no text."
    if checkpoint.stage == "pretrained":
        return "Pretrained only: it continues text and does not follow instructions. Give it a beginning."
    size = f"{checkpoint.encoder_size} encoder, {checkpoint.decoder_size} decoder"
    return f"Instruction-tuned, {size}. The whole conversation is read again by the encoder at every turn."


def examples_for(checkpoint: Checkpoint) -> Sequence[str]:
    """Return four messages that suit the checkpoint."""
    if checkpoint.source == "embedded":
        return DEMO_EXAMPLES
    return PRETRAINED_EXAMPLES if checkpoint.stage == "pretrained" else EXAMPLES
