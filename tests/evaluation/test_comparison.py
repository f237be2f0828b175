import pytest

from t5gemma_app.evaluation.comparison import compare
from t5gemma_app.evaluation.statistics import holm, mcnemar
from tests.evaluation.makers import make_finished, make_result, make_sample


def samples(right: str, benchmark: str = "boolq", group=str):
    """Return samples from letters: `1` right, `0` wrong, `-` unscored, blank left out."""
    return [
        make_sample(i, None if letter == "-" else letter == "1", benchmark, group=group(i))
        for i, letter in enumerate(right)
        if letter != " "
    ]


def of(first: str, second: str, group=str):
    def numbers(text: str) -> list[float]:
        return [float(letter == "1") for letter in text if letter in "01"]

    def groups(text: str) -> list[str]:
        return [group(i) for i, letter in enumerate(text) if letter in "01"]

    a = make_finished("a", make_result(numbers(first), groups=groups(first)))
    b = make_finished("b", make_result(numbers(second), groups=groups(second)))
    return compare(a, b, {"boolq": samples(first, group=group)}, {"boolq": samples(second, group=group)})


def test_the_agreement_table_and_the_samples_only_one_got_right() -> None:
    (task,) = of("1100-1", "101011").tasks
    assert (task.n, task.both_right, task.both_wrong) == (5, 2, 1)
    assert task.only_first == ("1",)
    assert task.only_second == ("2",)
    assert task.difference.value == 0.0
    assert not task.significant


def test_accuracies_of_independent_samples_are_tested_exactly() -> None:
    (task,) = of("1" * 30 + "0" * 40, "1" * 10 + "0" * 60).tasks
    assert task.test == "exact McNemar test"
    assert task.difference.p == mcnemar(20, 0)
    assert task.difference.value == pytest.approx(20 / 70)
    assert task.difference.low < task.difference.value < task.difference.high
    assert task.significant
    assert task.detectable < task.difference.value


def test_samples_of_one_passage_are_drawn_together() -> None:
    (alone,) = of("1" * 12 + "01" * 10, "0" * 12 + "01" * 10).tasks
    (together,) = of("1" * 12 + "01" * 10, "0" * 12 + "01" * 10, group=lambda i: str(i // 12)).tasks
    assert alone.significant
    assert not together.significant
    assert "3 clusters" in together.test


def test_only_shared_and_scored_samples_count() -> None:
    (task,) = of("11 0-", "1 100").tasks
    assert task.n == 2
    nothing = of("1   ", "   1").tasks[0]
    assert (nothing.n, nothing.difference.p, nothing.detectable) == (0, 1.0, None)


def test_p_values_are_corrected_for_the_number_of_benchmarks() -> None:
    first, second = "1" * 9 + "0" * 20, "0" * 29
    names = ("boolq", "cb", "rte")
    results = [[make_result([float(x) for x in text], name) for name in names] for text in (first, second)]
    found = compare(
        make_finished("a", *results[0]),
        make_finished("b", *results[1]),
        {name: samples(first, name) for name in names},
        {name: samples(second, name) for name in names},
    )
    assert [task.p_adjusted for task in found.tasks] == holm([mcnemar(9, 0)] * 3)
    assert found.overall.value == pytest.approx(9 / 29)
    assert found.overall.p < found.tasks[0].difference.p  # three benchmarks show more than one
    assert found.notes == ()


def test_swapping_the_runs_turns_the_signs() -> None:
    there, back = of("110010111", "101010001"), of("101010001", "110010111")
    assert there.tasks[0].difference.value == -back.tasks[0].difference.value
    assert there.tasks[0].difference.p == back.tasks[0].difference.p
    assert there.tasks[0].only_first == back.tasks[0].only_second
    assert there.overall.low == pytest.approx(-back.overall.high)


def test_a_score_of_two_metrics_is_compared_as_such() -> None:
    (task,) = _two_metrics().tasks
    assert task.test.startswith("paired bootstrap over")
    assert task.difference.value == pytest.approx(0.5)


def _two_metrics():
    from t5gemma_app.evaluation.records import MetricEstimate

    metrics = (MetricEstimate("f1a", 0.9), MetricEstimate("em", 0.1))
    a = make_finished("a", make_result([1.0, 0.0, 1.0, 1.0], metrics=metrics))
    b = make_finished("b", make_result([0.0, 0.0, 0.0, 1.0], metrics=metrics))
    return compare(a, b, {"boolq": samples("1011")}, {"boolq": samples("0001")})


def test_what_limits_a_comparison_is_said() -> None:
    a = make_finished(
        "a", make_result([1.0, 0.0]), make_result([1.0, 0.0], "cb"), dtype="bfloat16", limit=2, partial=True
    )
    b = make_finished("b", make_result([1.0, 0.0, 1.0]))
    found = compare(a, b, {"boolq": samples("10"), "cb": samples("10", "cb")}, {"boolq": samples("101")})
    text = " ".join(found.notes)
    assert "partial" in text
    assert "Only one run has cb." in text
    assert "bfloat16 and float32" in text
    assert found.overall is None
    assert [task.name for task in found.tasks] == ["boolq"]
