"""What a stream says of the parts of the page that stay as they are.

For every output that is left alone by `gr.skip()` Gradio builds the component anew, on the one thread that serves
everybody, and a stream leaves most of the page alone with every word.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from typing import Any, cast

import gradio as gr
from gradio.blocks import Block
from gradio.data_classes import GradioRootModel

SKIP = gr.skip()
LEAN: dict[str, Any] = {"preprocess": False, "postprocess": False}
"""How an event is wired whose stream is lean.

Its values come as the browser sent them, and go as they are. Gradio would look at one after the other, each time in
another thread; on a busy server each of those turns is waited for.
"""


class Unchanged(GradioRootModel):
    """The same for the browser as `gr.skip()`, and for Gradio a value like any other."""

    root: dict[str, str]


UNCHANGED = Unchanged(root=SKIP)

Steps = Iterator[tuple[Any, ...]]


def lean(stream: Callable[..., Steps], outputs: Sequence[Block]) -> Callable[..., Steps]:
    """Return a stream that does the same with less work; its event is wired with `LEAN`.

    Args:
        stream: A generator of one value for each output; a part that stays as it is has `gr.skip()`.
        outputs: What the values are for: parts that show a text as it is, buttons, and states.
    """
    # What the server keeps itself it also skips cheaply, and would take this value for a new state.
    shown = [not isinstance(output, gr.State) for output in outputs]

    @functools.wraps(stream)
    def leaner(*inputs: Any) -> Steps:
        # Whoever leaves the stream ends the answer.
        with closing(cast(Generator[tuple[Any, ...]], stream(*inputs))) as steps:
            for step in steps:
                pairs = zip(step, shown, strict=True)
                yield tuple(UNCHANGED if is_shown and value == SKIP else value for value, is_shown in pairs)

    return leaner
