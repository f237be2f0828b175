"""A view as a link, there and back."""

from __future__ import annotations

from urllib.parse import parse_qs

from hypothesis import given
from hypothesis import strategies as st

from t5gemma_app.ui.leaderboard_view import (
    ANY,
    AXES,
    OPTIONAL,
    PARAMETERS,
    SHOWN,
    View,
    checked,
    from_query,
    to_query,
)

# Lone surrogates have no place in an address, and blank values are left out of one.
WORDS = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=30)
VIEWS = st.builds(
    View,
    suite=WORDS,
    search=WORDS,
    encoder=WORDS,
    decoder=WORDS,
    parameters=st.sampled_from([ANY, *PARAMETERS]),
    objective=WORDS,
    method=WORDS,
    dtype=WORDS,
    partial=st.booleans(),
    published=st.booleans(),
    columns=st.sets(st.sampled_from(list(OPTIONAL))).map(lambda chosen: tuple(c for c in OPTIONAL if c in chosen)),
    sort=WORDS,
    down=st.booleans(),
    axis=st.sampled_from(AXES),
    a=WORDS,
    b=WORDS,
    task=WORDS,
    show=st.sampled_from(list(SHOWN)),
    page=st.integers(1, 99_999),
)


@given(VIEWS)
def test_a_link_restores_its_view(view: View) -> None:
    assert from_query(to_query(view)) == view
    assert from_query("?" + to_query(view)) == view


def test_a_link_is_as_short_as_it_can_be() -> None:
    assert to_query(View()) == "tab=leaderboard"
    assert parse_qs(to_query(View(encoder="b", sort="score", down=True))) == {
        "tab": ["leaderboard"], "encoder": ["b"], "sort": ["score"], "down": ["1"],
    }  # fmt: skip


@given(st.text(max_size=300))
def test_any_query_makes_a_view(query: str) -> None:
    view = from_query(query)
    assert view.axis in AXES and view.show in SHOWN and view.page > 0
    assert set(view.columns) <= set(OPTIONAL)


def test_what_makes_no_sense_is_as_at_first() -> None:
    odd = "page=-1&axis=colour&show=everything&parameters=many&columns=x,n,__class__&partial=yes&other=1&down=2"
    assert from_query(odd) == View(columns=("n",), partial=False)
    assert from_query("&".join(f"f{i}=1" for i in range(500))) == View()
    assert len(from_query("search=" + "x" * 3000).search) < 200
    assert from_query(None) == View()
    assert checked({"page": "²", "suite": None}) == View()


def test_no_columns_can_be_wished_for_and_an_emptied_filter_lets_all_pass() -> None:
    assert checked({"columns": []}).columns == ()
    assert from_query("encoder=&columns=").filter() == View(columns=()).filter()
