"""The flags that say how answers are sampled, shared by every command that generates."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Any

from t5gemma_app.engine.types import SamplingParameters
from t5gemma_app.errors import InputError
from t5gemma_app.tasks.chat import PRESETS, preset_named

# Without effect on greedy answers.
_NEEDS_TEMPERATURE = ("top_k", "top_p", "min_p")


def add_sampling(parser: argparse.ArgumentParser) -> None:
    """Add the flags to a command."""
    group = parser.add_argument_group("sampling")
    start = group.add_mutually_exclusive_group()
    start.add_argument("--greedy", action="store_true", help="always the most probable token; this is the default")
    presets = "; ".join(f"{preset.name.lower()}: {preset.about}" for preset in PRESETS)
    start.add_argument("--preset", metavar="NAME", help=f"named values, which the flags below change ({presets})")
    group.add_argument("--temperature", type=float, metavar="T", help="0 is greedy; higher is more varied")
    group.add_argument("--top-k", type=int, metavar="K", help="keep the K most probable tokens; 0 keeps all")
    group.add_argument("--top-p", type=float, metavar="P", help="keep the tokens whose probability reaches P together")
    group.add_argument("--min-p", type=float, metavar="P", help="keep tokens at least P times as probable as the best")
    group.add_argument("--repetition-penalty", type=float, metavar="R", help="above 1 makes repeated tokens rarer")
    group.add_argument("--max-new-tokens", type=int, metavar="N", help="longest answer in tokens (default 256)")
    group.add_argument("--seed", type=int, metavar="N", help="the same seed gives the same answer (default 0)")
    group.add_argument(
        "--stop", action="append", metavar="TEXT", help="end the answer before this text; may be given several times"
    )


def parameters_from(arguments: argparse.Namespace) -> SamplingParameters:
    """Return the parameters that the flags ask for.

    Raises:
        InputError: A value is out of range, a preset is unknown, or flags contradict each other.
    """
    base = preset_named(arguments.preset).parameters if arguments.preset else SamplingParameters()
    names = ("temperature", "top_k", "top_p", "min_p", "repetition_penalty", "max_new_tokens", "seed")
    given: dict[str, Any] = {name: getattr(arguments, name) for name in names if getattr(arguments, name) is not None}
    if arguments.stop:
        given["stop"] = tuple(arguments.stop)
    parameters = replace(base, **given).checked()
    if arguments.greedy and not parameters.greedy:
        raise InputError(f"--greedy and --temperature {parameters.temperature:g} contradict each other.")
    if parameters.greedy:
        default = SamplingParameters()
        for name in _NEEDS_TEMPERATURE:
            if getattr(parameters, name) != getattr(default, name):
                flag = "--" + name.replace("_", "-")
                raise InputError(f"{flag} has no effect on greedy answers.", remedy="Add --temperature or --preset.")
    return parameters
