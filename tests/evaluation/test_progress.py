import pytest

from t5gemma_app.evaluation.journal import Counts
from t5gemma_app.evaluation.progress import Pace, progress_of, score_so_far
from t5gemma_app.evaluation.records import Run, RunOrder, RunState
from t5gemma_app.evaluation.statistics import wilson
from tests.evaluation.makers import make_spec

SPEC = make_spec("boolq", "cb")
RUN = Run(SPEC.run_id, SPEC, RunOrder("quick", "tiny"), RunState.RUNNING, 0.0, totals={"boolq": 10, "cb": 5})


def test_counts_become_shares_with_intervals() -> None:
    found = progress_of(RUN, {"boolq": Counts(8, 5, 1, 2.0)})
    boolq, cb = found.benchmarks
    assert (found.done, found.total, found.state) == (8, 15, RunState.RUNNING)
    assert (boolq.done, boolq.total, boolq.unscored) == (8, 10, 1)
    assert (boolq.metric.value, (boolq.metric.low, boolq.metric.high)) == (5 / 7, wilson(5, 7))
    assert (cb.done, cb.metric) == (0, None)
    assert found.examples_per_second is found.eta_seconds is None


def test_the_time_left_follows_the_tokens_not_the_number_of_examples() -> None:
    pace = Pace(left=1000)
    assert pace.eta_seconds is None
    pace.add(examples=2, tokens=400, seconds=4.0)
    pace.add(examples=8, tokens=400, seconds=4.0)
    found = progress_of(RUN, {}, pace=pace, stage="x")
    assert found.examples_per_second == 10 / 8
    assert found.eta_seconds == 2.0
    assert found.stage == "x"


def test_the_score_so_far_is_the_mean_of_what_was_answered_with_the_interval_of_independent_ones() -> None:
    assert score_so_far(progress_of(RUN, {})) is None
    one = score_so_far(progress_of(RUN, {"boolq": Counts(8, 5, 1)}))
    assert one is not None
    low, high = wilson(5, 7)
    assert (one.value, one.low, one.high) == (5 / 7, pytest.approx(low), pytest.approx(high))
    both = score_so_far(progress_of(RUN, {"boolq": Counts(8, 5, 1), "cb": Counts(4, 2)}))
    assert both is not None
    assert both.value == pytest.approx((5 / 7 + 2 / 4) / 2)
    assert (both.high - both.low) < (high - low + wilson(2, 4).high - wilson(2, 4).low) / 2
