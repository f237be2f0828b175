"""Scores the same SuperGLUE rows with the workbench and with lm-evaluation-harness, in turn, and prints ratios.

python -m bench.scoring --checkpoint DIR --data-dir DIR --peer-python ENV/bin/python --limit 32 --repeats 3

The harness wants an environment of its own: `python -m venv ENV && ENV/bin/pip install torch "lm-eval[hf]==0.4.13"`.
Seconds leave out loading on both sides; memory is the peak of the whole process.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

TASKS = ("boolq", "cb", "copa", "multirc", "rte", "wic", "wsc")
PEER = Path(__file__).with_name("harness_peer.py")


@dataclass(frozen=True, slots=True)
class Measured:
    """One pass over all tasks."""

    seconds: dict[str, float]
    logprobs: dict[str, list[list[float]]]
    peak_bytes: int


def timed(words: list[str]) -> tuple[str, int]:
    """Run a command and return what it printed and its peak memory."""
    # A file, not a pipe: the process must never wait for its reader while it is measured.
    with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
        process = subprocess.Popen(words, stdout=output, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read()
    if process.returncode:
        raise SystemExit(f"{' '.join(words)} ended with {process.returncode}; run it alone to see why.")
    return text, usage.ru_maxrss * 1024


def ours(options: argparse.Namespace, scratch: Path) -> Measured:
    """Score through the command that people use."""
    samples = scratch / "samples.jsonl"
    store = scratch / "runs.sqlite"
    for old in (samples, *scratch.glob("runs.sqlite*")):
        old.unlink(missing_ok=True)
    suite = scratch / "suite.yaml"
    benchmarks = [{"name": task, "formatter": "harness@1", "split": "val"} for task in options.tasks]
    suite.write_text(
        json.dumps({"name": "bench", "version": 1, "about": "bench", "partial": True, "benchmarks": benchmarks})
    )
    words = [sys.executable, "-m", "t5gemma_app", "evaluate", "--checkpoint", options.checkpoint]
    words += ["--suite", str(suite), "--data-dir", str(options.data_dir), "--limit", str(options.limit)]
    words += ["--store", str(store), "--samples", str(samples), "--json"]
    text, peak = timed(words)
    logprobs: dict[str, list[list[float]]] = {task: [] for task in options.tasks}
    for line in samples.read_text(encoding="utf-8").splitlines():
        sample = json.loads(line)
        logprobs[sample["benchmark"]].append([choice["logprob"] for choice in sample["choices"]])
    seconds = {part["name"]: part["seconds"] for part in json.loads(text)["benchmarks"]}
    return Measured(seconds, logprobs, peak)


def harness(options: argparse.Namespace) -> Measured:
    """Score with the peer, in its own environment."""
    words = [options.peer_python, str(PEER), options.checkpoint, str(options.data_dir)]
    words += [
        "--tasks",
        ",".join(options.tasks),
        "--limit",
        str(options.limit),
        "--batch-size",
        str(options.batch_size),
    ]
    text, peak = timed(words)
    report: dict[str, Any] = json.loads(text.splitlines()[-1])
    return Measured(
        {task: values["seconds"] for task, values in report.items()},
        {task: values["logprobs"] for task, values in report.items()},
        peak,
    )


def agreement(mine: Measured, peer: Measured) -> dict[str, dict[str, float]]:
    """Return, for each task, the rows, the largest difference of a log-probability and how many predictions differ."""
    found = {}
    for task, rows in mine.logprobs.items():
        pairs = list(zip(rows, peer.logprobs[task], strict=True))
        found[task] = {
            "rows": len(pairs),
            "largest_difference": max(abs(a - b) for one, two in pairs for a, b in zip(one, two, strict=True)),
            "different_predictions": sum(one.index(max(one)) != two.index(max(two)) for one, two in pairs),
        }
    return found


def main() -> int:
    """Measure both in turn and print medians, ratios and agreement."""
    parser = argparse.ArgumentParser(prog="python -m bench.scoring", description=__doc__)
    parser.add_argument("--checkpoint", required=True, help="a folder in transformers' layout")
    parser.add_argument("--data-dir", type=Path, required=True, help="official SuperGLUE folders")
    parser.add_argument("--peer-python", required=True, help="the Python of the harness's environment")
    parser.add_argument("--tasks", type=lambda text: text.split(","), default=list(TASKS))
    parser.add_argument("--limit", type=int, default=32, help="rows a task, counted after flattening")
    parser.add_argument("--batch-size", type=int, default=16, help="the harness's")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    passes: list[tuple[Measured, Measured]] = []
    with tempfile.TemporaryDirectory() as scratch:
        for number in range(options.repeats):
            passes.append((ours(options, Path(scratch)), harness(options)))
            print(f"pass {number + 1} of {options.repeats} done", file=sys.stderr)
    agreed = agreement(*passes[-1])
    report = {
        "tasks": {
            task: {
                "ours_seconds": median(mine.seconds[task] for mine, _ in passes),
                "harness_seconds": median(peer.seconds[task] for _, peer in passes),
                **agreed[task],
            }
            for task in options.tasks
        },
        "ratios": [sum(peer.seconds.values()) / sum(mine.seconds.values()) for mine, peer in passes],
        "ours_peak_bytes": max(mine.peak_bytes for mine, _ in passes),
        "harness_peak_bytes": max(peer.peak_bytes for _, peer in passes),
    }
    print(json.dumps(report) if options.json else table(report))
    return 0


def table(report: dict[str, Any]) -> str:
    """Write the report in columns."""
    lines = [
        f"{'task':8} {'rows':>5} {'ours s':>8} {'harness s':>10} {'ratio':>6} {'max |dlogp|':>12}  other predictions"
    ]
    for task, t in report["tasks"].items():
        lines.append(
            f"{task:8} {t['rows']:>5} {t['ours_seconds']:>8.2f} {t['harness_seconds']:>10.2f}"
            f" {t['harness_seconds'] / t['ours_seconds']:>6.1f} {t['largest_difference']:>12.1e}"
            f"  {t['different_predictions']}"
        )
    ratios = ", ".join(f"{ratio:.1f}" for ratio in report["ratios"])
    lines.append(f"in sum: {median(report['ratios']):.1f} times faster (each pass: {ratios})")
    mine, peer = report["ours_peak_bytes"] / 1e9, report["harness_peak_bytes"] / 1e9
    lines.append(f"peak memory: ours {mine:.2f} GB, harness {peer:.2f} GB")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
