"""The command line: parses, puts the parts together, and turns failures into exit codes.

0 done, 1 failed, 2 bad usage or bad input, 130 interrupted, 141 the reader of the output went away.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence

from t5gemma_app.cli.chat import add_chat
from t5gemma_app.cli.classify import add_classify
from t5gemma_app.cli.doctor import add_doctor
from t5gemma_app.cli.embed import add_embed
from t5gemma_app.cli.evaluate import add_evaluate
from t5gemma_app.cli.generate import add_generate
from t5gemma_app.cli.leaderboard import add_leaderboard
from t5gemma_app.cli.models import add_models
from t5gemma_app.cli.output import say
from t5gemma_app.cli.runs import add_runs
from t5gemma_app.cli.serve import add_serve
from t5gemma_app.cli.settings import add_settings
from t5gemma_app.cli.tag import add_tag
from t5gemma_app.cli.train import add_train
from t5gemma_app.errors import InputError, PlacementError, SettingsError, UnknownCheckpointError, WorkbenchError
from t5gemma_app.logs import configure_logging, redact
from t5gemma_app.services import Services, build_services
from t5gemma_app.settings import Settings, quiet_libraries

DONE, FAILED, BAD_INPUT, INTERRUPTED, READER_GONE = 0, 1, 2, 130, 141

_BAD_INPUT = (InputError, UnknownCheckpointError, SettingsError, PlacementError)


def main(argv: Sequence[str] | None = None, build: Callable[[Settings], Services] = build_services) -> int:
    """Run one command.

    Args:
        argv: The words after the program's name; the process's own when left out.
        build: How the parts are put together.

    Returns:
        The exit code.
    """
    try:
        arguments = parser().parse_args(argv)
    except SystemExit as leaving:  # argparse has printed the usage or the help
        return leaving.code if isinstance(leaving.code, int) else DONE
    for stream in (sys.stdout, sys.stderr):
        # A terminal that can't show a character gets a question mark, not a failure.
        getattr(stream, "reconfigure", lambda **_: None)(errors="replace")
    try:
        return _run(arguments, build)
    except WorkbenchError as error:
        say(f"Error: {redact(str(error))}")
        return BAD_INPUT if isinstance(error, _BAD_INPUT) else FAILED
    except KeyboardInterrupt:
        say("Interrupted.")
        return INTERRUPTED
    except BrokenPipeError:
        # What is still buffered must not fail again while the interpreter shuts down.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return READER_GONE


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    top = argparse.ArgumentParser(
        prog="python -m t5gemma_app",
        description="Chat with, classify with and evaluate T5Gemma checkpoints.",
        epilog="Standard output carries results, standard error words. Exit codes: 0 done, 1 failed, 2 bad input.",
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for add in (
        add_models,
        add_doctor,
        add_chat,
        add_generate,
        add_classify,
        add_tag,
        add_embed,
        add_evaluate,
        add_leaderboard,
        add_runs,
        add_train,
        add_settings,
        add_serve,
    ):
        add(commands)
    return top


def _run(arguments: argparse.Namespace, build: Callable[[Settings], Services]) -> int:
    quiet_libraries()
    settings = Settings.from_environ()
    configure_logging(settings.log_level)
    services = build(settings)
    try:
        code: int = arguments.run(arguments, services)
        sys.stdout.flush()
    finally:
        services.engine.close()
    return code
