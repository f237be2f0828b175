"""`chat`: one prompt, streamed."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

from t5gemma_app.cli.output import print_json, say
from t5gemma_app.cli.sampling import add_sampling, parameters_from
from t5gemma_app.engine.types import Event, Finished, GenerationResult, Loading, TextDelta, Waiting
from t5gemma_app.errors import EngineError
from t5gemma_app.tasks.chat import Fitted
from t5gemma_app.tasks.turns import Turn

if TYPE_CHECKING:
    from t5gemma_app.services import Services


def add_chat(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    chat = commands.add_parser("chat", help="answer one prompt, word by word")
    chat.add_argument("--checkpoint", required=True, metavar="C", help="a name from `models list`, or a folder")
    chat.add_argument("--prompt", required=True, metavar="TEXT", help="the message; `-` reads standard input")
    chat.add_argument("--system", default="", metavar="TEXT", help="text put in front of the message")
    chat.add_argument("--json", action="store_true", help="print a JSON object once the answer is complete")
    add_sampling(chat)
    chat.set_defaults(run=run)


def run(arguments: argparse.Namespace, services: Services) -> int:
    """Answer one prompt on standard output, with what it cost on standard error."""
    parameters = parameters_from(arguments)
    prompt = sys.stdin.read() if arguments.prompt == "-" else arguments.prompt
    checkpoint = services.catalogue.resolve(arguments.checkpoint)
    if parameters.max_new_tokens > services.settings.max_new_tokens:
        say(f"The answer may have {services.settings.max_new_tokens:,} tokens (T5GEMMA_MAX_NEW_TOKENS).")
    fitted, answer = services.chat.start(checkpoint, [Turn("user", prompt)], arguments.system, parameters)
    if fitted.notice:
        say(fitted.notice)
    try:
        result = _shown(iter(answer), quiet=arguments.json)
    except (KeyboardInterrupt, BrokenPipeError):
        answer.cancel()
        raise
    if arguments.json:
        print_json(_document(result, fitted))
    else:
        say(services.chat.note(result))
    return 0


def _shown(events: Iterator[Event], quiet: bool) -> GenerationResult:
    """Print what arrives, and return the result."""
    stage = ""
    for event in events:
        if isinstance(event, TextDelta) and not quiet:
            sys.stdout.write(event.text)
            sys.stdout.flush()
        elif isinstance(event, Loading) and event.stage != stage:
            stage = event.stage
            say(f"Loading {event.checkpoint}: {stage}")
        elif isinstance(event, Waiting):
            say(f"{event.ahead} are served first.")
        elif isinstance(event, Finished):
            if not quiet:
                print()
            return event.result
    raise EngineError("The answer ended before it was finished.", remedy="Try again.")


def _document(result: GenerationResult, fitted: Fitted) -> dict[str, object]:
    return {
        "text": result.text,
        "finish_reason": result.finish_reason,
        "statistics": asdict(result.statistics),
        "prompt": {"tokens": fitted.tokens, "limit": fitted.limit, "notice": fitted.notice},
    }
