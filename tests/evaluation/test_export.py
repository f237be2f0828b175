import csv
import io
import json

import yaml
from huggingface_hub import parse_eval_result_entries

from t5gemma_app.evaluation.export import (
    percent,
    to_csv,
    to_eval_results,
    to_json,
    to_latex,
    to_markdown,
    with_interval,
)
from t5gemma_app.evaluation.leaderboard import Filter, leaderboard
from t5gemma_app.evaluation.records import MetricEstimate
from tests.evaluation.makers import make_finished, make_result

NASTY = '=HYPERLINK("http://x")|a_b\\ & 50% {#1}'
RUNS = [
    make_finished(NASTY, make_result([1.0, 0.0, 1.0, 1.0]), make_result([1.0, 0.0], "cb")),
    make_finished("plain", make_result([0.0, 0.0, 0.0, 1.0]), make_result([1.0, 0.0], "cb")),
]
ROWS = leaderboard(RUNS, Filter())
MEASURED = leaderboard(RUNS, Filter(published=False))


def test_csv_reads_back_with_shares_and_no_formula() -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv(ROWS))))
    assert len(rows) == len(ROWS)
    assert rows[0]["checkpoint"] == "'" + NASTY
    assert rows[0]["boolq"] == "0.75"
    assert 0 < float(rows[0]["score_low"]) < float(rows[0]["score"]) < float(rows[0]["score_high"]) <= 1
    assert rows[-1]["boolq"] == rows[-1]["rank"] == ""
    assert "Table 2(b)" in rows[-1]["published"]


def test_markdown_has_a_cell_for_every_column_whatever_the_names() -> None:
    lines = to_markdown(ROWS).splitlines()
    assert len(lines) == len(ROWS) + 2
    for line in lines:
        assert line.replace("\\|", "").count("|") == 9
    assert "62.5 \\[" in lines[2]
    assert "–" in lines[-1]


def test_latex_escapes_names_and_keeps_columns() -> None:
    text = to_latex(MEASURED)
    line = next(line for line in text.splitlines() if "HYPERLINK" in line)
    assert r"\&" in line and r"\{\#1\}" in line and r"a\_b" in line and r"50\%" in line
    assert line.replace(r"\&", "").count("&") == 5
    assert text.startswith(r"\begin{tabular}{rlrrrr}")


def test_json_is_json() -> None:
    document = json.loads(json.dumps(to_json(ROWS), allow_nan=False))
    assert document[0]["score"]["value"] == 0.625
    assert document[0]["tasks"]["cb"]["value"] == 0.5


def test_the_hubs_own_parser_reads_eval_results() -> None:
    entries = parse_eval_result_entries(yaml.safe_load(to_eval_results(RUNS[0])))
    assert [(entry.task_id, entry.value, entry.date) for entry in entries] == [
        ("boolq", 75.0, "1970-01-01"),
        ("cb", 50.0, "1970-01-01"),
    ]
    assert "n=4" in entries[0].notes
    assert "boolq:harness@1" in entries[0].notes
    partial = make_finished("p", make_result([1.0]), limit=1, partial=True)
    assert "partial" in yaml.safe_load(to_eval_results(partial))[0]["notes"]


def test_people_read_percent_with_one_decimal() -> None:
    assert percent(0.12345) == "12.3"
    assert percent(None) == percent(float("nan")) == "–"
    assert with_interval(MetricEstimate("score", 0.5, 0.25, 0.75)) == "50.0 [25.0, 75.0]"
    assert with_interval(MetricEstimate("score", 0.5)) == "50.0"
