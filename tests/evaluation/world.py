"""A small world to evaluate in: rows of three benchmarks, a suite, a planner and an engine without torch."""

from __future__ import annotations

import json
import os
import random
import sys
from pathlib import Path

from t5gemma_app.checkpoints.catalogue import Catalogue
from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.engine.fake import FakeEngine
from t5gemma_app.evaluation.plan import Plan
from t5gemma_app.evaluation.planner import Planner
from t5gemma_app.evaluation.records import RunOrder
from t5gemma_app.evaluation.runner import Runner
from t5gemma_app.evaluation.store import Store
from t5gemma_app.settings import Settings

ROWS = 24
SUITE = """
name: three
version: 1
about: Three benchmarks.
benchmarks:
  - {name: boolq, formatter: harness@1}
  - {name: cb, formatter: harness@1}
  - {name: multirc, formatter: harness@1}
"""


class World:
    """Files in a folder, and what works on them.

    Args:
        folder: Where everything is kept; rows and suite are written on first use.
        engine: Another engine than the fake one.
    """

    def __init__(self, folder: Path, engine: FakeEngine | None = None) -> None:
        self.folder = folder
        self.data = folder / "rows"
        self.suites = folder / "suites"
        self.file = folder / "results.sqlite"
        if not self.data.exists():
            write_rows(self.data)
            self.suites.mkdir()
            (self.suites / "three.yaml").write_text(SUITE)
            for name in ("tiny", "other"):
                write_checkpoint(folder / name)
        self.engine = engine or FakeEngine()
        checkpoints = [Checkpoint(name, "local", str(folder / name)) for name in ("tiny", "other")]
        self.planner = Planner(Catalogue(tuple(checkpoints)), self.engine, Settings(), self.suites)

    def order(self, checkpoint: str = "tiny", **options) -> RunOrder:
        return RunOrder("three", checkpoint, data_dir=str(self.data), **options)

    def store(self) -> Store:
        return Store(self.file)

    def plan(self, store: Store, checkpoint: str = "tiny", **options) -> Plan:
        return self.planner.draft(self.order(checkpoint, **options)).stored(store.runs)

    def runner(self, store: Store, **options) -> Runner:
        return Runner(self.engine, store, **{"first_tokens": 60, "batch_seconds": 0.0, **options})


def write_checkpoint(folder: Path) -> None:
    folder.mkdir()
    for name in ("model.safetensors", "config.json", "tokenizer.json"):
        (folder / name).write_text(f"{name} of {folder.name}")


def write_rows(folder: Path, rows: int = ROWS) -> None:
    """Write rows of made-up words, of lengths that vary."""
    chance = random.Random(7)

    def words(n: int) -> str:
        return " ".join(chance.choice(("stone", "river", "cloud", "lamp", "paper")) for _ in range(n))

    def long() -> str:
        return words(chance.randint(3, 40))

    boolq = [{"idx": i, "passage": long(), "question": words(4), "label": bool(i % 3)} for i in range(rows)]
    labels = ("entailment", "contradiction", "neutral")
    cb = [{"idx": i, "premise": long(), "hypothesis": words(5), "label": labels[i % 3]} for i in range(rows)]
    multirc = [
        {
            "idx": p,
            "passage": {
                "text": long(),
                "questions": [
                    {
                        "idx": 2 * p + q,
                        "question": words(3),
                        "answers": [
                            {"idx": 6 * p + 3 * q + a, "text": words(2), "label": int((a + q) % 2)} for a in range(3)
                        ],
                    }
                    for q in range(2)
                ],
            },
        }
        for p in range(rows // 6)
    ]
    for name, lines in (("BoolQ", boolq), ("CB", cb), ("MultiRC", multirc)):
        (folder / name).mkdir(parents=True)
        (folder / name / "val.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def main(folder: str, delay: str, shard: str = "0", shards: str = "1") -> None:
    """Run the suite in a process of its own, so that it can be killed."""
    world = World(Path(folder), FakeEngine(delay=float(delay)))
    store = world.store()
    world.runner(store).run(world.plan(store), int(shard), int(shards))
    store.close()


def serve() -> None:
    """Fork a process that runs `main` for each line of arguments, and print its id: the imports are done only once."""
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            main(*line.split())
            os._exit(0)
        print(pid, flush=True)
        os.waitpid(pid, 0)
        print("ended", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:]) if len(sys.argv) > 1 else serve()
