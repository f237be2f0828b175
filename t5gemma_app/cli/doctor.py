"""`doctor`: the devices and the attention kernels, each compared with eager."""

from __future__ import annotations

import argparse
import math
from dataclasses import asdict
from typing import TYPE_CHECKING

from t5gemma_app.checkpoints.memory import in_words
from t5gemma_app.cli.output import print_json, say, table
from t5gemma_app.engine.types import KernelReport

if TYPE_CHECKING:
    from t5gemma_app.services import Services


def add_doctor(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    doctor = commands.add_parser("doctor", help="check devices and attention kernels")
    doctor.add_argument("--json", action="store_true", help="print a JSON object")
    doctor.set_defaults(run=run)


def run(arguments: argparse.Namespace, services: Services) -> int:
    """Check the kernels; 1 when one that is in use gives no numbers."""
    say("Comparing the attention kernels with eager; this takes a moment.")
    reports = services.doctor()
    facts = services.engine.status().facts
    if arguments.json:
        devices = [asdict(device) for device in facts.devices] if facts else []
        print_json({"devices": devices, "kernels": [asdict(report) for report in reports]})
    else:
        if facts:
            rows = [
                (device.name, device.label, in_words(device.free_bytes), in_words(device.total_bytes))
                for device in facts.devices
            ]
            print(table(("device", "hardware", "free", "memory"), rows, right=(2, 3)) + "\n")
        print(_kernel_table(reports))
    broken = [report.name for report in reports if _broken(report)]
    if broken:
        say(f"Not a number came out of {', '.join(broken)}; set T5GEMMA_ATTENTION to another.")
    return 1 if broken else 0


def _broken(report: KernelReport) -> bool:
    return report.available and not all(math.isfinite(error) for error in report.largest_error.values())


def _kernel_table(reports: tuple[KernelReport, ...]) -> str:
    cases = list(dict.fromkeys(case for report in reports for case in report.largest_error))
    rows = []
    for report in reports:
        errors = [f"{report.largest_error[case]:.1e}" if case in report.largest_error else "–" for case in cases]
        speed = f"{report.milliseconds:.1f} ms" if report.milliseconds is not None else "–"
        eager = f"{report.baseline_milliseconds:.1f} ms" if report.baseline_milliseconds is not None else "–"
        available = "yes" if report.available else "no"
        rows.append((report.name, available, report.dtype or "–", *errors, speed, eager, report.reason))
    header = ("kernel", "usable", "dtype", *(f"error, {case}" for case in cases), "speed", "eager", "reason")
    return table(header, rows, right=range(3, 5 + len(cases)))
