import random
from dataclasses import replace

import pytest

from t5gemma_app.benchmarks.catalogue import benchmark_named, formatter_named
from t5gemma_app.benchmarks.measures import measure
from t5gemma_app.benchmarks.records import Sample
from t5gemma_app.evaluation.resampling import percentile_interval
from t5gemma_app.evaluation.results import BenchmarkResult
from t5gemma_app.evaluation.statistics import wilson
from t5gemma_app.evaluation.summary import items_digest, summarise
from tests.evaluation.makers import make_sample

CHANCE = random.Random(3)


def of(name: str, samples, seconds: float = 1.0) -> BenchmarkResult:
    return summarise(benchmark_named(name), formatter_named("harness@1", name), samples, seconds)


def judged(name: str, n: int, groups: int | None = None) -> list[Sample]:
    """Return samples with random classes, in groups such as `3/1`."""
    return [
        replace(
            make_sample(i, CHANCE.random() < 0.7, name, group=f"{i % groups}/{i % (2 * groups)}" if groups else str(i)),
            gold=CHANCE.randrange(2),
            prediction=CHANCE.randrange(2),
        )
        for i in range(n)
    ]


@pytest.mark.parametrize(("name", "groups"), [("boolq", None), ("cb", None), ("multirc", 8)])
def test_values_are_the_benchmarks_own_and_lie_in_their_intervals(name, groups) -> None:
    samples = judged(name, 60, groups)
    result = of(name, samples)
    own = measure(benchmark_named(name), formatter_named("harness@1", name), samples)
    assert [(m.name, m.value) for m in result.metrics] == [(m.name, m.value) for m in own.metrics]
    assert all(0 <= m.low < m.value < m.high <= 1 for m in result.metrics)
    assert result.clusters == (groups or 60)
    assert len(result.distribution) == 1000
    official = [m.value for m in result.metrics if m.name in benchmark_named(name).metrics]
    assert result.score == pytest.approx(sum(official) / len(official))


def test_accuracies_have_wilsons_interval() -> None:
    samples = judged("boolq", 40)
    (accuracy,) = of("boolq", samples).metrics
    assert (accuracy.low, accuracy.high) == wilson(accuracy.value * 40, 40)


def test_a_distribution_is_that_of_measuring_each_resample(monkeypatch) -> None:
    import numpy as np

    from t5gemma_app.evaluation.resampling import SEED

    samples = judged("multirc", 48, 6)
    result = of("multirc", samples)
    benchmark, formatter = benchmark_named("multirc"), formatter_named("harness@1", "multirc")
    names = sorted({sample.group.partition("/")[0] for sample in samples})
    generator = np.random.Generator(np.random.PCG64([SEED, len(names)]))
    for value in result.distribution[:25]:
        drawn = []
        for copy, place in enumerate(generator.integers(0, len(names), len(names))):
            held = [s for s in samples if s.group.partition("/")[0] == names[place]]
            drawn += [replace(sample, group=f"{copy}:{sample.group}") for sample in held]
        values = {m.name: m.value for m in measure(benchmark, formatter, drawn).metrics}
        assert value == pytest.approx((values["f1a"] + values["em"]) / 2, abs=1e-6)


def test_the_order_of_samples_changes_nothing() -> None:
    samples = judged("multirc", 40, 5)
    assert of("multirc", samples) == of("multirc", samples[::-1])


def test_unscored_samples_are_counted_and_in_no_metric() -> None:
    samples = judged("boolq", 30)
    more = [*samples, make_sample(100, None), make_sample(101, None)]
    result = of("boolq", more)
    assert (result.n, result.unscored) == (32, 2)
    assert result.metrics == of("boolq", samples).metrics
    nothing = of("boolq", [make_sample(1, None)])
    assert (nothing.score, nothing.distribution, nothing.metrics[0].value) == (None, (), None)


def test_the_same_examples_have_the_same_digest_whatever_was_predicted() -> None:
    samples = judged("boolq", 10)
    assert items_digest(samples) == items_digest([make_sample(i, None) for i in range(10)])
    assert items_digest(samples) != items_digest(samples[1:])
    assert items_digest(samples) != items_digest([replace(s, group="one") for s in samples])


def test_a_result_survives_storage() -> None:
    result = of("cb", judged("cb", 20))
    assert BenchmarkResult.from_record(result.to_record()) == result
    assert percentile_interval(result.distribution) is not None
