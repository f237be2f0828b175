"""Labels a long csv from the command line, kills it with -9 at random moments, resumes it, and checks every row.

python -m bench.files [--task classify] [--checkpoint HEAD] [--rows 100000] [--kills 4] [--seed 0]

Without a checkpoint it makes a very small head with random weights, whose labels mean nothing. It prints rows a second
and the most memory that a process had, beside that for a file of 1,000 rows.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import transformers

from t5gemma_app.checkpoints.catalogue import DEMO

LABELS = {"classify": ("bad", "good", "so-so"), "tag": ("O", "B-person", "I-person", "B-place", "I-place")}
ADDED = {"classify": "label", "tag": "spans"}
EMBEDDED = "t5gemma-demo-chat"
WORDS = ("ferry", "music", "was", "the", "late", "good", "river,", '"house"', "winter", "a", "Oslo", "line\nbreak")
FEW_ROWS = 1_000
LOOK_SECONDS = 0.05
EMPTY_EVERY = 1_000
"""Each so many rows one has no text, and must say so."""


@dataclass(frozen=True, slots=True)
class Trial:
    """How one file went."""

    seconds: float
    """Of all processes together, imports and loading included."""
    peak_mb: float
    """The most memory that one of them had."""
    kept: tuple[int, ...]
    """Rows that were written whenever it was killed."""


def make_head(folder: Path, task: str) -> Path:
    """Write a head with one layer and random weights, with the embedded checkpoint's tokenizer."""
    own = DEMO / EMBEDDED
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_file=str(own / "tokenizer.json"))
    stack = {
        "vocab_size": len(tokenizer),
        "hidden_size": 32,
        "intermediate_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 1,
        "num_key_value_heads": 1,
        "head_dim": 32,
        "query_pre_attn_scalar": 32,
        "max_position_embeddings": 512,
    }
    names = dict(enumerate(LABELS[task]))
    config = transformers.T5GemmaConfig(
        encoder=stack, decoder=stack, vocab_size=len(tokenizer), is_encoder_decoder=False, id2label=names,
        label2id={name: number for number, name in names.items()},
    )  # fmt: skip
    heads = {
        "classify": transformers.T5GemmaForSequenceClassification,
        "tag": transformers.T5GemmaForTokenClassification,
    }
    transformers.set_seed(0)
    heads[task](config).save_pretrained(folder)
    for path in own.glob("*token*"):
        shutil.copy(path, folder)
    return folder


def texts(rows: int, seed: int) -> Iterator[str]:
    """Yield texts of 1 to 24 words; some rows have none."""
    rng = random.Random(seed)
    for number in range(rows):
        text = " ".join(rng.choices(WORDS, k=rng.randint(1, 24)))
        yield "" if number % EMPTY_EVERY == EMPTY_EVERY - 1 else text


def write_csv(path: Path, rows: int, seed: int) -> Path:
    """Write the file that is labelled."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "text"])
        writer.writerows(enumerate(texts(rows, seed)))
    return path


def work(task: str, head: Path, source: Path, output: Path, kills: int, rng: random.Random) -> Trial:
    """Run the command, kill it so often, and resume it until it ends by itself."""
    command = [
        sys.executable, "-m", "t5gemma_app", task, "--checkpoint", str(head), "--file", str(source),
        "--output", str(output), "--resume",
    ]  # fmt: skip
    rows = sum(1 for _ in csv.reader(source.open(newline="", encoding="utf-8"))) - 1
    moments = sorted(rng.randrange(rows) for _ in range(kills))
    journal = output.with_name(f".{output.name}.work")
    begun, peak, kept = time.monotonic(), 0.0, []
    for moment in (*moments, None):
        if output.exists():
            break  # it was quicker than the kill
        pid = os.posix_spawn(sys.executable, command, os.environ)
        if moment is not None:
            _wait_for(journal, moment, pid)
            time.sleep(rng.random() / 2)  # anywhere in a chunk, or while the output is written
            os.kill(pid, signal.SIGKILL)
        _, status, usage = os.wait4(pid, 0)
        peak = max(peak, usage.ru_maxrss / 1024)  # kilobytes on Linux
        code = os.waitstatus_to_exitcode(status)
        if code not in (0, -signal.SIGKILL):
            raise SystemExit(f"The command ended with {code}: {' '.join(command)}")
        if code:
            kept.append(_written(journal))
    return Trial(time.monotonic() - begun, peak, tuple(kept))


def check(task: str, output: Path, rows: int, seed: int) -> None:
    """Refuse an output that lacks a row, has one twice or out of order, or another text than the input.

    Raises:
        SystemExit: It is so; the message names the row.
    """
    csv.field_size_limit(1 << 24)
    count = 0
    with output.open(newline="", encoding="utf-8") as stream:
        for count, (row, text) in enumerate(zip(csv.DictReader(stream), texts(rows, seed), strict=True), start=1):
            if row["id"] != str(count - 1) or row["text"] != text:
                raise SystemExit(f"Row {count - 1} is {row['id']}: {row['text']!r} in place of {text!r}.")
            if bool(text) != bool(row[ADDED[task]]) or bool(text) == bool(row["error"]):
                raise SystemExit(f"Row {count - 1} has {row[ADDED[task]]!r} and the error {row['error']!r}.")
    if count != rows:
        raise SystemExit(f"The output has {count} rows of {rows}.")


def _wait_for(journal: Path, rows: int, pid: int) -> None:
    """Wait until so many results are written or the process has ended; it stays to be waited for."""
    looking = os.WEXITED | os.WNOHANG | os.WNOWAIT
    while _written(journal) < rows and os.waitid(os.P_PID, pid, looking) is None:
        time.sleep(LOOK_SECONDS)


def _written(journal: Path) -> int:
    """Return how many results are whole."""
    found = 0
    for path in journal.glob("results-*.jsonl"):
        with path.open("rb") as stream:
            while part := stream.read(1 << 20):
                found += part.count(b"\n")
    return found


def main(words: Sequence[str] | None = None) -> int:
    """Label a short file and a long one, and print how it went."""
    parser = argparse.ArgumentParser(prog="python -m bench.files", description=__doc__)
    parser.add_argument("--task", choices=tuple(LABELS), default="classify")
    parser.add_argument("--checkpoint", type=Path, help="a folder with a head (default: a very small random one)")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(words)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        head = options.checkpoint or make_head(folder / "head", options.task)
        rng = random.Random(options.seed)
        found = {}
        for rows, kills in ((FEW_ROWS, 0), (options.rows, options.kills)):
            source = write_csv(folder / f"{rows}.csv", rows, options.seed)
            output = folder / f"{rows}-labelled.csv"
            found[rows] = work(options.task, head, source, output, kills, rng)
            check(options.task, output, rows, options.seed)
    few, many = found[FEW_ROWS], found[options.rows]
    print(json.dumps({"task": options.task, "rows": options.rows, "killed_after_rows": many.kept}))
    print("every row is there once, in order")
    print(f"{options.rows / many.seconds:,.0f} rows/s over {len(many.kept) + 1} processes, their starts included")
    print(f"peak memory {many.peak_mb:,.0f} MB; for {FEW_ROWS:,} rows {few.peak_mb:,.0f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
