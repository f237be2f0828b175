"""A store with made-up runs: three size combinations, ties, a partial run, a missing task, and hostile names."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from t5gemma_app.benchmarks.outcomes import ranked
from t5gemma_app.benchmarks.records import Sample
from t5gemma_app.benchmarks.suites import Planned, load_suite, prompt_hash, suite_examples
from t5gemma_app.evaluation.environment import command_line
from t5gemma_app.evaluation.journal import Entry
from t5gemma_app.evaluation.records import BenchmarkSpec, Environment, Run, RunOrder, RunSpec, RunState
from t5gemma_app.evaluation.store import Store
from t5gemma_app.evaluation.summary import summarise

HOSTILE = "<img src=x onerror=window.hit=1>"
NOTE = "cut split, few rows of 56"
FORMULA = '=HYPERLINK("http://x","y")'
SUITE = """
name: made-up
version: 1
about: Rows of made-up words.
benchmarks:
  - {name: boolq, formatter: harness@1}
  - {name: cb, formatter: harness@1}
  - {name: rte, formatter: harness@1}
  - {name: multirc, formatter: harness@1}
"""


@dataclass(frozen=True)
class Made:
    """A run to be made up."""

    name: str
    encoder: str
    decoder: str
    millions: int
    skill: float
    """Chance to be right."""
    speed: float
    gigabytes: float
    changes: tuple[tuple[str, object], ...] = ()
    limit: int | None = None
    lacks: str = ""
    """A task of which no sample gets a prediction."""
    seed: int = 0


RUNS = (
    Made("t5gemma-s-s-ul2", "s", "s", 313, 0.52, 61.0, 1.4),
    Made("t5gemma-b-b-ul2", "b", "b", 591, 0.61, 38.5, 2.5),
    Made("t5gemma-b-b-ul2-it", "b", "b", 591, 0.78, 37.9, 2.5, (("objective", "ul2"), ("dtype", "bfloat16"))),
    Made("t5gemma-b-b-ul2-it-again", "b", "b", 591, 0.78, 37.2, 2.6, seed=1),
    Made("t5gemma-l-s-prefixlm", "l", "s", 720, 0.7, 30.1, 3.0, (("objective", "prefixlm"),)),
    Made("t5gemma-l-l-ul2", "l", "l", 1240, 0.86, 14.2, 5.1),
    Made(HOSTILE, "s", "b", 450, 0.55, 45.0, 1.9),
    Made(FORMULA, "b", "s", 430, 0.5, 50.0, 1.8, lacks="cb"),
    Made("t5gemma-2b-2b-ul2", "2b", "2b", 5600, 0.9, 2.2, 22.0, limit=20),
)


def write_rows(folder: Path, rows: int) -> None:
    """Write rows of made-up words, with markup among them."""
    chance = random.Random(7)

    def words(most: int) -> str:
        return " ".join(chance.choice(("stone", "river", "cloud", "lamp", "paper", "gate")) for _ in range(most))

    labels = ("entailment", "contradiction", "neutral")
    lines = {
        "BoolQ": [
            {"idx": i, "passage": f"{words(30)} <b>bold</b> {HOSTILE}", "question": words(5), "label": bool(i % 3)}
            for i in range(rows)
        ],
        "CB": [{"idx": i, "premise": words(20), "hypothesis": words(5), "label": labels[i % 3]} for i in range(rows)],
        "RTE": [
            {"idx": i, "premise": words(20), "hypothesis": words(5), "label": ("entailment", "not_entailment")[i % 2]}
            for i in range(rows)
        ],
        "MultiRC": [
            {
                "idx": p,
                "passage": {
                    "text": words(40),
                    "questions": [
                        {
                            "idx": p,
                            "question": words(4),
                            "answers": [{"idx": 3 * p + a, "text": words(2), "label": int(a == 1)} for a in range(3)],
                        }
                    ],
                },
            }
            for p in range(rows // 3)
        ],
    }
    for name, written in lines.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "val.jsonl").write_text("".join(json.dumps(line) + "\n" for line in written))


def fill(store: Store, folder: Path, rows: int = 90, made: Sequence[Made] = RUNS) -> list[Run]:
    """Put made-up runs over made-up rows into a store; returns them in their order."""
    (folder / "made-up.yaml").write_text(SUITE)
    write_rows(folder / "rows", rows)
    return [add(store, folder, one) for one in made]


def add(store: Store, folder: Path, made: Made) -> Run:
    """Put one run into the store."""
    suite = load_suite(folder / "made-up.yaml")
    planned = list(suite_examples(suite, folder / "rows", made.limit))
    changes = dict(made.changes)
    objective = str(changes.pop("objective", "ul2"))
    spec = _spec(planned, made, changes)
    order = RunOrder(
        str(folder / "made-up.yaml"), made.name, str(folder / "rows"), limit=made.limit, splits=(("cb", NOTE),)
    )
    run = store.runs.add(spec, order, {one.plan.benchmark.name: len(one.examples) for one in planned})
    store.runs.begin(run.id)
    results = []
    for one in planned:
        samples = _samples(one, made)
        seconds = len(samples) / made.speed
        with store.leases.held(run.id) as lease:
            store.journal.append(lease, [Entry(i, seconds / len(samples), s) for i, s in enumerate(samples)])
        results.append(summarise(one.plan.benchmark, one.plan.formatter, samples, seconds))
    store.journal.save_results(run.id, results)
    store.runs.describe(
        run.id,
        Environment(
            encoder_size=made.encoder,
            decoder_size=made.decoder,
            objective=objective,
            stage="instruction-tuned" if "-it" in made.name else "pretrained",
            parameters={"total": made.millions * 1_000_000},
            device="cpu",
            command=command_line(order),
            peak_bytes=int(made.gigabytes * 1e9),
        ),
    )
    store.runs.end(run.id, RunState.DONE)
    return store.runs.get(run.id)


def _spec(planned: Sequence[Planned], made: Made, changes: dict[str, object]) -> RunSpec:
    parts = tuple(
        BenchmarkSpec(
            one.plan.benchmark.name, one.plan.formatter.name, "rank", prompt_hash(one.examples), "sha256:rows",
            limit=made.limit,
        )
        for one in planned
    )  # fmt: skip
    spec = RunSpec(
        suite="made-up",
        suite_version="1",
        benchmarks=parts,
        checkpoint=made.name,
        location="",
        revision=f"sha256:{made.seed}",
        dtype="float32",
        attention="sdpa",
        limit=made.limit,
        partial=made.limit is not None,
    )
    return replace(spec, **changes)  # type: ignore[arg-type]


def _samples(one: Planned, made: Made) -> list[Sample]:
    chance = random.Random(f"{made.skill}{made.seed}{one.plan.benchmark.name}")
    samples = []
    for number, example in enumerate(one.examples):
        right = chance.random() < made.skill
        wanted = example.gold if right else (int(example.gold) + 1) % len(example.choices)
        scores = [-1.0 - chance.random() - (0.0 if index == wanted else 1.5) for index in range(len(example.choices))]
        if made.lacks == one.plan.benchmark.name or (number == 4 and made.skill < 0.6):
            scores = [float("nan")] * len(scores)
        samples.append(ranked(example, scores, [2] * len(scores)))
    return samples
