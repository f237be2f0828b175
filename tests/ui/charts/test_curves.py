"""Curves over steps: axes, lines and dots where the values are, and nothing that a name could break."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from t5gemma_app.ui.charts.curves import Curve, Level, curves

FALLING = Curve("rows it learns from", ((1.0, 2.0), (50.0, 1.0), (100.0, 0.5)), "wb-c-loss")


def drawn(*lines: Curve, total: int = 100, **more: object) -> str:
    svg = curves(lines, title="loss", total=total, width=520, height=190, ident="x", **more)  # type: ignore[arg-type]
    ElementTree.fromstring(svg)
    return svg


def test_lines_fall_where_values_do_and_axes_have_words() -> None:
    svg = drawn(FALLING)
    places = [tuple(map(float, pair.split())) for pair in re.findall(r'd="M([^"]+)"', svg)[0].split("L")]
    assert [x for x, _ in places] == sorted(x for x, _ in places)
    assert [y for _, y in places] == sorted(y for _, y in places)  # downwards on the screen
    for word in (">0<", ">2<", ">100<", ">step<", ">loss<", "0.500 at step 100"):
        assert word in svg


def test_dots_have_hints_and_a_level_is_drawn() -> None:
    scores = Curve("accuracy", ((10.0, 0.5), (20.0, 0.75)), "wb-c-judged", dots=True, shown="{:.1%}")
    svg = drawn(scores, level=Level("a guess", 0.4), tick=lambda value: f"{value * 100:g} %", ceiling=1.0)
    assert svg.count("<circle") == 2 and "accuracy, step 20: 75.0%" in svg
    assert "a guess: 40 %" in svg and "wb-c-guess" in svg


def test_one_value_or_none_is_no_line() -> None:
    assert "<path" not in drawn(Curve("one", ((1.0, 1.0),), "wb-c-loss")) and "<circle" in drawn(
        Curve("one", ((1.0, 1.0),), "wb-c-loss")
    )
    assert "Nothing was measured yet." in drawn(total=0)


def test_names_are_text() -> None:
    svg = drawn(Curve("<b>&", ((1.0, 1.0), (2.0, 2.0)), "wb-c-loss", dots=True))
    assert "<b>" not in svg and "&lt;b&gt;&amp;" in svg
