"""A lean stream says the same to the browser, and leaves the components of the page alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr
from gradio.state_holder import SessionState

from t5gemma_app.ui.unchanged import LEAN, lean
from tests.own_loop import in_own_loop


def steps(request: gr.Request) -> Iterator[tuple[Any, ...]]:
    assert request.session_hash == "page"
    yield "", "", gr.update(visible=False), 7
    yield "<p>one</p>", gr.skip(), gr.skip(), gr.skip()
    yield "<p>one two</p>", gr.skip(), gr.skip(), gr.skip()
    yield gr.skip(), gr.skip(), gr.skip(), gr.skip()
    yield gr.skip(), "back", gr.update(visible=True, value="Send"), None


def sent(wired: Callable[[list[Any]], dict[str, Any]]) -> tuple[list[Any], SessionState, list[Any]]:
    """Play a stream as Gradio does; returns what goes to the browser, the page's state and its parts."""
    with gr.Blocks() as blocks:
        parts = [gr.HTML(), gr.Textbox(), gr.Button(), gr.State(3)]
        gr.Button().click(inputs=None, outputs=parts, **wired(parts))

    async def play() -> tuple[list[Any], SessionState]:
        state, request, told, iterator = SessionState(blocks), gr.Request(session_hash="page"), [], None
        while True:
            step = await blocks.process_api(
                blocks.fns[0], [], state, request, iterator, "page", "event", in_event_listener=True
            )
            told.append(step["data"])
            iterator = step["iterator"]
            if not step["is_generating"]:
                return told, state

    told, state = in_own_loop(play())
    return told, state, parts


def changes(told: Any) -> Any:
    """Return what is sent without what changes nothing: Gradio repeats the mark of an update among an HTML's props."""
    if isinstance(told, dict):
        return {name: changes(value) for name, value in told.items() if (name, value) != ("props", gr.skip())}
    return [changes(value) for value in told] if isinstance(told, list) else told


def test_the_browser_hears_the_same() -> None:
    usual, before, _ = sent(lambda parts: {"fn": steps})
    told, after, parts = sent(lambda parts: {"fn": lean(steps, parts), **LEAN})
    assert changes(told) == changes(usual) and len(told) == 6
    assert after[parts[-1]._id] is None and list(before.state_data.values()) == [None]


def test_parts_that_stay_are_not_built_anew() -> None:
    _, state, (shown, box, button, _) = sent(lambda parts: {"fn": lean(steps, parts), **LEAN})
    assert state[shown._id] is shown and state[box._id] is box
    assert state[button._id] is not button and state[button._id].visible is True


def test_whoever_leaves_ends_the_stream() -> None:
    ended = []

    def endless() -> Iterator[tuple[Any, ...]]:
        try:
            while True:
                yield (gr.skip(),)
        finally:
            ended.append(True)

    stream = lean(endless, [gr.HTML(render=False)])()
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert ended
