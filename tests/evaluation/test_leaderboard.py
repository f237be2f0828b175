from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from t5gemma_app.evaluation.leaderboard import Filter, leaderboard, suites
from t5gemma_app.evaluation.published import PUBLISHED
from tests.evaluation.makers import make_finished, make_result

MEASURED = Filter(published=False)


def rights(n: int, right: int) -> list[float]:
    return [float(i < right) for i in range(n)]


def test_rows_are_ranked_by_score_and_equal_ones_tie() -> None:
    runs = [
        make_finished("low", make_result(rights(400, 120))),
        make_finished("best", make_result(rights(400, 320))),
        make_finished("close", make_result([*rights(399, 319), 1.0])),  # two samples differ
        make_finished("lowest", make_result(rights(400, 10))),
    ]
    rows = leaderboard(runs, MEASURED)
    assert [(row.checkpoint, row.rank) for row in rows] == [("best", 1), ("close", 1), ("low", 3), ("lowest", 4)]
    assert rows[0].score.value == 0.8
    assert rows[0].score.low < 0.8 < rows[0].score.high
    assert rows[0].tasks["boolq"].value == 0.8


def test_few_samples_tie_what_many_tell_apart() -> None:
    def ranks(n: int) -> list[int | None]:
        runs = [
            make_finished("a", make_result(rights(n, n * 7 // 10))),
            make_finished("b", make_result(rights(n, n * 6 // 10))),
        ]
        return [row.rank for row in leaderboard(runs, MEASURED)]

    assert ranks(10) == [1, 1]
    assert ranks(1000) == [1, 2]


def test_partial_runs_are_marked_and_never_ranked_nor_do_they_move_ranks() -> None:
    full = [make_finished("a", make_result(rights(400, 100))), make_finished("b", make_result(rights(400, 300)))]
    cut = make_finished("c", make_result(rights(50, 50)), limit=50, partial=True)
    rows = {row.checkpoint: row for row in leaderboard([*full, cut], MEASURED)}
    assert (rows["a"].rank, rows["b"].rank, rows["c"].rank) == (2, 1, None)
    assert rows["c"].partial
    assert "50 rows" in rows["c"].why_unranked
    assert "c" not in [row.checkpoint for row in leaderboard([*full, cut], Filter(partial=False))]


def test_a_suite_that_is_partial_by_itself_ranks_its_own_runs_and_marks_them() -> None:
    runs = [make_finished(name, make_result(rights(400, n)), partial=True) for name, n in (("a", 100), ("b", 300))]
    rows = leaderboard(runs, MEASURED)
    assert [(row.checkpoint, row.rank, row.partial) for row in rows] == [("b", 1, True), ("a", 2, True)]


def test_a_missing_score_leaves_the_mean_empty() -> None:
    whole = make_finished("whole", make_result(rights(9, 3)), make_result(rights(9, 3), "cb"))
    lacking = make_finished(
        "lacking",
        make_result(rights(9, 9)),
        replace(make_result([1.0], "cb"), n=0, unscored=9, score=None, metrics=(), distribution=()),
    )
    rows = {row.checkpoint: row for row in leaderboard([whole, lacking], MEASURED)}
    assert rows["whole"].rank == 1
    assert rows["lacking"].rank is None
    assert rows["lacking"].score.value is None
    assert rows["lacking"].tasks["boolq"].value == 1.0
    assert "no score" in rows["lacking"].why_unranked


def test_only_runs_over_the_same_examples_are_ranked_together() -> None:
    runs = [make_finished(name, make_result(rights(40, 20), items="rows of A")) for name in ("a", "b")]
    other = make_finished("other", make_result(rights(40, 40), items="rows of B"))
    rows = {row.checkpoint: row for row in leaderboard([*runs, other], MEASURED)}
    assert (rows["a"].rank, rows["b"].rank) == (1, 1)
    assert rows["other"].rank is None
    assert "other examples" in rows["other"].why_unranked


def test_suites_are_kept_apart_and_the_newest_is_shown() -> None:
    old = make_finished("a", make_result(rights(9, 3)))
    new = make_finished("b", make_result(rights(9, 3)), suite="full")
    new = replace(new, run=replace(new.run, finished=10.0))
    assert suites([old, new]) == ("full@1", "quick@1")
    assert [row.checkpoint for row in leaderboard([old, new], MEASURED)] == ["b"]
    for wanted in ("quick", "quick@1"):
        assert [row.checkpoint for row in leaderboard([old, new], replace(MEASURED, suite=wanted))] == ["a"]
    assert leaderboard([old, new], replace(MEASURED, suite="quick@2")) == ()
    assert leaderboard([], MEASURED) == ()


def test_published_figures_come_last_and_are_never_ranked() -> None:
    rows = leaderboard([make_finished("a", make_result(rights(9, 1)))])
    assert [row.rank for row in rows] == [1] + [None] * len(PUBLISHED)
    assert all("Table 2(b)" in row.published for row in rows[1:])


@pytest.mark.parametrize(
    ("chosen", "shown"),
    [
        (Filter(encoder_sizes=("b",)), {"tiny one", "other"}),
        (Filter(encoder_sizes=("l",)), set()),
        (Filter(search="TINY"), {"tiny one"}),
        (Filter(most_parameters=9), set()),
        (Filter(most_parameters=10), {"tiny one", "other"}),
        (Filter(dtypes=("bfloat16",)), {"other"}),
        (Filter(decoder_sizes=("s",), since=2.5), {"tiny one", "other"}),
        (Filter(since=3.5), set()),
        (Filter(objectives=("ul2",)), set()),
        (Filter(stages=("pretrained",)), set()),
        (Filter(methods=("rank",)), {"tiny one", "other"}),
        (Filter(methods=("generate",)), set()),
    ],
)
def test_filters_hide_rows_without_changing_ranks(chosen, shown) -> None:
    runs = [
        make_finished("tiny one", make_result(rights(400, 100))),
        make_finished("other", make_result(rights(400, 300)), dtype="bfloat16"),
    ]
    rows = leaderboard(runs, replace(chosen, published=False))
    assert {row.checkpoint for row in rows} == shown
    assert all(row.rank == {"other": 1, "tiny one": 2}[row.checkpoint] for row in rows)


@given(st.lists(st.integers(0, 60), min_size=1, max_size=6))
@settings(max_examples=20, deadline=None)
def test_ranks_follow_scores_whatever_the_order_of_runs(numbers) -> None:
    runs = [make_finished(f"c{i}", make_result(rights(60, right))) for i, right in enumerate(numbers)]
    rows = leaderboard(runs, MEASURED)
    assert rows == leaderboard(runs[::-1], MEASURED)
    assert [row.rank for row in rows] == sorted(row.rank for row in rows)
    assert [row.score.value for row in rows] == sorted((row.score.value for row in rows), reverse=True)
