"""Values of evaluation, made short for tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from t5gemma_app.benchmarks.records import ChoiceRecord, Sample
from t5gemma_app.evaluation.journal import Entry
from t5gemma_app.evaluation.records import BenchmarkSpec, Environment, MetricEstimate, Run, RunOrder, RunSpec, RunState
from t5gemma_app.evaluation.resampling import mean_distribution
from t5gemma_app.evaluation.results import BenchmarkResult, FinishedRun
from t5gemma_app.evaluation.statistics import wilson
from t5gemma_app.evaluation.store import Store

MOUNTED = "36 25 0:32 / / rw - ext4 /dev/sda rw\n37 36 0:99 / {} rw,nosuid - fuse.bucket bucket rw\n"


def make_spec(*benchmarks: str, **changes: Any) -> RunSpec:
    named = tuple(
        BenchmarkSpec(name, f"{name}:harness@1", "rank", "p" + name, "sha256:rows") for name in benchmarks or ("boolq",)
    )
    values = {
        "suite": "quick",
        "suite_version": "1",
        "benchmarks": named,
        "checkpoint": "tiny",
        "location": "",
        "revision": "sha256:weights",
        "dtype": "float32",
        "attention": "sdpa",
    }
    return RunSpec(**{**values, **changes})


def make_sample(number: int, right: bool | None = True, benchmark: str = "boolq", group: str = "", **scores) -> Sample:
    outcome = "unscored" if right is None else "right" if right else "wrong"
    return Sample(
        id=f"{number}",
        benchmark=benchmark,
        formatter=f"{benchmark}:harness@1",
        group=group or f"{number}",
        gold=1,
        prediction=None if right is None else int(right),
        outcome=outcome,
        choices=(ChoiceRecord(" no", -1.5, 1), ChoiceRecord(" yé\ud800s", -0.25, 2)),
        scores={} if right is None else {"accuracy": float(right), **scores},
    )


def entries(numbers, **options) -> list[Entry]:
    return [Entry(number, 0.5, make_sample(number, number % 3 > 0, **options)) for number in numbers]


def add_run(store: Store, spec: RunSpec | None = None, **totals: int) -> Run:
    spec = spec or make_spec()
    totals = totals or {benchmark.name: 10 for benchmark in spec.benchmarks}
    return store.runs.add(spec, RunOrder("quick", spec.checkpoint), totals)


def results_file(folder: Path) -> Path:
    return folder / "data" / "results.sqlite"


def make_result(
    right: Sequence[float], name: str = "boolq", groups: Sequence[str] = (), **changes: Any
) -> BenchmarkResult:
    """Return a result whose score is an accuracy over numbered samples."""
    clusters = list(groups) or [str(i) for i in range(len(right))]
    interval = wilson(sum(right), len(right))
    value = sum(right) / len(right)
    values = {
        "name": name,
        "formatter": f"{name}:harness@1",
        "n": len(right),
        "unscored": 0,
        "metrics": (MetricEstimate("accuracy", value, interval.low, interval.high),),
        "seconds": 2.0,
        "score": value,
        "items": f"{name}{len(right)}",
        "clusters": len(set(clusters)),
        "distribution": mean_distribution(right, clusters),
    }
    return BenchmarkResult(**{**values, **changes})


def make_finished(checkpoint: str, *results: BenchmarkResult, **changes: Any) -> FinishedRun:
    spec = make_spec(*(result.name for result in results), checkpoint=checkpoint, **changes)
    run = Run(
        id=spec.run_id,
        spec=spec,
        order=RunOrder("quick", checkpoint),
        state=RunState.DONE,
        created=1.0,
        started=2.0,
        finished=3.0,
        environment=Environment(encoder_size="b", decoder_size="s", parameters={"total": 10}),
    )
    return FinishedRun(run, results)
