import random

import numpy as np
import pytest

from t5gemma_app.benchmarks import metrics
from t5gemma_app.benchmarks.catalogue import BENCHMARKS, FORMATTERS, benchmark_named, formatter_named
from t5gemma_app.benchmarks.measures import measure, metrics_of, tally, value_of
from t5gemma_app.benchmarks.overall import OFFICIAL, PAPER, benchmark_score, official_mean, paper_mean
from t5gemma_app.benchmarks.records import MetricValue
from tests.benchmarks.samples import sample


def values(measured):
    return {metric.name: metric.value for metric in measured.metrics}


def test_the_ranked_multirc_reports_the_f1_of_correct_answers():
    """Its first choice is `yes`, so an index is not a class number."""
    benchmark, formatter = benchmark_named("multirc"), formatter_named("multirc:harness@1")
    right = [sample(0, 0, group="p/1"), sample(1, 0, group="p/1"), sample(1, 1, group="p/2"), sample(0, 0, group="p/2")]
    expected = {"f1a": 2 * 2 / (2 * 2 + 1), "em": 0.5, "accuracy": 0.75}
    assert values(measure(benchmark, formatter, right)) == pytest.approx(expected)


@pytest.mark.parametrize("version", ["harness@1", "t5@1", "head@1"])
def test_a_perfect_model_has_all_metrics_one(version: str):
    for benchmark in BENCHMARKS:
        if not benchmark.labels:
            continue
        formatter = formatter_named(version, benchmark.name)
        answers = range(len(benchmark.labels)) if formatter.method != "generate" else benchmark.labels
        samples = [sample((a,) if isinstance(a, str) else a, a, group=str(a)) for a in answers]
        assert set(values(measure(benchmark, formatter, samples)).values()) == {1.0}


def test_unscored_samples_are_counted_and_never_zeros():
    benchmark, formatter = benchmark_named("boolq"), formatter_named("boolq:harness@1")
    measured = measure(benchmark, formatter, [sample(1, 1), sample(0, None), sample(0, None)])
    assert (measured.n, measured.unscored) == (3, 2)
    assert values(measured) == {"accuracy": 1.0}
    nothing = measure(benchmark, formatter, [sample(0, None)])
    assert values(nothing) == {"accuracy": None}


def test_a_question_with_an_unscored_answer_has_no_exact_match():
    benchmark, formatter = benchmark_named("multirc"), formatter_named("multirc:t5@1")
    samples = [
        sample(("True",), "True", group="p/1"),
        sample(("True",), None, group="p/1"),
        sample(("False",), "True", group="p/2"),
    ]
    assert values(measure(benchmark, formatter, samples)) == pytest.approx({"f1a": 2 / 3, "em": 0.0, "accuracy": 0.5})


def test_a_head_answers_a_record_query_with_the_entity_it_holds_most_right():
    benchmark, formatter = benchmark_named("record"), formatter_named("record:head@1")
    samples = [
        sample(0, 0, group="p/1", scores={"right": -0.2, "f1": 0.5, "em": 0.0}),
        sample(1, 0, group="p/1", scores={"right": -3.0, "f1": 1.0, "em": 1.0}),
        sample(1, 1, group="p/2", scores={"right": -0.1, "f1": 1.0, "em": 1.0}),
    ]
    assert values(measure(benchmark, formatter, samples)) == {"f1": 0.75, "em": 0.5}


def test_counts_of_groups_add_up_to_the_metric_of_all():
    generator = random.Random(2)
    benchmark, formatter = benchmark_named("cb"), formatter_named("cb:head@1")
    samples = [
        sample(generator.randrange(3), generator.randrange(3), group=f"{generator.randrange(5)}/{number}")
        for number in range(60)
    ]
    gold, predicted = [one.gold for one in samples], [one.prediction for one in samples]
    for metric in metrics_of(benchmark):
        counts = tally(metric, formatter, samples)
        halves = [list(counts.values())[::2], list(counts.values())[1::2]]
        whole = float(metric.value(np.sum(halves[0], axis=0) + np.sum(halves[1], axis=0)))
        assert whole == pytest.approx(value_of(metric, counts.values()))
    found = values(measure(benchmark, formatter, samples))
    assert found["f1"] == pytest.approx(metrics.macro_f1(gold, predicted, 3))
    assert found["accuracy"] == pytest.approx(metrics.accuracy(gold, predicted))


def test_every_official_metric_can_be_measured():
    for benchmark in BENCHMARKS:
        assert set(benchmark.metrics) <= {metric.name for metric in metrics_of(benchmark)}
    assert len({formatter.name for formatter in FORMATTERS}) == len(FORMATTERS) == 24


def results(value: float = 0.5) -> dict[str, list[MetricValue]]:
    return {
        benchmark.name: [MetricValue(metric.name, value) for metric in metrics_of(benchmark)]
        for benchmark in BENCHMARKS
    }


def test_the_official_mean_averages_two_metrics_of_a_task_first():
    found = results(0.0)
    found["cb"] = [MetricValue("accuracy", 1.0), MetricValue("f1", 0.5)]
    found["multirc"] = [MetricValue("f1a", 0.4), MetricValue("em", 0.2), MetricValue("accuracy", 1.0)]
    assert official_mean(BENCHMARKS, found) == pytest.approx((0.75 + 0.3) / len(OFFICIAL))
    assert paper_mean(found) == pytest.approx(2 / len(PAPER))


@pytest.mark.parametrize("missing", OFFICIAL)
def test_a_missing_task_leaves_no_mean(missing: str):
    found = results()
    assert official_mean(BENCHMARKS, found) == pytest.approx(0.5)
    found[missing] = [MetricValue(metric.name, None) for metric in found[missing]]
    assert official_mean(BENCHMARKS, found) is None
    assert (paper_mean(found) is None) == (missing != "record")
    del found[missing]
    assert official_mean(BENCHMARKS, found) is None


def test_a_benchmark_whose_metric_is_missing_has_no_score():
    assert benchmark_score(benchmark_named("cb"), [MetricValue("accuracy", 1.0)]) is None
