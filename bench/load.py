"""Simulated visitors ask a served page and check every answer against the one they got when they were alone.

python -m bench.load --url http://127.0.0.1:7860 --users 32 --minutes 10 --pid $(pgrep -f app.py)
python -m bench.load --server --users 200 --minutes 2 --json
python -m bench.load --server --evaluate --minutes 1

First every question is asked alone: its greedy answer and its time are what the crowd's are compared with. Then the
crowd asks, each visitor at its own pace, and leaves all at once in the middle of its answers; how long the server
needs until a newcomer is served as quickly as alone is measured too. With --evaluate one visitor asks without and with
an evaluation in the background.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import resource
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import httpx
import psutil

from bench.visitors import Outcome, Page, Visitor, connections, crowd, read_page

CAPITALS = ("Kenya", "France", "Japan", "Peru", "Norway", "Egypt", "Canada", "Cuba")
WORDS = ("brave", "hot", "early", "happy", "loud", "empty", "cheap", "narrow")
QUESTIONS = (
    *(f"What is {left} + {right}?" for left, right in ((17, 25), (8, 31), (44, 5), (12, 12), (60, 7), (33, 9))),
    *(f"What is the capital of {country}?" for country in CAPITALS),
    *(f'What is the opposite of "{word}"?' for word in WORDS),
    *(f"Write {word} morning to all of you in capital letters." for word in WORDS),
    *(f"The {word} key is in the garage. The lamp is in the attic. Where is the lamp?" for word in WORDS[:4]),
    "How do plants create energy?",
    "Why is the sky blue?",
)
RECOVERED = 2.0
"""A newcomer is served as if alone when it waits at most this many times what it waited alone, in the worst case."""
RECOVERY_SECONDS = 120.0
MEMORY_SECONDS = 5.0
WATCHER = "watcher"
"""The session of whoever follows the evaluation."""
MANY_ROWS = 1_000_000
"""A limit that no task reaches."""


@dataclass(slots=True)
class Tally:
    """What happened to a crowd's questions."""

    outcomes: list[tuple[str, Outcome]] = field(default_factory=list)
    alone: dict[str, str] = field(default_factory=dict)

    def report(self, seconds: float, unloaded: dict[str, float]) -> dict[str, Any]:
        """Return counts, times and rates."""
        kinds = Counter(outcome.kind for _, outcome in self.outcomes)
        answered = [(question, one) for question, one in self.outcomes if one.kind == "answered"]
        wrong = [(question, one.text) for question, one in answered if one.text != self.alone[question]]
        others = set(self.alone.values())
        times = shares([one.first for _, one in answered])
        tokens, updates = (sum(getattr(one, name) for _, one in answered) for name in ("tokens", "updates"))
        failed = Counter(one.text[:200] for _, one in self.outcomes if one.kind in ("failed", "lost", "full"))
        return {
            "requests": len(self.outcomes),
            "answered": kinds["answered"],
            "errors": kinds["failed"],
            "busy": kinds["busy"],
            "queue_full": kinds["full"],
            "lost": kinds["lost"],
            "mixed": sum(text in others for _, text in wrong),
            "wrong": sum(text not in others for _, text in wrong),
            "first_token": times,
            "first_token_p95_ratio": round(times["p95"] / unloaded["p95"], 2) if times and unloaded else None,
            "answers_per_second": round(len(answered) / seconds, 2),
            "tokens_per_second": round(tokens / seconds, 1),
            "updates_per_answer": round(updates / max(1, len(answered)), 1),
            "said": dict(failed.most_common(5)),
            "examples_of_wrong": wrong[:3],
        }


def shares(seconds: Sequence[float]) -> dict[str, float]:
    """Return the middle and the 95th of a hundred, in seconds; empty for none."""
    if not seconds:
        return {}
    ordered = sorted(seconds)
    worst = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    return {"n": len(ordered), "p50": round(median(ordered), 4), "p95": round(worst, 4), "most": round(ordered[-1], 4)}


async def ask_alone(client: httpx.AsyncClient, page: Page, alone: dict[str, str]) -> dict[str, float]:
    """Ask every question with nobody else there and return how long the first characters took."""
    visitor, times = Visitor(client, page), []
    warm = await visitor.ask(QUESTIONS[0])  # loads the checkpoint
    if warm.kind != "answered":
        raise SystemExit(f"The page gives no answer: {warm.kind}, {warm.text}")
    for question in QUESTIONS:
        outcome = await visitor.ask(question)
        if outcome.kind != "answered":
            raise SystemExit(f"{question!r} gets no answer even alone: {outcome.text}")
        if alone.setdefault(question, outcome.text) != outcome.text:
            raise SystemExit(f"{question!r} gets two different answers even alone.")
        times.append(outcome.first)
    return shares(times)


def behaviour(tally: Tally, think: float) -> Callable[[int, Visitor], Any]:
    """Return what a visitor does: think, ask, read, and begin again."""

    async def behave(number: int, visitor: Visitor) -> None:
        chance = random.Random(number)
        while True:
            await asyncio.sleep(think * chance.uniform(0.0 if not tally.outcomes else 0.5, 1.5))
            question = chance.choice(QUESTIONS)
            tally.outcomes.append((question, await visitor.ask(question)))

    return behave


async def recovery(client: httpx.AsyncClient, page: Page, worst: float) -> float | None:
    """Return the seconds until a newcomer is served as if alone, or None where that takes too long."""
    begun = time.perf_counter()
    while time.perf_counter() - begun < RECOVERY_SECONDS:
        outcome = await Visitor(client, page).ask(QUESTIONS[0])
        if outcome.kind == "answered" and outcome.first <= RECOVERED * worst:
            return round(time.perf_counter() - begun, 2)
        await asyncio.sleep(0.2)
    return None


async def watch_memory(pid: int | None, seen: list[tuple[float, float, int]]) -> None:
    """Note time, resident megabytes and threads of the server now and then."""
    if pid is None:
        return
    server, begun = psutil.Process(pid), time.perf_counter()
    while True:
        seen.append(
            (round(time.perf_counter() - begun), round(server.memory_info().rss / 1e6, 1), server.num_threads())
        )
        await asyncio.sleep(MEMORY_SECONDS)


async def load(options: argparse.Namespace) -> dict[str, Any]:
    """Measure alone, in a crowd, and after it left."""
    tally, seen = Tally(), []
    async with connections(options.url) as client:
        page = await read_page(client, options.endpoint)
        unloaded = await ask_alone(client, page, tally.alone)
        memory = asyncio.create_task(watch_memory(options.pid, seen))
        before, server = resource.getrusage(resource.RUSAGE_SELF).ru_utime, processor(options.pid)
        visitors = [Visitor(client, page) for _ in range(options.users)]
        seconds = options.minutes * 60
        await crowd(visitors, behaviour(tally, options.think), seconds)
        spent = resource.getrusage(resource.RUSAGE_SELF).ru_utime - before
        worked = processor(options.pid) - server
        back = await recovery(client, page, unloaded["p95"])
        memory.cancel()
    return {
        "endpoint": options.endpoint,
        "users": options.users,
        "minutes": options.minutes,
        "think": options.think,
        "unloaded_first_token": unloaded,
        **tally.report(seconds, unloaded),
        "recovery_seconds": back,
        "memory_mb": summary(seen),
        "server_cpu_share": round(worked / seconds, 2),
        "server_cpu_seconds_an_answer": round(worked / max(1, len(tally.outcomes)), 4),
        "generator_cpu_share": round(spent / seconds, 2),
    }


def processor(pid: int | None) -> float:
    """Return the processor seconds that the server took so far."""
    if pid is None:
        return 0.0
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def summary(seen: Sequence[tuple[float, float, int]]) -> dict[str, Any]:
    """Return the server's memory at the start, in the middle and at the end, and how it grew in the second half."""
    if len(seen) < 2:
        return {}
    half = seen[len(seen) // 2 :]
    grown = (half[-1][1] - half[0][1]) / max(1e-9, (half[-1][0] - half[0][0]) / 60)
    return {
        "start": seen[0][1],
        "middle": half[0][1],
        "end": seen[-1][1],
        "most": max(megabytes for _, megabytes, _ in seen),
        "grown_per_minute_in_second_half": round(grown, 2),
        "most_threads": max(threads for _, _, threads in seen),
    }


async def beside_evaluation(options: argparse.Namespace) -> dict[str, Any]:
    """Measure one visitor without and with an evaluation in the background."""
    found: dict[str, Any] = {"endpoint": options.endpoint, "minutes": options.minutes, "think": options.think}
    async with connections(options.url) as client:
        page = await read_page(client, options.endpoint)
        alone: dict[str, str] = {}
        await ask_alone(client, page, alone)
        for name in ("without", "with"):
            runs: list[str] = []
            if name == "with":
                runs.append(await start_run(client, options, 0))
            following = asyncio.create_task(keep_running(client, options, runs)) if runs else None
            tally = Tally(alone=alone)
            visitors = [Visitor(client, page) for _ in range(options.users)]
            await crowd(visitors, behaviour(tally, options.think), options.minutes * 60)
            found[name] = tally.report(options.minutes * 60, found.get("without", {}).get("first_token", {}))
            if following is not None:
                if following.done():
                    following.result()
                following.cancel()
                found["runs"] = [await call(client, "run_status", run) for run in runs]
                if found["runs"][-1]["state"] == "running":
                    await call(client, "run_cancel", runs[-1])
    return found


async def keep_running(client: httpx.AsyncClient, options: argparse.Namespace, runs: list[str]) -> None:
    """Begin another evaluation whenever the last one is done, so that one computes all the time."""
    while True:
        if (await call(client, "run_status", runs[-1]))["state"] != "running":
            runs.append(await start_run(client, options, len(runs)))
        await asyncio.sleep(0.5)


async def start_run(client: httpx.AsyncClient, options: argparse.Namespace, number: int) -> str:
    """Begin an evaluation and return its id once it computes.

    Args:
        client: Connections to the page.
        options: What is evaluated.
        number: How many ran before; the same order twice would be the same run, so each has another limit.
    """
    limit = (options.limit or MANY_ROWS) - number
    run = await call(client, "run_start", options.checkpoint, options.suite, limit, "", "rank")
    while (status := await call(client, "run_status", run))["state"] == "queued" or status["stage"]:
        await asyncio.sleep(0.5)
    if status["state"] != "running":
        raise SystemExit(f"The evaluation is {status['state']} before anything was measured: {status['failure']}")
    return str(run)


async def call(client: httpx.AsyncClient, name: str, *values: Any) -> Any:
    """Ask a named endpoint that answers at once, always as the same visitor.

    Gradio copies the configuration of the whole page for every new one, which stops all others for 40 ms: who watches
    the evaluation must not be what is measured.
    """
    asked = {"data": list(values), "session_hash": WATCHER}
    event = (await client.post(f"gradio_api/call/{name}", json=asked)).raise_for_status().json()
    reply = await client.get(f"gradio_api/call/{name}/{event['event_id']}")
    kind, data = reply.text.split("\n", 2)[:2]
    if not kind.endswith("complete"):
        raise SystemExit(f"/{name} failed: {data}")
    return json.loads(data.removeprefix("data: "))[0]


@contextmanager
def own_server(options: argparse.Namespace) -> Iterator[None]:
    """Serve the app on a free port for as long as the measurement takes."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options.url = f"http://127.0.0.1:{port}/"
    with tempfile.TemporaryDirectory() as folder:
        variables = {"HF_HUB_OFFLINE": "1", "T5GEMMA_PORT": str(port), "T5GEMMA_DATA_DIR": folder}
        words = [sys.executable, "-m", "t5gemma_app", "serve"]
        with subprocess.Popen(words, env={**os.environ, **variables}, stdout=subprocess.DEVNULL) as server:
            options.pid = server.pid
            while not _answers(options.url):
                if server.poll() is not None:
                    raise SystemExit("The app did not start.")
                time.sleep(0.2)
            try:
                yield
            finally:
                server.terminate()


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


def table(found: dict[str, Any], indent: str = "") -> Iterator[str]:
    """Yield a report's lines for reading."""
    for name, value in found.items():
        if isinstance(value, dict):
            yield f"{indent}{name.replace('_', ' ')}"
            yield from table(value, indent + "  ")
        else:
            yield f"{indent}{name.replace('_', ' '):<{42 - len(indent)}}{value}"


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="bench.load", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--url", default="http://127.0.0.1:7860/", help="the served page")
    parser.add_argument("--server", action="store_true", help="serve the app itself, on a free port")
    parser.add_argument("--users", type=int, help="visitors; 8, or 1 with --evaluate")
    parser.add_argument("--minutes", type=float, default=1.0, help="how long they stay")
    parser.add_argument("--think", type=float, default=5.0, help="seconds between an answer and the next question")
    parser.add_argument("--endpoint", choices=("page", "chat"), default="page", help="as a browser, or as a program")
    parser.add_argument("--pid", type=int, help="the server's process, to watch its memory")
    parser.add_argument("--evaluate", action="store_true", help="measure beside an evaluation instead")
    parser.add_argument("--checkpoint", default="t5gemma-demo-chat", help="what is evaluated")
    parser.add_argument("--suite", default="smoke")
    parser.add_argument("--limit", type=int, default=0, help="rows a task at most; 0 takes all")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    options.users = options.users or (1 if options.evaluate else 8)
    return options


def main() -> None:
    """Measure and print."""
    options = arguments()
    measure = beside_evaluation if options.evaluate else load
    if options.server:
        with own_server(options):
            found = asyncio.run(measure(options))
    else:
        found = asyncio.run(measure(options))
    print(json.dumps(found, indent=2) if options.json else "\n".join(table(found)))


if __name__ == "__main__":
    main()
