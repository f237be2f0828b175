import pytest

from t5gemma_app.evaluation.estimate import Kind, Outline, cost_of, seconds_of, speeds_of
from t5gemma_app.evaluation.journal import Counts
from t5gemma_app.evaluation.store import Store
from tests.evaluation.makers import add_run

SHORT = Outline("copa", "copa:harness@1", "rows@1", examples=10, tokens=200)
LONG = Outline("boolq", "boolq:harness@1", "rows@1", examples=10, tokens=2000)


def test_what_was_measured_counts_as_it_was() -> None:
    speeds = {Kind(SHORT.formatter, SHORT.data): 0.1, Kind(LONG.formatter, LONG.data): 2.0}
    assert seconds_of([SHORT, LONG], speeds) == pytest.approx(1.0 + 20.0)


def test_what_was_not_is_taken_to_be_as_fast_token_by_token() -> None:
    speeds = {Kind(SHORT.formatter, SHORT.data): 0.1}
    assert seconds_of([SHORT, LONG], speeds) == pytest.approx(1.0 + 10.0)


def test_other_rows_and_other_prompts_say_nothing() -> None:
    assert seconds_of([SHORT], {Kind(SHORT.formatter, "rows@2"): 0.1}) is None
    assert seconds_of([SHORT], {Kind("copa:t5@1", SHORT.data): 0.1}) is None


def test_a_sweep_adds_up_and_names_what_is_unknown() -> None:
    cost = cost_of([SHORT], {"fast": {Kind(SHORT.formatter, SHORT.data): 0.1}, "new": {}})
    assert (cost.examples, cost.seconds, cost.unmeasured) == (20, pytest.approx(1.0), ("new",))
    assert cost_of([SHORT], {"new": {}}).seconds is None


def test_speeds_are_averages_over_runs(tmp_path) -> None:
    store = Store(tmp_path / "results.sqlite")
    run = add_run(store)
    store.close()
    name, formatter, data = (getattr(run.spec.benchmarks[0], part) for part in ("name", "formatter", "data"))
    runs = [(run, {name: Counts(done=10, seconds=1.0)}), (run, {name: Counts(done=30, seconds=7.0)}), (run, {})]
    assert speeds_of(runs) == {Kind(formatter, data): pytest.approx(0.2)}
