"""The sampling controls and how their values become parameters.

The values arrive as a browser sent them, so each is checked here and not only by its slider.
"""

from __future__ import annotations

import math
import secrets
from dataclasses import dataclass
from typing import Any, NamedTuple

import gradio as gr

from t5gemma_app.engine.types import SamplingParameters
from t5gemma_app.errors import InputError
from t5gemma_app.tasks.chat import PRESETS, preset_named

SEEDS = 2**31


class SamplingValues(NamedTuple):
    """Values of the controls, in the order of `SamplingControls.inputs`."""

    temperature: float | None = 0.0
    max_new_tokens: float | None = 256
    seed: float | str | None = None
    """Empty draws a new one where chance plays a part."""
    top_k: float | None = 0
    top_p: float | None = 1.0
    min_p: float | None = 0.0
    repetition_penalty: float | None = 1.0
    stop: str = ""

    def parameters(self) -> SamplingParameters:
        """Return checked parameters.

        Raises:
            InputError: A value is missing, of the wrong kind or out of range.
        """
        return SamplingParameters(
            temperature=_number("temperature", self.temperature),
            top_k=_whole("top_k", self.top_k),
            top_p=_number("top_p", self.top_p),
            min_p=_number("min_p", self.min_p),
            repetition_penalty=_number("repetition_penalty", self.repetition_penalty),
            max_new_tokens=_whole("max_new_tokens", self.max_new_tokens),
            seed=seed_of(self.seed, drawn=bool(self.temperature)),
            stop=stop_strings(self.stop),
        ).checked()


def stop_strings(lines: str) -> tuple[str, ...]:
    r"""Return one stop string a line; `\n` and `\t` written out stand for line feed and tab."""
    written = [line.replace("\\n", "\n").replace("\\t", "\t") for line in str(lines or "").split("\n")]
    return tuple(line for line in written if line)


def preset_values(name: str) -> tuple[float, int, float, float, float]:
    """Return temperature, top-k, top-p, min-p and repetition penalty of a preset."""
    chosen = preset_named(name).parameters
    return chosen.temperature, chosen.top_k, chosen.top_p, chosen.min_p, chosen.repetition_penalty


def preset_about(name: str) -> str:
    """Return what a preset is for, as a sentence."""
    about = preset_named(name).about
    return about[:1].upper() + about[1:] + "."


def seed_of(value: Any, drawn: bool) -> int:
    """Return the seed that was written down; where none was, a new one, or 0 where none is to be drawn.

    Raises:
        InputError: It is no whole number.
    """
    written = str("" if value is None else value).strip()
    if not written:
        return secrets.randbelow(SEEDS) if drawn else 0
    try:
        return _whole("seed", int(written) if isinstance(value, str) else value)
    except ValueError as error:
        raise InputError(f"seed is {written[:40]!r}.", expected="It takes a whole number.") from error


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InputError(f"{name} is {value!r}.", expected="It takes a number.")
    return float(value)


def _whole(name: str, value: Any) -> int:
    number = _number(name, value)
    if number != int(number):
        raise InputError(f"{name} is {value!r}.", expected="It takes a whole number.")
    return int(number)


class Dial(NamedTuple):
    """A slider for one value."""

    label: str
    low: float
    high: float
    value: float
    step: float
    info: str | None = None


DIALS = {
    "temperature": Dial("Temperature", 0, 2, 0, 0.05),
    "top_k": Dial("Top-k", 0, 200, 0, 1, "0 keeps all."),
    "top_p": Dial("Top-p", 0.05, 1, 1, 0.01),
    "min_p": Dial("Min-p", 0, 0.5, 0, 0.01),
    "repetition_penalty": Dial("Repetition penalty", 1, 2, 1, 0.01, "1 is none."),
}
"""What a preset decides, in the order of `preset_values`."""


def dial(name: str, prefix: str = "", value: float | None = None) -> gr.Slider:
    """Place one of `DIALS`.

    Args:
        name: Which.
        prefix: Begins its id, where a page has several.
        value: Where it stands at first, if not at its neutral value.
    """
    about = DIALS[name]
    return gr.Slider(
        about.low,
        about.high,
        about.value if value is None else value,
        step=about.step,
        label=about.label,
        info=about.info,
        elem_id=prefix + name.replace("_", "-"),
        buttons=[],
    )


def length_dial(max_new_tokens: int, prefix: str = "") -> gr.Slider:
    """Place the slider for the longest answer."""
    return gr.Slider(
        1,
        max_new_tokens,
        min(256, max_new_tokens),
        step=1,
        label="Longest answer, tokens",
        elem_id=f"{prefix}max-new-tokens",
        buttons=[],
    )


def system_box(prefix: str = "") -> gr.Textbox:
    """Place the field for the system text."""
    return gr.Textbox(
        label="System text",
        info="Gemma has no system role; it is put in front of the first message.",
        lines=3,
        max_lines=8,
        elem_id=f"{prefix}system",
    )


def stop_box(prefix: str = "") -> gr.Textbox:
    """Place the field for stop strings."""
    return gr.Textbox(label="Stop strings", info="One a line.", lines=2, max_lines=6, elem_id=f"{prefix}stop-strings")


@dataclass(frozen=True, slots=True)
class SamplingControls:
    """The controls on the page."""

    preset: gr.Radio
    inputs: tuple[Any, ...]
    """In the order of `SamplingValues`."""
    system: gr.Textbox


def build_sampling_controls(max_new_tokens: int) -> SamplingControls:
    """Place the controls: the few that people use, and the rest folded away."""
    names = [preset.name for preset in PRESETS]
    preset = gr.Radio(
        names, value=names[0], label="Style", info=preset_about(names[0]), elem_id="preset", elem_classes="wb-segments"
    )
    temperature = dial("temperature")
    length = length_dial(max_new_tokens)
    seed = gr.Textbox("", label="Seed", placeholder="A new one for every answer", max_lines=1, elem_id="seed")
    with gr.Accordion("More", open=False, elem_id="more"):
        system = system_box()
        top_k, top_p, min_p, penalty = (dial(name) for name in list(DIALS)[1:])
        stop = stop_box()
    preset.input(
        lambda name: (gr.update(info=preset_about(name)), *preset_values(name)),
        preset,
        [preset, temperature, top_k, top_p, min_p, penalty],
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    )
    return SamplingControls(preset, (temperature, length, seed, top_k, top_p, min_p, penalty, stop), system)
