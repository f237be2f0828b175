"""Times greedy answers by the engine beside transformers' own `generate`, each in a process of its own.

python -m bench.generation --checkpoint t5gemma-demo-chat --prompts 32 --new-tokens 64
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.engine.local import LocalEngine
from t5gemma_app.engine.types import SamplingParameters
from t5gemma_app.errors import WorkbenchError
from t5gemma_app.services import build_services
from t5gemma_app.settings import Settings
from t5gemma_app.tasks.turns import Turn, write_turns

QUESTIONS = (
    "How do plants create energy?",
    "What is the capital of Kenya?",
    "What is 17 + 25?",
    "The key is in the garage. The lamp is in the attic. Where is the key?",
)
WAYS = ("engine, one by one", "engine, together", "transformers, one by one", "transformers, together")


def questions(count: int) -> list[str]:
    """Return prompts of several lengths."""
    return [QUESTIONS[index % len(QUESTIONS)] * (1 + index % 3) for index in range(count)]


def measure(way: str, name: str, count: int, new_tokens: int) -> dict[str, Any]:
    """Answer the prompts one way; loading and one warm-up are left out of the time."""
    services = build_services(Settings.from_environ())
    checkpoint = services.catalogue.resolve(name)
    prompts = questions(count)
    library, manner = way.split(", ")
    assert isinstance(services.engine, LocalEngine)
    make = by_engine if library == "engine" else by_transformers
    answer = make(services.engine, checkpoint, new_tokens)
    groups = [prompts] if manner == "together" else [[prompt] for prompt in prompts]
    answer(prompts[:1])
    begun = time.perf_counter()
    produced = [ids for group in groups for ids in answer(group)]
    seconds = time.perf_counter() - begun
    services.engine.close()
    tokens = sum(map(len, produced))
    return {
        "way": way,
        "tokens": tokens,
        "seconds": seconds,
        "tokens_per_second": tokens / seconds,
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "ids": produced,
    }


def by_engine(
    engine: LocalEngine, checkpoint: Checkpoint, new_tokens: int
) -> Callable[[Sequence[str]], list[list[int]]]:
    """Return what answers through the app's engine."""
    parameters = SamplingParameters(max_new_tokens=new_tokens)
    for _ in engine.load(checkpoint):
        pass

    def answer(prompts: Sequence[str]) -> list[list[int]]:
        pieces = [write_turns([Turn("user", prompt)]) for prompt in prompts]
        return [list(result.token_ids) for result in engine.generate_batch(checkpoint, pieces, parameters)]

    return answer


def by_transformers(
    engine: LocalEngine, checkpoint: Checkpoint, new_tokens: int
) -> Callable[[Sequence[str]], list[list[int]]]:
    """Return what answers through transformers alone, in the engine's number format and on its device."""
    import torch
    from transformers import AutoModelForSeq2SeqLM

    placement = engine.place(checkpoint)
    encoder = engine.encoder(checkpoint)
    model = AutoModelForSeq2SeqLM.from_pretrained(checkpoint.location, dtype=getattr(torch, placement.dtype))
    model = model.to(placement.device).eval()
    ends = model.generation_config.eos_token_id
    ends = set(ends if isinstance(ends, list) else [ends])

    def answer(prompts: Sequence[str]) -> list[list[int]]:
        rows = [encoder.ids(write_turns([Turn("user", prompt)])) for prompt in prompts]
        width = max(map(len, rows))
        ids = torch.tensor([row + [0] * (width - len(row)) for row in rows], device=model.device)
        mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows], device=model.device)
        with torch.inference_mode():
            produced = model.generate(ids, attention_mask=mask, do_sample=False, max_new_tokens=new_tokens)
        return [until_end(row[1:], ends) for row in produced.tolist()]

    return answer


def until_end(ids: list[int], ends: set[int]) -> list[int]:
    """Return the ids of an answer, its end mark included, without the padding behind it."""
    for index, token in enumerate(ids):
        if token in ends:
            return ids[: index + 1]
    return ids


def main() -> int:
    """Measure every way in a process of its own, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m bench.generation", description=__doc__)
    parser.add_argument("--checkpoint", default="t5gemma-demo-chat", help="a name of the catalogue, or a folder")
    parser.add_argument("--prompts", type=int, default=16)
    parser.add_argument("--new-tokens", type=int, default=48)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    try:
        if options.way:
            print(json.dumps(measure(options.way, options.checkpoint, options.prompts, options.new_tokens)))
            return 0
        results = [apart(way, options) for way in WAYS]
    except WorkbenchError as error:
        print(error, file=sys.stderr)
        return 1
    first = results[0]["ids"]
    for result in results:
        result["same_tokens"] = result.pop("ids") == first
    print(json.dumps(results) if options.json else table(results))
    return 0


def apart(way: str, options: argparse.Namespace) -> dict[str, Any]:
    """Measure one way in a fresh process, so that memory peaks do not mix."""
    words = ["--checkpoint", options.checkpoint, "--prompts", str(options.prompts)]
    words += ["--new-tokens", str(options.new_tokens), "--way", way]
    done = subprocess.run([sys.executable, "-m", "bench.generation", *words], capture_output=True, text=True)
    if done.returncode:
        raise WorkbenchError(f"{way}: {(done.stderr.strip().splitlines() or ['no output'])[-1]}")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def table(results: Sequence[dict[str, Any]]) -> str:
    """Write the results in columns."""
    lines = [f"{'':26} {'tokens':>7} {'seconds':>8} {'tokens/s':>9} {'peak GB':>8}  same tokens"]
    for r in results:
        same = "yes" if r["same_tokens"] else "no"
        lines.append(
            f"{r['way']:26} {r['tokens']:>7} {r['seconds']:>8.2f} {r['tokens_per_second']:>9.1f}"
            f" {r['peak_bytes'] / 1e9:>8.2f}  {same}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
