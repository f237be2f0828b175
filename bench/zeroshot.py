"""Labels texts without training, by the workbench and label by label through transformers, in turn, and prints ratios.

python -m bench.zeroshot CHECKPOINT [--texts 32] [--labels 5] [--words 60] [--passes 3]

Both score the same words after the same prompts; the largest difference of a log-probability is printed. Seconds leave
out loading on both sides.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import torch
import transformers

from t5gemma_app.checkpoints.folder import read_folder
from t5gemma_app.engine.local import LocalEngine
from t5gemma_app.engine.types import HeadInput
from t5gemma_app.settings import Settings
from t5gemma_app.tasks.wordings import read_wording
from t5gemma_app.tasks.zeroshot import ZeroShot

LABELS = ("sport", "politics", "science", "business", "culture", "travel", "weather", "health", "law", "food")
WORDS = (
    "the",
    "a",
    "of",
    "and",
    "to",
    "in",
    "was",
    "for",
    "on",
    "with",
    "as",
    "house",
    "river",
    "music",
    "bank",
    "winter",
)


def ours(classifier: ZeroShot, texts: list[str]) -> list[list[float]]:
    """Score through the part of the app that classifies."""
    verdicts = classifier.classify([HeadInput(text) for text in texts], urgent=True)
    return [[score.logprob for score in verdict.scores] for verdict in verdicts]  # type: ignore[union-attr]


@torch.inference_mode()
def peer(model: Any, engine: LocalEngine, classifier: ZeroShot, texts: list[str]) -> list[list[float]]:
    """Score with one forward of transformers' model for each text and label."""
    encoder = engine.encoder(classifier.checkpoint)
    rows = []
    for text in texts:
        row = []
        for label in classifier.labels:
            context = encoder.framed_ids(classifier.wording.context(text, classifier.labels))
            answer = encoder.text_ids(classifier.wording.answer(label, classifier.labels))
            logits = model(
                input_ids=torch.tensor([context]),
                attention_mask=torch.ones(1, len(context), dtype=torch.long),
                decoder_input_ids=torch.tensor([[2, *answer[:-1]]]),
            ).logits[0]
            row.append(float(torch.log_softmax(logits, -1)[range(len(answer)), answer].sum()))
        rows.append(row)
    return rows


def main() -> int:
    """Measure both in turn and print medians, ratios and agreement."""
    parser = argparse.ArgumentParser(prog="python -m bench.zeroshot", description=__doc__)
    parser.add_argument("checkpoint", type=Path, help="a folder in transformers' layout")
    parser.add_argument("--texts", type=int, default=32)
    parser.add_argument("--labels", type=int, default=5)
    parser.add_argument("--words", type=int, default=60, help="words of the longest text")
    parser.add_argument("--passes", type=int, default=3)
    options = parser.parse_args()
    rng = random.Random(0)
    texts = [
        " ".join(rng.choices(WORDS, k=rng.randint(options.words // 3, options.words))) for _ in range(options.texts)
    ]
    checkpoint = replace(read_folder(options.checkpoint), stage="pretrained")  # no turns on either side
    engine = LocalEngine(Settings(offline=True))
    list(engine.load(checkpoint))
    classifier = ZeroShot(engine, checkpoint, LABELS[: options.labels], read_wording("topic"))
    model = transformers.AutoModelForSeq2SeqLM.from_pretrained(options.checkpoint, dtype=torch.float32).eval()
    times: list[tuple[float, float]] = []
    mine: list[list[float]] = []
    theirs: list[list[float]] = []
    for _ in range(options.passes):
        begun = time.perf_counter()
        mine = ours(classifier, texts)
        between = time.perf_counter()
        theirs = peer(model, engine, classifier, texts)
        times.append((between - begun, time.perf_counter() - between))
    engine.close()
    difference = max(abs(a - b) for one, two in zip(mine, theirs, strict=True) for a, b in zip(one, two, strict=True))
    ratios = ", ".join(f"{their / my:.1f}" for my, their in times)
    print(f"{options.texts} texts, {options.labels} labels, {checkpoint.name}, {torch.get_num_threads()} threads")
    print(f"workbench {median(my for my, _ in times):.2f} s, transformers {median(t for _, t in times):.2f} s")
    print(f"{median(their / my for my, their in times):.1f} times faster (each pass: {ratios})")
    print(f"largest difference of a log-probability: {difference:.1e}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
