"""The charts of the Leaderboard tab: from its rows to points, cells and bars, and the frames around the drawings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from t5gemma_app.benchmarks.catalogue import BENCHMARKS
from t5gemma_app.checkpoints.memory import in_words
from t5gemma_app.checkpoints.parameters import count_in_words
from t5gemma_app.evaluation.export import percent, tasks_of, with_interval
from t5gemma_app.evaluation.leaderboard import Row
from t5gemma_app.ui.charts.bars import SERIES, Bar, Group, bars
from t5gemma_app.ui.charts.heatmap import Cell, heatmap
from t5gemma_app.ui.charts.scatter import Axis, Point, scatter
from t5gemma_app.ui.leaderboard_table import short_id, size_order
from t5gemma_app.ui.leaderboard_view import View
from t5gemma_app.ui.markup import text

WIDE, NARROW = 680, 356
"""Every chart is drawn for a desktop and for a phone, so that its letters keep their size; one of them is shown."""


class Measure(NamedTuple):
    """What the score can be drawn over."""

    title: str
    axis: Axis
    of: Callable[[Row], float | None]


MEASURES = {
    "parameters": Measure(
        "parameters", Axis("parameters", lambda value: count_in_words(round(value))), lambda row: row.parameters
    ),
    "speed": Measure(
        "speed", Axis("examples per second", lambda value: f"{value:g}", False), lambda row: row.examples_per_second
    ),
    "memory": Measure(
        "memory", Axis("peak memory", lambda value: in_words(round(value))), lambda row: row.peak_bytes or None
    ),
}


def charts_html(rows: Sequence[Row], view: View) -> str:
    """Return the Pareto chart with its switch, the heat map beside it, and the tasks below."""
    measured = [row for row in rows if not row.published and row.score.value is not None]
    return (
        f'<div class="wb-figures"><figure class="wb-pareto">{_pareto(measured, view)}</figure>'
        f'<figure class="wb-heat">{_heat(measured)}</figure></div>'
    )


def tasks_html(rows: Sequence[Row], view: View) -> str:
    """Return the bars of every task for the chosen runs, else for the best."""
    shown = _compared([row for row in rows if not row.published and row.tasks], view)
    if not shown:
        return ""
    legend = "".join(
        f'<li><span class="wb-key wb-c-series-{i}"></span>{text(_letter(row, view, name))}</li>'
        for i, (row, name) in enumerate(zip(shown, _names(shown), strict=True))
    )
    which = "the runs that are compared" if view.a and len(shown) <= 2 else "the first rows of the table"
    groups = [_group(task, shown) for task in tasks_of(shown)]
    drawn = _twice(lambda width, ident: bars(groups, width=width, ident=ident), 1080, "bars")
    return (
        f'<figure class="wb-by-task"><figcaption><h3>Task by task</h3><p class="wb-quiet">Scores × 100 of {which}, '
        f'with 95 % intervals; the dashed line is what guessing reaches.</p></figcaption><ul class="wb-legend">{legend}'
        f"</ul>{drawn}</figure>"
    )


def _pareto(rows: Sequence[Row], view: View) -> str:
    measure = MEASURES[view.axis]
    known = [(row, value) for row in rows if (value := measure.of(row))]
    switch = "".join(
        f'<button type="button" data-board="axis:{key}" aria-pressed="{str(key == view.axis).lower()}">'
        f"{one.title}</button>"
        for key, one in MEASURES.items()
    )
    head = (
        "<figcaption><h3>What a score costs</h3>"
        f'<div class="wb-switch" role="group" aria-label="Draw the score over">{switch}</div></figcaption>'
    )
    if not known:
        return f'{head}<p class="wb-quiet">No run says its {text(measure.axis.label)}.</p>'
    points = [_point(row, value, measure, view) for row, value in known]
    drawn = _twice(
        lambda width, ident: scatter(
            points, measure.axis, width=width, height=340 if width > 500 else 300, ident=ident
        ),
        WIDE,
        "pareto",
    )
    hollow = any(not point.counted for point in points)
    note = "Nothing beats the runs on the line: whatever scores higher costs more."
    if view.axis == "speed":
        note = "Nothing beats the runs on the line: whatever scores higher is slower."
    lacking = len(rows) - len(known)
    note += " Hollow points are not ranked." if hollow else ""
    note += f" {lacking} without this figure left out." if lacking else ""
    return f'{head}{drawn}<p class="wb-quiet">{note}</p>'


def _point(row: Row, value: float, measure: Measure, view: View) -> Point:
    low, high = row.score.low, row.score.high
    ident = short_id(row)
    said = f"{row.checkpoint[:80]}: {with_interval(row.score)}, {measure.axis.words(value)} {measure.axis.label}"
    if measure.title == "memory":
        said = f"{row.checkpoint[:80]}: {with_interval(row.score)}, {measure.axis.words(value)}"
    elif measure.title == "speed":
        said = f"{row.checkpoint[:80]}: {with_interval(row.score)}, {value:.1f} examples per second"
    return Point(
        label=row.checkpoint.removeprefix("t5gemma-"),
        x=value,
        y=(row.score.value or 0.0) * 100,
        low=None if low is None else low * 100,
        high=None if high is None else high * 100,
        hint=said + (f" ({row.why_unranked})" if row.why_unranked else ""),
        action=f"pick:{ident}" if ident else "",
        counted=row.rank is not None,
        mark=_letter(row, view),
    )


def _letter(row: Row, view: View, name: str = "") -> str:
    """Return under which letter a run is compared, with its name where one is given."""
    ident = short_id(row)
    letter = "A" if ident and ident == view.a else "B" if ident and ident == view.b else ""
    return f"{letter} {name}".strip()


def _heat(rows: Sequence[Row]) -> str:
    cells: dict[tuple[str, str], Cell] = {}
    sized = [row for row in rows if row.encoder_size and row.decoder_size and row.rank is not None]
    for row in sorted(sized, key=lambda row: row.score.value or 0.0):  # the best of a combination comes last and stays
        value = (row.score.value or 0.0) * 100
        sizes = f"{row.encoder_size} encoder, {row.decoder_size} decoder"
        said = f"{sizes}: {percent(row.score.value)} ({row.checkpoint[:80]})"
        cells[row.encoder_size, row.decoder_size] = Cell(value, said, f"pick:{short_id(row)}")
    head = "<figcaption><h3>Encoder × decoder</h3></figcaption>"
    if not cells:
        return f'{head}<p class="wb-quiet">No ranked run has a known combination of sizes.</p>'
    encoders = sorted({pair[0] for pair in cells}, key=size_order)
    decoders = sorted({pair[1] for pair in cells}, key=size_order)
    drawn = _twice(lambda width, ident: heatmap(cells, encoders, decoders, width=width, ident=ident), 420, "heat")
    return f'{head}{drawn}<p class="wb-quiet">The best ranked score of each combination.</p>'


def _compared(rows: Sequence[Row], view: View) -> list[Row]:
    """Return the chosen runs in their order, else the first rows."""
    chosen = [row for wanted in (view.a, view.b) if wanted for row in rows if short_id(row) == wanted]
    return chosen if chosen else list(rows[:SERIES])


def _names(rows: Sequence[Row]) -> list[str]:
    """Return the rows' names, told apart by their number format or id where one is there twice."""
    names = [row.checkpoint[:60] for row in rows]
    return [
        name if names.count(name) == 1 else f"{name} ({row.dtype}, {short_id(row)})"
        for name, row in zip(names, rows, strict=True)
    ]


def _group(task: str, rows: Sequence[Row]) -> Group:
    known = next((one for one in BENCHMARKS if one.name == task), None)
    guess = known.random_baseline if known and known.metrics == ("accuracy",) else None
    found = []
    for series, (row, name) in enumerate(zip(rows, _names(rows), strict=True)):
        estimate = row.tasks.get(task)
        if estimate is not None and estimate.value is not None:
            ends = [None if end is None else end * 100 for end in (estimate.low, estimate.high)]
            found.append(Bar(name, series, estimate.value * 100, *ends))
    return Group(task, tuple(found), None if guess is None else guess * 100)


def _twice(draw: Callable[[float, str], str], wide: float, ident: str) -> str:
    return (
        f'<div class="wb-if-wide">{draw(wide, f"{ident}-wide")}</div>'
        f'<div class="wb-if-narrow">{draw(NARROW, f"{ident}-narrow")}</div>'
    )
