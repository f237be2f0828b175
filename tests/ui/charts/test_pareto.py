from hypothesis import given
from hypothesis import strategies as st

from t5gemma_app.ui.charts.pareto import pareto_front

POINTS = st.lists(st.tuples(st.integers(1, 8).map(float), st.integers(0, 8).map(float)), max_size=12)


def beats(a: tuple[float, float], b: tuple[float, float], less: bool) -> bool:
    cost = (a[0], b[0]) if less else (-a[0], -b[0])
    return cost[0] <= cost[1] and a[1] >= b[1] and (cost[0] < cost[1] or a[1] > b[1])


@given(POINTS, st.booleans())
def test_the_front_is_what_nothing_beats(points: list[tuple[float, float]], less: bool) -> None:
    by_definition = {i for i, b in enumerate(points) if not any(beats(a, b, less) for a in points)}
    front = pareto_front(points, less_is_better=less)
    assert set(front) == by_definition
    assert len(front) == len(by_definition)
    assert [points[i][0] for i in front] == sorted(points[i][0] for i in front)


def test_costs_and_speeds_go_opposite_ways() -> None:
    points = [(1.0, 50.0), (2.0, 40.0), (3.0, 60.0)]
    assert pareto_front(points, less_is_better=True) == (0, 2)
    assert pareto_front(points, less_is_better=False) == (2,)
