from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from t5gemma_app.tasks.windows import Place, cut_windows, deciding_places


def test_a_short_text_is_read_at_once():
    assert cut_windows(5, 8) == ((0, 5),)
    assert cut_windows(0, 8) == ((0, 0),)
    assert deciding_places(cut_windows(3, 8)) == (Place(0, 0), Place(0, 1), Place(0, 2))


def test_tokens_are_decided_in_the_middle():
    windows = cut_windows(14, 8)
    assert windows == ((0, 8), (6, 14))
    places = deciding_places(windows)
    assert places[6] == Place(0, 6)  # one token follows in the first window, none is before it in the second
    assert places[7] == Place(1, 1)
    assert places[13] == Place(1, 7)  # the end of the text is no lack of context


@given(st.integers(0, 300), st.integers(1, 40))
def test_every_token_is_decided_once_where_it_has_most_context(length, size):
    windows = cut_windows(length, size)
    places = deciding_places(windows)
    assert len(places) == length
    assert all(end - start <= size for start, end in windows)
    for token, (window, at) in enumerate(places):
        assert windows[window].start + at == token

        def context(number, token=token):
            start, end = windows[number]
            left = length if start == 0 else token - start
            return min(left, length if end == length else end - 1 - token)

        holding = [number for number, (start, end) in enumerate(windows) if start <= token < end]
        assert context(window) == max(map(context, holding))
        if len(windows) > 1 and size >= 8:
            assert context(window) >= size // 4 // 2 - 1
