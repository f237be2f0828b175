from __future__ import annotations

import xml.etree.ElementTree as ElementTree

from t5gemma_app.ui.charts.matrix import Tile, matrix
from t5gemma_app.ui.charts.standalone import standalone

HOSTILE = '<script>alert("&")</script>'


def drawn(rows, columns, width=400.0):
    tiles = [
        [Tile(at / max(1, len(columns)), f"{at}", f"{row} {column}") for at, column in enumerate(columns)]
        for row in rows
    ]
    return matrix(tiles, rows, columns, width=width, ident="m", title="T", description="D")


def parts(svg, name):
    return [one for one in ElementTree.fromstring(svg).iter() if one.tag.endswith(name)]


def test_every_cell_has_a_colour_a_number_and_a_hint():
    found = drawn(["a", "b"], ["x", "y", "z"])
    cells = parts(found.svg, "rect")
    assert [float(cell.get("fill-opacity")) for cell in cells] == [0.04, 0.36, 0.68] * 2
    assert [cell[0].text for cell in cells][:3] == ["a x", "a y", "a z"]
    written = [one.text for one in parts(found.svg, "text")]
    assert [word for word in written if word.isdigit()] == ["0", "1", "2"] * 2
    assert found.width == 400


def test_many_columns_make_it_wider_and_leave_the_numbers_out():
    found = drawn(["a"], [f"word{at}" for at in range(100)])
    assert found.width > 1200
    assert not [one for one in parts(found.svg, "text") if (one.text or "").isdigit()]


def test_words_of_strangers_stay_words():
    found = drawn([HOSTILE], [HOSTILE])
    assert "<script" not in found.svg
    assert parts(found.svg, "rect")[0][0].text == f"{HOSTILE} {HOSTILE}"


def test_nothing_is_drawn_of_nothing():
    assert parts(drawn([], []).svg, "rect") == []


def test_a_file_is_a_whole_svg_with_its_own_colours():
    content = standalone(drawn(["a"], ["x"]).svg)
    root = ElementTree.fromstring(content.encode())
    assert root.tag == "{http://www.w3.org/2000/svg}svg" and root.get("viewBox")
    assert ".wb-c-cell { fill: #" in content and "var(--" not in content
