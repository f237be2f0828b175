"""Times greedy decoding beside the engines that people would use instead, each in a process of its own, in turn.

python -m bench.generation CHECKPOINT PROMPTS.jsonl --field passage --batch 1,8 --tokens 24 --out report.json

A step is (time of N tokens - time of one) / (N - 1), so that reading the prompt is left out. CTranslate2 is measured
where it is installed: `.venv/bin/pip install -r requirements-bench.txt`. Its int8 is not exact; ours is, except for the
engine `ours-int8`, whose layers are rounded to 8 bits too.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

Rows = list[list[int]]
Run = Callable[[int], Rows]

INEXACT = "ours-int8"
"""Ours with layers in 8 bits."""
ENGINES = ("ours", INEXACT, "transformers", "ct2-int8", "ct2-float32")


def prompts(options: argparse.Namespace) -> list[str]:
    """Return as many texts as the largest batch has rows."""
    lines = options.prompts.read_text(encoding="utf-8").splitlines()
    return [json.loads(line)[options.field] for line in lines[: max(options.batch)]]


def encoded(options: argparse.Namespace, count: int) -> Rows:
    """Return the ids of the first prompts, each cut to the same length."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(options.checkpoint)
    return [tokenizer(text)["input_ids"][: options.prompt_tokens] for text in prompts(options)[:count]]


def ours(options: argparse.Namespace, int8_layers: bool = False) -> Callable[[int], Run]:
    """Return what decodes in slots, as the app's answers are."""
    import torch

    from t5gemma_app.checkpoints.folder import read_folder
    from t5gemma_app.checkpoints.placement import Placement
    from t5gemma_app.engine.attention import register_attention
    from t5gemma_app.engine.buffers import keep_buffers
    from t5gemma_app.engine.decoders import SlotDecoder
    from t5gemma_app.engine.encode import TextEncoder
    from t5gemma_app.engine.loader import load_weights
    from t5gemma_app.engine.types import SamplingParameters

    keep_buffers()
    register_attention()
    folder = Path(options.checkpoint)
    loaded = load_weights(
        read_folder(folder),
        folder,
        TextEncoder.from_folder(folder),
        Placement("cpu", "float32", "sdpa"),
        options.head,
        int8_layers,
    )
    print(f"output head: {loaded.placement.reasons[0].because}", file=sys.stderr)
    decoder = loaded.lane._decoder
    assert isinstance(decoder, SlotDecoder)
    # The peers are made to go on past an end mark, and so is the engine.
    decoder.end_ids = frozenset()

    def of(size: int) -> Run:
        rows = encoded(options, size)

        def run(tokens: int) -> Rows:
            with torch.inference_mode():
                seats = decoder.join(rows, [SamplingParameters(max_new_tokens=tokens)] * len(rows))
                for _ in range(tokens):
                    decoder.step()
                for seat in seats:
                    decoder.leave(seat)
            return [seat.ids for seat in seats]

        return run

    return of


def transformers(options: argparse.Namespace) -> Callable[[int], Run]:
    """Return what decodes with transformers' own `generate`, float32, as it chooses itself."""
    import torch
    from transformers import AutoModelForSeq2SeqLM

    model = AutoModelForSeq2SeqLM.from_pretrained(options.checkpoint, dtype=torch.float32).eval()
    model.generation_config.eos_token_id = None

    def of(size: int) -> Run:
        rows = encoded(options, size)
        width = max(map(len, rows))
        ids = torch.tensor([row + [0] * (width - len(row)) for row in rows])
        mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows])

        def run(tokens: int) -> Rows:
            with torch.inference_mode():
                output = model.generate(
                    input_ids=ids, attention_mask=mask, max_new_tokens=tokens, min_new_tokens=tokens, do_sample=False
                )
            return [row[1:] for row in output.tolist()]

        return run

    return of


def ctranslate2(options: argparse.Namespace, quantization: str) -> Callable[[int], Run]:
    """Return what decodes with CTranslate2 on a converted copy of the checkpoint."""
    import ctranslate2 as library
    import torch
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(options.checkpoint)
    folder = tempfile.mkdtemp()
    converter = Path(sys.executable).with_name("ct2-transformers-converter")
    words = [str(converter), "--model", options.checkpoint, "--output_dir", folder, "--force"]
    subprocess.run([*words, "--quantization", quantization], check=True, capture_output=True)
    translator = library.Translator(folder, device="cpu", intra_threads=torch.get_num_threads())

    def of(size: int) -> Run:
        source = [tokenizer.convert_ids_to_tokens(row) for row in encoded(options, size)]

        def run(tokens: int) -> Rows:
            found = translator.translate_batch(
                source, beam_size=1, max_decoding_length=tokens, min_decoding_length=tokens, max_input_length=0
            )
            return [tokenizer.convert_tokens_to_ids(one.hypotheses[0]) for one in found]

        return run

    return of


def measured(run: Run, tokens: int) -> dict[str, Any]:
    """Return the time to the first token and of each further one."""
    run(2)
    begun = time.perf_counter()
    run(1)
    first = time.perf_counter() - begun
    begun = time.perf_counter()
    rows = run(tokens)
    step = (time.perf_counter() - begun - first) / (tokens - 1)
    return {"ttft_s": first, "step_ms": step * 1e3, "tokens_per_s": len(rows) / step, "first_row_ids": rows[0]}


def engine(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Measure one engine at every batch size, in this process."""
    if name.startswith("ct2-"):
        of = ctranslate2(options, name.removeprefix("ct2-"))
    else:
        of = transformers(options) if name == "transformers" else ours(options, name == INEXACT)
    return {f"{name}@{size}": measured(of(size), options.tokens) for size in options.batch}


def apart(name: str, words: Sequence[str]) -> dict[str, Any]:
    """Measure one engine in a fresh process."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.generation", *words, "--engine", name],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return report


def together(passes: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the medians of several passes."""
    keys = ("ttft_s", "step_ms", "tokens_per_s")
    return {
        name: {key: median(one[name][key] for one in passes) for key in keys}
        | {"first_row_ids": passes[-1][name]["first_row_ids"]}
        for name in passes[0]
    }


def table(report: dict[str, Any], passes: Sequence[dict[str, Any]]) -> str:
    """Write the medians in columns, with the engine's speed as a multiple of each peer's, pass by pass."""
    lines = [f"{'engine@rows':16} {'first token s':>13} {'ms a step':>10} {'tokens/s':>9}  ours is"]
    for name, values in report.items():
        size = name.partition("@")[2]
        ratios = [one[f"ours@{size}"]["tokens_per_s"] / one[name]["tokens_per_s"] for one in passes]
        spread = f"{median(ratios):.2f} times ({min(ratios):.2f} to {max(ratios):.2f})"
        same = values["first_row_ids"] == report[f"ours@{size}"]["first_row_ids"]
        note = "" if name.startswith("ours@") else spread + ("" if same else ", other tokens")
        lines.append(
            f"{name:16} {values['ttft_s']:>13.3f} {values['step_ms']:>10.1f} {values['tokens_per_s']:>9.1f}  {note}"
        )
    return "\n".join(lines)


def main() -> int:
    """Measure all engines in turn, `--repeats` times, and print medians and ratios."""
    parser = argparse.ArgumentParser(prog="python -m bench.generation", description=__doc__)
    parser.add_argument("checkpoint", help="a folder in transformers' layout")
    parser.add_argument("prompts", type=Path, help="a jsonl file")
    parser.add_argument("--field", default="passage", help="where a line has its text")
    parser.add_argument("--batch", type=lambda text: [int(size) for size in text.split(",")], default=[1, 8])
    parser.add_argument("--tokens", type=int, default=24)
    parser.add_argument("--prompt-tokens", type=int, default=150)
    parser.add_argument("--engines", default="ours,transformers,ct2-int8")
    parser.add_argument("--head", default="auto", choices=("auto", "on", "off"), help="the screened output head")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path, help="write the medians as JSON")
    parser.add_argument("--engine", choices=ENGINES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.engine:
        print("\n" + json.dumps(engine(options.engine, options)))
        return 0
    names = options.engines.split(",")
    if importlib.util.find_spec("ctranslate2") is None and any(name.startswith("ct2") for name in names):
        print("CTranslate2 is not installed, so it is left out.", file=sys.stderr)
        names = [name for name in names if not name.startswith("ct2")]
    passes = []
    for number in range(options.repeats):
        found: dict[str, Any] = {}
        for name in names:
            found |= apart(name, sys.argv[1:])
        passes.append(found)
        print(f"pass {number + 1} of {options.repeats} done", file=sys.stderr)
    report = together(passes)
    if options.out:
        options.out.write_text(json.dumps(report), encoding="utf-8")
    print(table(report, passes))
    return 0


if __name__ == "__main__":
    sys.exit(main())
