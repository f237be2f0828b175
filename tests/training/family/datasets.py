"""A data folder as the family reads it, with a few rows in every file."""

from __future__ import annotations

import shutil
from pathlib import Path

from t5gemma_app.training.family.recipe import FULL, TEXTS
from t5gemma_app.training.family.sources import EWT, OFFICIAL, QUESTIONS, SST2, TREC, WNUT
from tests.benchmarks.samples import GOLDEN
from tests.training.rows import answers, opinions, tagged, write_rows

ENTITIES = (["Ann", "is", "in", "it"], ["B-person", "O", "O", "O"]), (["the", "thing"], ["O", "O"])


def write_data(folder: Path) -> Path:
    """Write the folder."""
    for path in (*TEXTS, QUESTIONS):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        if path.endswith(".txt"):
            (folder / path).write_text("".join(f"the cat number {n} sat in the box.\n\n" for n in range(30)))
        else:
            write_rows(folder / path, answers(30))
    upos = [{"tokens": row["tokens"], "upos": row["tags"]} for row in tagged(40)]
    words = [{"tokens": tokens, "tags": tags} for tokens, tags in ENTITIES * 12]
    labels = [label for head in FULL.heads if head.name == "trec" for label, _ in head.labels]
    questions = [{"text": f"what is {n}", "label": labels[n % len(labels)]} for n in range(60)]
    for path, rows in ((EWT, upos), (WNUT, words), (SST2, opinions(40)), (TREC, questions)):
        (folder / path).mkdir(parents=True, exist_ok=True)
        write_rows(folder / path / "train.jsonl", rows)
        write_rows(folder / path / "dev.jsonl", rows[:4])
    for name, _, _ in OFFICIAL.values():
        (folder / "superglue" / name).mkdir(parents=True)
        for part in ("train", "val"):
            shutil.copyfile(GOLDEN / "rows" / name / "val.jsonl", folder / "superglue" / name / f"{part}.jsonl")
    return folder
