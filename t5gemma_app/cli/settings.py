"""`settings`: every variable, its value in force and its meaning."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from t5gemma_app.cli.output import print_json, table

if TYPE_CHECKING:
    from t5gemma_app.services import Services


def add_settings(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    settings = commands.add_parser("settings", help="the variables that configure the app")
    settings.add_argument("--json", action="store_true", help="print a JSON object")
    settings.set_defaults(run=run)


def run(arguments: argparse.Namespace, services: Services) -> int:
    """Print the settings; of the token only whether there is one."""
    rows = services.settings.table()
    token = "set" if services.settings.token else "not set"
    rows.append(("HF_TOKEN", token, "read token for gated checkpoints; its value is never shown"))
    if arguments.json:
        print_json({name: {"value": value, "about": about} for name, value, about in rows})
    else:
        print(table(("variable", "value", "meaning"), rows))
        print(f"\nResults are kept in {services.data_folder.path} ({services.data_folder.reason}).")
    return 0
