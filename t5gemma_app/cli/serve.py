"""`serve`: the app in the browser."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from t5gemma_app.services import Services


def add_serve(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    serve = commands.add_parser("serve", help="start the app in the browser; T5GEMMA_HOST and T5GEMMA_PORT say where")
    serve.set_defaults(run=run)


def run(arguments: argparse.Namespace, services: Services) -> int:
    """Serve until interrupted."""
    from t5gemma_app.ui.app import serve  # gradio takes seconds to import, and only this command needs it

    serve(services)
    return 0
