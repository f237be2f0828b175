"""The drawings as XML: well-formed whatever is in them, named for those who can't see them, and complete."""

from xml.etree import ElementTree

from hypothesis import given, settings
from hypothesis import strategies as st

from t5gemma_app.ui.charts.bars import Bar, Group, bars
from t5gemma_app.ui.charts.heatmap import STRONG, Cell, colour_depth, heatmap
from t5gemma_app.ui.charts.scatter import Axis, Point, scatter
from t5gemma_app.ui.charts.svg import LETTER, shape, shortened

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "<img src=x onerror=alert(1)>\"'&"
# What XML can hold: the page is HTML, which is more lenient, but a parser has to read it here.
TEXT = st.text(st.characters(min_codepoint=32, exclude_categories=("Cs", "Cn", "Co")), max_size=40)
AXIS = Axis("parameters", lambda value: f"{value:g}")


def read(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def named(root: ElementTree.Element, tag: str) -> list[ElementTree.Element]:
    return list(root.iter(tag))


@given(st.lists(st.tuples(TEXT, st.floats(1e3, 1e12), st.floats(0, 100), st.booleans()), max_size=8))
@settings(max_examples=40, deadline=None)
def test_a_scatter_has_every_point_inside_and_escapes_names(
    values: list[tuple[str, float, float, bool]],
) -> None:
    points = [Point(name, x, y, max(0, y - 3), min(100, y + 3), hint=name, counted=c) for name, x, y, c in values]
    root = read(scatter(points, AXIS, width=360, height=300, ident="p"))
    dots = [dot for dot in named(root, "circle") if "wb-c-dot" in dot.get("class", "")]
    assert len(dots) == len(points)
    for dot in dots:
        assert 0 <= float(dot.get("cx", "-1")) <= 360
        assert 0 <= float(dot.get("cy", "-1")) <= 300
    for label in named(root, "text"):
        assert -1 <= float(label.get("x", "-9")) <= 361


def test_a_scatter_marks_the_front_and_leaves_out_what_is_not_ranked() -> None:
    points = [
        Point("small", 1e8, 50.0),
        Point("wasteful", 1e9, 40.0),
        Point("large", 2e9, 80.0),
        Point("not ranked", 1e7, 99.0, counted=False),
    ]
    root = read(scatter(points, AXIS, width=600, height=300, ident="p"))
    classes = [dot.get("class", "") for dot in named(root, "circle")]
    assert sum("wb-c-on-front" in css for css in classes) == 2
    assert sum("wb-c-hollow" in css for css in classes) == 1
    assert "small 50.0, large 80.0" in (named(root, "desc")[0].text or "")
    shown = [label.text for label in named(root, "text")]
    assert "small" in shown and "large" in shown and "wasteful" not in shown
    assert "parameters" in shown and "score × 100" in shown


def test_labels_do_not_lie_on_each_other() -> None:
    points = [Point(f"name {i}", 1e8 * (1 + i / 100), 50 + i / 10, mark="A") for i in range(60)]
    root = read(scatter(points, AXIS, width=360, height=300, ident="p"))
    boxes = []
    for label in named(root, "text"):
        if "wb-c-label" in label.get("class", ""):
            long, x, y = len(label.text or "") * LETTER, float(label.get("x", 0)), float(label.get("y", 0))
            left = x - long if label.get("text-anchor") == "end" else x
            boxes.append((left, y, left + long))
    assert 3 < len(boxes) < 60
    for i, a in enumerate(boxes):
        for b in boxes[:i]:
            assert abs(a[1] - b[1]) > 12 or a[2] <= b[0] + 0.1 or b[2] <= a[0] + 0.1


def test_a_heat_map_has_a_cell_for_every_combination() -> None:
    cells = {("s", "s"): Cell(40.0, HOSTILE), ("b", "s"): Cell(60.0, "x", "pick:1"), ("b", HOSTILE): Cell(50.0, "y")}
    root = read(heatmap(cells, ["s", "b"], ["s", HOSTILE], width=400, ident="h"))
    assert len(named(root, "rect")) == 4
    assert {"40.0", "60.0", "50.0"} <= {label.text for label in named(root, "text")}
    assert "b with s: 60.0" in (named(root, "desc")[0].text or "")
    assert [group.get("data-board") for group in named(root, "g")].count("pick:1") == 1


def test_stronger_colours_mean_larger_numbers() -> None:
    depths = [colour_depth(value, [10.0, 20.0, 30.0]) for value in (10.0, 20.0, 30.0)]
    assert depths == sorted(depths) and 0 < depths[0] < STRONG < depths[2] == 1.0
    assert colour_depth(5.0, [5.0]) == 1.0


def test_bars_are_as_long_as_their_values_and_say_what_guessing_reaches() -> None:
    groups = [
        Group("boolq", (Bar("one", 0, 100.0, 90.0, 100.0), Bar(HOSTILE, 1, 50.0)), guess=50.0),
        Group(HOSTILE, ()),
    ]
    root = read(bars(groups, width=400, ident="b"))
    long, half = [float(bar.get("width", 0)) for bar in named(root, "rect")]
    assert long == 2 * half
    assert [line.get("class") for line in named(root, "line")].count("wb-c-guess") == 1
    assert "no score" in (named(root, "desc")[0].text or "")


def test_every_drawing_is_named() -> None:
    for svg in (
        scatter([], AXIS, width=300, height=200, ident="x"),
        heatmap({}, [], [], width=300, ident="x"),
        bars([], width=300, ident="x"),
    ):
        root = read(svg)
        assert root.get("role") == "img"
        names = root.get("aria-labelledby", "").split()
        assert names == [named(root, "title")[0].get("id"), named(root, "desc")[0].get("id")]
        assert named(root, "title")[0].text and named(root, "desc")[0].text


def test_attributes_are_escaped_and_missing_ones_left_out() -> None:
    assert shape("a", css='x"y', data_board=None, x=1.5) == '<a class="x&quot;y" x="1.5"></a>'
    assert shortened("abcdef", 4) == "abc…" and shortened("abcd", 4) == "abcd"
