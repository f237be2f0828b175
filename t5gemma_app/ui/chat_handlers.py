"""What happens on the Chat tab: values of the page in, changes of the page out.

The open conversation comes from the browser as JSON and goes back as JSON; nothing of it stays on the server.
"""

from __future__ import annotations

import json
import logging
import secrets
import time
from collections.abc import Iterator
from copy import copy
from dataclasses import asdict, dataclass
from typing import Any

import gradio as gr

from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.engine.types import Event, Finished, GenerationResult, Loading, SamplingParameters, TextDelta, Waiting
from t5gemma_app.errors import ConversationError, EngineError, InputError, WorkbenchError
from t5gemma_app.services import Services
from t5gemma_app.tasks.archive import MAX_BYTES, from_data, to_data
from t5gemma_app.tasks.chat import Begun
from t5gemma_app.tasks.conversation import (
    Conversation,
    Version,
    before_answer,
    choose_version,
    clear,
    edit,
    new_conversation,
    touch,
    undo,
    with_answer,
    with_checkpoint,
    with_system,
    with_user,
)
from t5gemma_app.ui.frames import Frames
from t5gemma_app.ui.markup import text as as_text
from t5gemma_app.ui.running import Held, RunningAnswers
from t5gemma_app.ui.sampling_form import SamplingValues
from t5gemma_app.ui.thread import (
    empty_html,
    failed_html,
    live_html,
    loading_html,
    thinking_html,
    thread_html,
    waiting_html,
)
from t5gemma_app.ui.visitors import visitor_of_page

logger = logging.getLogger(__name__)

LOG_REMEDY = "Try again; the app's log says more."
SCREEN = ("message", "editing", "current", "thread", "live", "send", "stop", "meter")
"""The parts of the page that a step may change, in the order of the outputs."""


IDLE: dict[str, Any] = {
    "send": {"visible": True, "__type__": "update"},
    "stop": {"visible": False, "__type__": "update"},
}
"""The buttons while nothing is answered."""


def screen(**changes: Any) -> tuple[Any, ...]:
    """Return one value for each part of `SCREEN`; parts that are not named stay as they are."""
    unknown = changes.keys() - set(SCREEN)
    if unknown:
        raise KeyError(f"no such part of the screen: {', '.join(sorted(unknown))}")
    return tuple(copy(changes[part]) if part in changes else gr.skip() for part in SCREEN)


def packed(conversation: Conversation) -> str:
    """Return a conversation as the browser keeps it."""
    return json.dumps(to_data(conversation), ensure_ascii=False, separators=(",", ":"))


def unpacked(raw: Any) -> Conversation:
    """Read what the browser sent; an empty text is a new conversation.

    Raises:
        ConversationError: It is damaged or too large.
    """
    if not raw:
        return new_conversation(time.time(), secrets.token_hex(8))
    raw = _written(raw)
    if len(raw) > MAX_BYTES:
        raise ConversationError(
            f"The conversation has {len(raw) / 1e6:.1f} million characters.", remedy="Begin a new one."
        )
    try:
        data = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise ConversationError("The conversation in this browser is damaged.", remedy="Begin a new one.") from error
    return from_data(data)


@dataclass(frozen=True, slots=True)
class ChatHandlers:
    """The steps of a conversation."""

    services: Services
    running: RunningAnswers

    def shown(self, conversation: Conversation, checkpoint: str, *, busy: bool = False) -> str:
        """Return the thread, or the empty state where there are no messages."""
        if conversation.messages:
            return thread_html(conversation, busy=busy)
        return empty_html(self.found(checkpoint))

    def found(self, name: str) -> Checkpoint | None:
        """Return a checkpoint by its name, or None where the browser names one that is gone."""
        try:
            return self.services.catalogue.find(name)
        except WorkbenchError:
            return None

    def send(
        self,
        request: gr.Request,
        message: Any,
        editing: int | None,
        raw: Any,
        checkpoint: Any,
        system: Any,
        *values: Any,
    ) -> Iterator[tuple[Any, ...]]:
        """Append or replace a user message and stream its answer; the message comes back when that fails.

        The values are what the browser sent, or somebody in its place; so are those of `regenerate`.
        """
        message, checkpoint, system = _written(message), _written(checkpoint), _written(system)
        try:
            before = unpacked(raw)
            if not message.strip() or str(request.session_hash) in self.running:
                yield screen()  # a second click, or Enter while an answer is written: the text stays in the box
                return
            check_length(message, self.services.settings.max_text)
            base = before if editing is None else edit(before, editing, message)
            asked = base if editing is not None else with_user(before, message)
            asked = with_system(with_checkpoint(asked, checkpoint), system)
            chosen, parameters = self.services.catalogue.find(checkpoint), SamplingValues(*values).parameters()
        except WorkbenchError as error:
            yield screen(live=failed_html(error), message=message)
            return
        for step in self._answered(request, touch(asked, time.time()), chosen, parameters):
            if step is None:
                yield screen(
                    message=message, editing=editing, current=packed(before), thread=self.shown(before, checkpoint)
                )
            else:
                yield step

    def regenerate(
        self, request: gr.Request, raw: Any, checkpoint: Any, system: Any, *values: Any
    ) -> Iterator[tuple[Any, ...]]:
        """Answer the last user message once more and keep the earlier answers as versions."""
        checkpoint, system = _written(checkpoint), _written(system)
        try:
            before = unpacked(raw)
            asked = with_system(with_checkpoint(before, checkpoint), system)
            chosen, parameters = self.services.catalogue.find(checkpoint), SamplingValues(*values).parameters()
            before_answer(asked)
        except WorkbenchError as error:
            yield screen(live=failed_html(error))
            return
        for step in self._answered(request, touch(asked, time.time()), chosen, parameters):
            if step is None:
                yield screen(current=packed(before), thread=self.shown(before, checkpoint))
            else:
                yield step

    def _answered(
        self, request: gr.Request, asked: Conversation, checkpoint: Checkpoint, parameters: SamplingParameters
    ) -> Iterator[tuple[Any, ...] | None]:
        """Stream one answer; a None in between asks the caller to put back what was there before.

        The engine is asked first: whoever it refuses hears so at once.
        """
        held: Held | None = None
        result: GenerationResult | None = None
        problem: WorkbenchError | None = None
        try:
            begun = self.services.chat.start(
                checkpoint, before_answer(asked), asked.system, parameters, visitor=visitor_of_page(request)
            )
            with self.running.held(str(request.session_hash), begun.answer) as held:
                yield self._asked(asked)
                for event, html in _shown(begun, Frames(lambda: self.services.engine.status().active)):
                    if not held.wanted:
                        break
                    if isinstance(event, Finished):
                        result = event.result
                    else:
                        yield screen(live=html)
                # Within the block: a page waits for its answer until it has it.
                if held.wanted and result is not None and not _is_nothing(result):
                    yield self._answer(self._with_result(asked, result, checkpoint, parameters), begun)
                    if held.wanted:
                        return
        except WorkbenchError as error:
            problem = error
        except Exception:  # whatever broke, the page must come back to rest; the log has the traceback
            logger.exception("An answer failed")
            problem = EngineError("Something broke inside the app.", remedy=LOG_REMEDY)
        if held is not None and not held.wanted:
            yield screen()  # Gradio repeats a stream's last step when it ends, and the page shows something else by now
            return
        yield None
        yield screen(live=failed_html(problem) if problem else "", **IDLE)

    def _asked(self, asked: Conversation) -> tuple[Any, ...]:
        """Return the screen while nothing of the answer is known."""
        return screen(
            message="",
            editing=None,
            current=packed(asked),
            thread=self._thread_while_busy(asked),
            live=thinking_html(),
            send=gr.update(visible=False),
            stop=gr.update(visible=True, interactive=True, value="Stop"),
        )

    def _answer(self, answered: Conversation, begun: Begun) -> tuple[Any, ...]:
        """Return the screen once the answer is there."""
        return screen(
            current=packed(answered),
            thread=thread_html(answered),
            live="",
            meter=meter_html(begun.fitted.sentence(), begun.fitted.notice),
            **IDLE,
        )

    def _thread_while_busy(self, asked: Conversation) -> str:
        """Return the thread without the answer that is being replaced, so that the new one stands in its place."""
        messages = asked.messages[:-1] if asked.messages and asked.messages[-1].role == "assistant" else asked.messages
        return thread_html(Conversation(asked.id, messages=messages), busy=True)

    def _with_result(
        self, asked: Conversation, result: GenerationResult, checkpoint: Checkpoint, parameters: SamplingParameters
    ) -> Conversation:
        last = asked.messages[-1]
        if parameters.greedy and last.role == "assistant":
            for index, version in enumerate(last.versions):
                if version.text == result.text:
                    gr.Info("Greedy gave the same answer again. Choose another style for a different one.")
                    return choose_version(asked, len(asked.messages) - 1, index)
        sampled = asdict(parameters) | {"stop": list(parameters.stop), "checkpoint": checkpoint.name}
        version = Version(result.text, f"{checkpoint.name} · {self.services.chat.note(result)}", sampled)
        return touch(with_answer(asked, version), time.time())

    def stop(self, request: gr.Request) -> dict[str, Any]:
        """Cancel the page's answer; the stream itself then puts the page in order."""
        self.running.stop(str(request.session_hash))
        return gr.update(interactive=False, value="Stopping …")

    def left(self, request: gr.Request) -> None:
        """Cancel what a closed page was waiting for."""
        self.running.stop(str(request.session_hash))

    def version(self, raw: str, event: gr.EventData) -> tuple[Any, ...]:
        """Show another version of an answer."""
        try:
            conversation = choose_version(unpacked(raw), _sent(event, "index"), _sent(event, "version"))
        except WorkbenchError as error:
            return screen(live=failed_html(error))
        return screen(current=packed(conversation), thread=thread_html(conversation))

    def edit(self, raw: str, event: gr.EventData) -> tuple[Any, ...]:
        """Put an earlier message into the message box; sending it replaces what followed."""
        try:
            conversation, index = unpacked(raw), _sent(event, "index")
            if not 0 <= index < len(conversation.messages):
                raise InputError(f"There is no message {index + 1}.")
        except WorkbenchError as error:
            return screen(live=failed_html(error))
        return screen(message=conversation.messages[index].text, editing=index)

    def undo(self, request: gr.Request, raw: str, checkpoint: str) -> tuple[Any, ...]:
        """Take the last exchange back; its text returns to the message box."""
        self.running.leave(str(request.session_hash))
        try:
            undone = undo(unpacked(raw))
        except WorkbenchError as error:
            return screen(live=failed_html(error))
        conversation = touch(undone.conversation, time.time())
        box = {"message": undone.text} if undone.text else {}
        return screen(
            current=packed(conversation),
            thread=self.shown(conversation, checkpoint),
            live="",
            editing=None,
            **box,
            **IDLE,
        )

    def clear(self, request: gr.Request, raw: str, checkpoint: str, sure: str) -> tuple[Any, ...]:
        """Drop all messages of the open conversation, unless the visitor thought better of it."""
        self.running.leave(str(request.session_hash))
        try:
            conversation = unpacked(raw)
        except WorkbenchError:
            conversation = unpacked("")  # what can't be read can still be cleared
        if sure:
            conversation = touch(clear(conversation), time.time())
        return screen(
            current=packed(conversation),
            thread=self.shown(conversation, checkpoint),
            live="",
            editing=None,
            meter="",
            **IDLE,
        )


def check_length(message: str, limit: int) -> None:
    """Raise `InputError` where a message is longer than the server takes."""
    if len(message) > limit:
        raise InputError(
            f"The message has {len(message):,} characters.",
            expected=f"This server takes {limit:,}.",
            remedy="Shorten it, or split it into several messages.",
        )


def _is_nothing(result: GenerationResult) -> bool:
    """Return whether an answer was stopped before its first word."""
    return result.finish_reason == "cancelled" and not result.text.strip()


def _shown(begun: Begun, frames: Frames) -> Iterator[tuple[Event, str]]:
    """Yield events with what the page shows for them; words are gathered until it is time to show them."""
    answer = ""
    for event in begun.answer:
        if isinstance(event, TextDelta):
            if new := frames.add(event.text):
                answer += new
                yield event, live_html(answer)
        elif isinstance(event, Loading):
            yield event, loading_html(event)
        elif isinstance(event, Waiting):
            yield event, waiting_html(event)
        elif isinstance(event, Finished):
            yield event, ""


def meter_html(sentence: str, notice: str = "") -> str:
    """Return the fill of the encoder, and what a person should know about the way it was sent."""
    more = f'<span class="wb-meter-notice">{as_text(notice)}</span>' if notice else ""
    return f'<p class="wb-meter"><span>{as_text(sentence)}</span>{more}</p>'


def _written(value: Any) -> str:
    """Return a field's text; nothing at all is an empty one."""
    return "" if value is None else str(value)


def _sent(event: gr.EventData, name: str) -> int:
    """Read a number that the page sent with an event."""
    data = event._data
    value = data.get(name) if isinstance(data, dict) else None
    if isinstance(value, bool) or not isinstance(value, int):
        raise InputError(f"The page sent no {name}.", remedy="Reload the page.")
    return value
