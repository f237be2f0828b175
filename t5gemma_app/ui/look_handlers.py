"""The steps around cross-attention on the Look inside tab."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import gradio as gr

from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.engine.types import Finished, Loading, SamplingParameters, Waiting
from t5gemma_app.errors import InputError, WorkbenchError
from t5gemma_app.services import Services
from t5gemma_app.tasks.looking import LONGEST_ANSWER, picture
from t5gemma_app.tasks.turns import Turn
from t5gemma_app.ui.access_words import access_html, checkpoint_choices, opening_checkpoint
from t5gemma_app.ui.look_shelf import LookShelf
from t5gemma_app.ui.look_view import MOST_SAVED, look_html, look_svg
from t5gemma_app.ui.markup import problem
from t5gemma_app.ui.picker import refreshed
from t5gemma_app.ui.thread import examples_for, live_html, loading_html, progress_html, waiting_html
from t5gemma_app.ui.visitors import visitor_of_page

WORDS, PIECES = "words", "pieces"
START = (
    '<div class="wb-start wb-look-start"><h2>Where does an answer come from?</h2><p>Ask something: every word of the '
    "answer shows which words of the prompt the decoder looked at when it wrote it, layer by layer and head by head. "
    "Or write an answer yourself and see what it would have looked at.</p></div>"
)


class Seen(NamedTuple):
    """What looking changes: the picture, the key of what was seen, the two choosers, and the buttons."""

    result: Any
    key: Any
    layer: Any
    head: Any
    start: Any
    stop: Any


@dataclass(frozen=True, slots=True)
class LookHandlers:
    """The steps of the tab's first part."""

    services: Services
    shelf: LookShelf = field(default_factory=LookShelf)

    def choices(self) -> list[tuple[str, str]]:
        """Return (label, name) of the checkpoints that write."""
        return checkpoint_choices(self.services)

    def opening(self) -> Checkpoint | None:
        """Return what the tab opens with."""
        return opening_checkpoint(self.services)

    def refreshed(self, chosen: str | None) -> Any:
        """Return the list of checkpoints as it is now."""
        return refreshed(self.choices(), chosen, self.opening())

    def picked(self, name: str | None) -> tuple[str, Any]:
        """Return what stands in a checkpoint's way, and a prompt to begin with."""
        try:
            checkpoint = self.services.catalogue.find(str(name or ""))
        except WorkbenchError:
            return "", gr.skip()
        return access_html(self.services.access.of(checkpoint)), gr.update(placeholder=examples_for(checkpoint)[0])

    def look(self, request: gr.Request, prompt: Any, answer: Any, name: Any, by_word: Any) -> Iterator[Seen]:
        """Answer a prompt where no answer is given, and look into it; yields progress, then the picture."""
        kept = (gr.skip(), gr.skip(), gr.skip())
        idle = gr.update(visible=True), gr.update(visible=False)
        try:
            checkpoint = self.services.catalogue.find(str(name or ""))
            access = self.services.access.of(checkpoint)
            self.services.looker.pieces(checkpoint, str(prompt))
            if not access.ready:
                raise InputError(f"{checkpoint.name} can't be used yet.", expected=access.sentence)
            written: str | tuple[int, ...] = str(answer or "")
            visitor = visitor_of_page(request)
            for step in self._steps(checkpoint, str(prompt), str(answer or ""), visitor):
                if isinstance(step, tuple):
                    written = step
                else:
                    yield Seen(step, *kept, gr.update(visible=False), gr.update(visible=True))
            seen = self.services.looker.look(checkpoint, str(prompt), written, visitor)
            key = self.shelf.add(seen)
            html = self._html(key, 0, 0, by_word, checkpoint.name)
            layer, head = (gr.update(maximum=most, value=0) for most in (seen.layers, seen.heads))
            yield Seen(html, f"{key} {checkpoint.name}", layer, head, *idle)
        except WorkbenchError as error:
            yield Seen(problem(error.what, error.expected, error.remedy), "", gr.skip(), gr.skip(), *idle)

    def stopped(self) -> Seen:
        """Return the tab after Stop."""
        return Seen(START, "", gr.skip(), gr.skip(), gr.update(visible=True), gr.update(visible=False))

    def shown(self, key: str, layer: Any, head: Any, by_word: Any) -> Any:
        """Return another layer, head or view of what was seen."""
        if not key:
            return gr.skip()
        try:
            kept, _, name = str(key).partition(" ")
            return self._html(kept, _whole("layer", layer), _whole("head", head), by_word, name)
        except WorkbenchError as error:
            return problem(error.what, error.expected, error.remedy)

    def saved(self, key: str, layer: Any, head: Any, by_word: Any) -> tuple[str, str]:
        """Return the heat map for the browser to save as JSON (name, type, content), and what went wrong."""
        try:
            if not key:
                raise InputError("Nothing was looked into yet.", remedy="Ask something first.")
            seen = self.shelf.get(str(key).partition(" ")[0])
            numbers = _whole("layer", layer), _whole("head", head)
            shown = picture(seen, *numbers, by_word=by_word != PIECES)
            cells = len(shown.answer) * len(shown.source)
            if cells > MOST_SAVED:
                raise InputError(
                    f"The heat map has {cells:,} cells.", expected=f"At most {MOST_SAVED:,}.", remedy="Look at words."
                )
            svg = look_svg(shown, _where(*numbers))
        except WorkbenchError as error:
            return "", problem(error.what, error.expected, error.remedy)
        name = f"attention-layer{numbers[0] or 's'}-head{numbers[1] or 's'}.svg"
        return json.dumps({"name": name, "type": "image/svg+xml", "content": svg}), ""

    def _steps(self, checkpoint: Checkpoint, prompt: str, answer: str, visitor: str) -> Iterator[str | tuple[int, ...]]:
        """Yield progress as HTML, and the ids of an answer where none was given."""
        if answer:
            for loading in self.services.engine.load(checkpoint):
                yield loading_html(loading)
        else:
            parameters = SamplingParameters(max_new_tokens=LONGEST_ANSWER)
            begun = self.services.chat.start(checkpoint, (Turn("user", prompt),), "", parameters, visitor=visitor)
            said = ""
            try:
                for event in begun.answer:
                    if isinstance(event, Finished):
                        yield event.result.token_ids
                    elif isinstance(event, Loading):
                        yield loading_html(event)
                    elif isinstance(event, Waiting):
                        yield waiting_html(event)
                    else:
                        said += getattr(event, "text", "")
                        yield live_html(said, progress=progress_html("Answering …"))
            finally:
                begun.answer.cancel()
        yield progress_html("Looking …")

    def _html(self, key: str, layer: int, head: int, by_word: Any, name: str) -> str:
        seen = self.shelf.get(key)
        loaded = next((one for one in self.services.engine.status().loaded if one.name == name), None)
        attention = loaded.placement.attention.replace("_", " ") if loaded else "the attention of the checkpoint"
        shown = picture(seen, layer, head, by_word=by_word != PIECES)
        return look_html(shown, attention, merged=seen.merged, where=_where(layer, head))


def _where(layer: int, head: int) -> str:
    """Return a layer and a head in words."""
    layers = f"layer {layer}" if layer else "all layers"
    heads = f"head {head}" if head else "all heads"
    return f"{layers}, {heads}"


def _whole(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        raise InputError(f"The {name} is {value!r}.", expected="It takes a whole number.")
    return int(value)
