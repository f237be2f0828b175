"""A tab's list of checkpoints, for those who open the tab with one of them chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from t5gemma_app.checkpoints.records import Checkpoint


@dataclass(frozen=True, slots=True)
class Picker:
    """One tab's list."""

    tab: str
    """The tab's id."""
    control: gr.Dropdown
    choices: Callable[[], list[tuple[str, str]]]
    """Returns (label, name) of what the tab can use now."""

    def choosing(self, name: Any) -> Any:
        """Return the list of now with a checkpoint chosen, where it is on it."""
        choices = self.choices()
        known = name in [value for _, value in choices]
        return gr.update(choices=choices, value=name) if known else gr.update(choices=choices)


def refreshed(choices: list[tuple[str, str]], chosen: Any, opening: Checkpoint | None) -> Any:
    """Return a list of now, with the checkpoint that its tab opens with where the chosen one is gone.

    What is chosen is not sent back: somebody may have chosen another one meanwhile.
    """
    if chosen in [name for _, name in choices]:
        return gr.update(choices=choices)
    return gr.update(choices=choices, value=opening.name if opening else None)


def opened(pickers: Sequence[Picker], sent: Any) -> list[Any]:
    """Return each picker's list, and the tab that a button asks for.

    Args:
        pickers: Those of the tabs that may be asked for.
        sent: What the button sent: `tab` and, in `run`, the checkpoint's name.
    """
    wish = sent if isinstance(sent, dict) else {}
    known = wish.get("tab") in [picker.tab for picker in pickers]
    return [
        *(picker.choosing(wish.get("run")) if picker.tab == wish.get("tab") else gr.skip() for picker in pickers),
        gr.Tabs(selected=wish["tab"]) if known else gr.skip(),
    ]
