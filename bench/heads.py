"""Scores trained heads through the app and by a plain loop over rows with transformers alone; both must agree.

python -m bench.heads HEAD=ROWS.jsonl ... [--column NAME] [--limit N]

Rows of a sequence head have `text` and `label`; those of a token head `tokens` and `tags` or `upos`. A tagger reads
each row as given words and as a text of the words joined by blanks. It prints accuracy, and entity F1 over whole spans
where labels mark them; the exit code is 1 where the app and the loop differ.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
import transformers

from t5gemma_app.checkpoints.folder import read_folder
from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.engine.local import LocalEngine
from t5gemma_app.engine.types import HeadInput
from t5gemma_app.settings import Settings
from t5gemma_app.tasks.classification import Classification, ClassifyOptions
from t5gemma_app.tasks.tagging import Tagged, Tagger, text_input, token_input
from t5gemma_app.tasks.verdicts import Verdict

TAG_COLUMNS = ("tags", "upos", "xpos")
Row = dict[str, Any]


class Chunk(NamedTuple):
    """An entity: its words and its kind."""

    first: int
    end: int
    kind: str


@dataclass(frozen=True, slots=True)
class Compared:
    """A score by each of the ways to it."""

    name: str
    rows: int
    loop: float
    app: dict[str, float]

    @property
    def equal(self) -> bool:
        """Whether the app scores what the loop does."""
        return all(score == self.loop for score in self.app.values())

    def line(self) -> str:
        """Return the scores in words."""
        ways = ", ".join(f"{way} {score:.5f}" for way, score in self.app.items())
        return f"{self.name} on {self.rows:,} rows: loop {self.loop:.5f}, {ways}: {'equal' if self.equal else 'DIFFER'}"


def compare(engine: LocalEngine, folder: Path, rows: Sequence[Row], column: str = "") -> list[Compared]:
    """Return a head's scores on rows."""
    checkpoint = read_folder(folder)
    if checkpoint.head == "sequence":
        return [compare_classes(engine, checkpoint, rows)]
    return compare_tags(engine, checkpoint, rows, column or next(name for name in TAG_COLUMNS if name in rows[0]))


def compare_classes(engine: LocalEngine, checkpoint: Checkpoint, rows: Sequence[Row]) -> Compared:
    """Return the accuracy of a sequence head."""
    labels = checkpoint.labels
    gold = [labels[row["label"]] if isinstance(row["label"], int) else str(row["label"]) for row in rows]
    classification = Classification(engine, max(len(row["text"]) for row in rows))
    classifier = classification.classifier(checkpoint, ClassifyOptions())
    verdicts = classifier.classify([HeadInput(row["text"]) for row in rows])
    app = [verdict.label if isinstance(verdict, Verdict) else "" for verdict in verdicts]
    loop = [labels[at] for at in loop_classes(Path(checkpoint.location), [row["text"] for row in rows])]
    return Compared("accuracy", len(rows), accuracy(loop, gold), {"app": accuracy(app, gold)})


def compare_tags(engine: LocalEngine, checkpoint: Checkpoint, rows: Sequence[Row], column: str) -> list[Compared]:
    """Return the accuracy over words of a token head and, where its labels mark spans, its entity F1."""
    tagger, folder = Tagger(engine), Path(checkpoint.location)
    words, gold = [row["tokens"] for row in rows], [row[column] for row in rows]
    loop = [[checkpoint.labels[at] for at in row] for row in loop_tags(folder, words)]
    given = tagger.tag(checkpoint, [token_input(row) for row in words])
    read = tagger.tag(checkpoint, [text_input(" ".join(row)) for row in words])
    app = {
        "given words": [list(one.tags) for one in given],
        "joined text": [tags_at(one, row) for one, row in zip(read, words, strict=True)],
    }
    wanted = flat(gold)
    found = [
        Compared(
            "accuracy", len(rows), accuracy(flat(loop), wanted),
            {way: accuracy(flat(tags), wanted) for way, tags in app.items()},
        )
    ]  # fmt: skip
    if tagger.labels(checkpoint).scheme == "BIO":
        entities = [chunks(tags) for tags in gold]
        spans = [entities_of(one, row) for one, row in zip(given, words, strict=True)]
        scores = {
            "given words": f1(spans, entities),
            "joined text": f1(list(map(chunks, app["joined text"])), entities),
        }
        found.append(Compared("entity F1", len(rows), f1(list(map(chunks, loop)), entities), scores))
    return found


@torch.inference_mode()
def loop_classes(folder: Path, texts: Sequence[str]) -> list[int]:
    """Return the label of each text, one forward of transformers' model a text."""
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    found = []
    for text in texts:
        ids = tokenizer(text)["input_ids"]
        # A decoder's head is read after the last token only where a row is padded.
        padding = [tokenizer.pad_token_id] if model.config.is_encoder_decoder else []
        mask = torch.tensor([[1] * len(ids) + [0] * len(padding)])
        found.append(int(model(input_ids=torch.tensor([[*ids, *padding]]), attention_mask=mask).logits[0].argmax()))
    return found


@torch.inference_mode()
def loop_tags(folder: Path, rows: Sequence[Sequence[str]]) -> list[list[int]]:
    """Return a label for each word, one forward of transformers' model a row, read at the word's first piece."""
    model = transformers.AutoModelForTokenClassification.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    found = []
    for words in rows:
        encoded = tokenizer(" ".join(words), return_offsets_mapping=True)
        ids = torch.tensor([encoded["input_ids"]])
        logits = model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[0]
        tags, at = [], 0
        for word in words:
            first = next(n for n, (start, end) in enumerate(encoded["offset_mapping"]) if start <= at < end)
            tags.append(int(logits[first].argmax()))
            at += len(word) + 1
        found.append(tags)
    return found


def tags_at(one: Tagged, words: Sequence[str]) -> list[str]:
    """Return what the app says of the pieces at which given words begin, whatever words it finds itself."""
    tags, at, number = [], 0, 0
    for word in words:
        while one.pieces[number].end <= at:
            number += 1
        tags.append(one.pieces[number].label)
        at += len(word) + 1
    return tags


def entities_of(one: Tagged, words: Sequence[str]) -> set[Chunk]:
    """Return the app's spans, counted in given words."""
    starts, ends, at = {}, {}, 0
    for number, word in enumerate(words):
        starts[at], ends[at + len(word)] = number, number + 1
        at += len(word) + 1
    return {Chunk(starts[span.start], ends[span.end], span.label) for span in one.spans}


def chunks(tags: Sequence[str]) -> set[Chunk]:
    """Return the entities of tags as the CoNLL scorer does: an inside that continues nothing begins one."""
    found: list[Chunk] = []
    for at, tag in enumerate(tags):
        mark, _, kind = tag.partition("-")
        if mark == "I" and found and found[-1].end == at and found[-1].kind == kind:
            found[-1] = found[-1]._replace(end=at + 1)
        elif mark in ("B", "I"):
            found.append(Chunk(at, at + 1, kind))
    return set(found)


def f1(found: Sequence[set[Chunk]], gold: Sequence[set[Chunk]]) -> float:
    """Return the harmonic mean of precision and recall over whole entities, all rows together."""
    hits = sum(len(one & wanted) for one, wanted in zip(found, gold, strict=True))
    count = sum(map(len, found)) + sum(map(len, gold))
    return 2 * hits / count if count else 0.0


def accuracy(found: Sequence[str], gold: Sequence[str]) -> float:
    """Return the share of equal labels."""
    return sum(one == wanted for one, wanted in zip(found, gold, strict=True)) / len(gold)


def flat(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return all rows as one."""
    return [one for row in rows for one in row]


def main(words: Sequence[str] | None = None) -> int:
    """Compare each head on its rows and print the scores."""
    parser = argparse.ArgumentParser(prog="python -m bench.heads", description=__doc__)
    parser.add_argument("pairs", nargs="+", metavar="HEAD=ROWS", help="a folder with a head, and its rows as jsonl")
    parser.add_argument("--column", default="", help="where the tags are (default: the first of tags, upos, xpos)")
    parser.add_argument("--limit", type=int, help="rows at most, the first ones")
    options = parser.parse_args(words)
    engine, equal = LocalEngine(Settings(offline=True, device="cpu", dtype="float32")), True
    for pair in options.pairs:
        folder, _, path = pair.rpartition("=")
        with Path(path).open(encoding="utf-8") as stream:
            rows = [json.loads(line) for line in stream if line.strip()][: options.limit]
        for found in compare(engine, Path(folder), rows, options.column):
            print(f"{Path(folder).name}, {path}: {found.line()}", flush=True)
            equal = equal and found.equal
    engine.close()
    return 0 if equal else 1


if __name__ == "__main__":
    sys.exit(main())
