from __future__ import annotations

import base64
import re
from html import unescape

import pytest

from t5gemma_app.tasks.embedding import Near
from t5gemma_app.tasks.looking import Picture, Stretch
from t5gemma_app.ui.look_view import MOST_INLINE, look_html, look_svg, nearest_html, similarity_html, similarity_svg

HOSTILE = '<img src=x onerror=alert(1)> & "q"'


def stretch(text, at=0, mark=False, before=""):
    return Stretch(text, before, at, at + 1, mark)


def shown(source=("<bos>", "red", HOSTILE), answer=("yes", HOSTILE), rows=((0.5, 0.3, 0.2), (0.1, 0.1, 0.8))):
    return Picture(
        tuple(stretch(text, at, mark=text == "<bos>", before=" " if at > 1 else "") for at, text in enumerate(source)),
        tuple(stretch(text, at) for at, text in enumerate(answer)),
        rows,
    )


def packed(html, name):
    return base64.b64decode(re.search(f'data-{name}="([^"]*)"', html)[1])


def test_shares_and_colours_go_along_for_the_script():
    html = look_html(shown(), "sdpa")
    assert list(packed(html, "depths")) == [255, 255, 170, 32, 32, 255]
    raw = packed(html, "shares")
    assert [int.from_bytes(raw[at : at + 2], "little") for at in range(0, 12, 2)] == [
        5000,
        3000,
        2000,
        1000,
        1000,
        8000,
    ]
    assert 'data-width="3"' in html and 'data-first="0"' in html
    assert "eager attention" in html and "written with sdpa" in html
    assert "less than 100 %" not in html and "less than 100 %" in look_html(shown(), "sdpa", merged=True)


def test_words_of_strangers_stay_words():
    html = look_html(shown(), "sdpa")
    assert "<img" not in html
    source = re.search(r'<div class="wb-look-source"[^>]*>(.*?)</div>', html, re.S)[1]
    assert unescape(re.sub(r"<[^>]+>", "", source)) == f"<bos>red {HOSTILE}"
    assert html.count('class="wb-look-word"') == 2


def test_a_large_map_is_not_drawn_on_the_page_but_saved():
    wide = MOST_INLINE // 2 + 1
    big = shown(["a"] * wide, ["b", "c"], [[1 / wide] * wide] * 2)
    assert "too large for the page" in look_html(big, "sdpa")
    assert look_svg(big, "layer 1, all heads").count("<rect") == 2 * wide + 1


def test_two_lists_are_a_map_with_numbers():
    html = similarity_html(["a", HOSTILE], ["b"], [[0.5], [0.25]])
    assert "<img" not in html and "Cosines from 0.250 to 0.500" in html
    assert "0.50" in html and "wb-if-narrow" in html
    assert similarity_svg(["a", HOSTILE], ["b"], [[0.5], [0.25]]).startswith("<?xml")


@pytest.mark.parametrize(("of", "note"), [(3, "The nearest of 3 rows"), (9, "first 3 rows; the file has 9")])
def test_near_rows_are_a_table(of, note):
    html = nearest_html([Near(2, 0.75), Near(0, 0.5)], ["a", "b", HOSTILE], 3, of)
    assert "<img" not in html and note in html
    assert re.findall(r"<tr><td>(\d)</td><td>([\d.]+)</td>", html) == [("3", "0.750"), ("1", "0.500")]
