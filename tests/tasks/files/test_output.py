from __future__ import annotations

import csv
import datetime
import json

import pyarrow
import pyarrow.parquet
import pytest

from t5gemma_app.tasks.files.journal import Entry
from t5gemma_app.tasks.files.output import added_names, write_output
from t5gemma_app.tasks.files.table import open_table, read_rows
from t5gemma_app.tasks.files.work import ERROR, Field, RowResult

FIELDS = (Field("label"), Field("score", "number"), Field("scores", "json"))
RESULTS = [
    Entry(0, RowResult({"label": "=bad", "score": 0.75, "scores": {"=bad": 0.75, "ü": 0.25}})),
    Entry(2, RowResult(error="The text is empty.")),
]


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "in.csv"
    path.write_text('text,label\n=1+1,gold\n"a\nb",-2\n,@SUM(A1)\n', encoding="utf-8")
    return open_table(path)


def read_back(table, tmp_path, name):
    write_output(table, iter(RESULTS), FIELDS, tmp_path / name, name.split(".")[1])
    return list(read_rows(open_table(tmp_path / name)))


def test_no_column_of_the_file_is_replaced(table):
    assert added_names(table.columns, (*FIELDS, ERROR)) == {
        "label": "predicted_label",
        "score": "predicted_score",
        "scores": "predicted_scores",
        "error": "predicted_error",
    }
    assert added_names(("predicted_label", "label"), FIELDS)["score"] == "predicted_predicted_score"


@pytest.mark.parametrize("name", ["out.csv", "out.tsv"])
def test_no_cell_of_a_spreadsheet_is_a_formula(table, tmp_path, name):
    rows = read_back(table, tmp_path, name)
    assert [row["text"] for row in rows] == ["'=1+1", "a\nb", ""]
    assert [row["label"] for row in rows] == ["gold", "-2", "'@SUM(A1)"]
    assert rows[0]["predicted_label"] == "'=bad" and rows[0]["predicted_score"] == "0.75"
    assert json.loads(rows[0]["predicted_scores"]) == {"=bad": 0.75, "ü": 0.25}
    assert rows[1]["predicted_label"] == rows[1]["predicted_error"] == ""  # not there yet
    assert rows[2]["predicted_error"] == "The text is empty."


def test_jsonl_keeps_every_value(table, tmp_path):
    rows = read_back(table, tmp_path, "out.jsonl")
    assert rows[0] == {
        "text": "=1+1",
        "label": "gold",
        "predicted_label": "=bad",
        "predicted_score": 0.75,
        "predicted_scores": {"=bad": 0.75, "ü": 0.25},
    }
    assert rows[2]["predicted_error"] == "The text is empty." and rows[2]["predicted_score"] is None


def test_parquet_has_types(table, tmp_path):
    rows = read_back(table, tmp_path, "out.parquet")
    assert rows[0]["text"] == "=1+1" and rows[0]["predicted_score"] == 0.75
    assert json.loads(rows[0]["predicted_scores"])["ü"] == 0.25
    assert rows[1]["predicted_label"] is None


def test_a_parquet_file_keeps_its_own_types(tmp_path):
    day = datetime.date(2024, 2, 29)
    source = pyarrow.table({"text": ["a", "b"], "day": [day, None], "words": [["a"], []], "n": [1, 2]})
    pyarrow.parquet.write_table(source, tmp_path / "in.parquet")
    table = open_table(tmp_path / "in.parquet")
    write_output(table, iter(RESULTS[:1]), FIELDS, tmp_path / "out.parquet", "parquet")
    written = pyarrow.parquet.read_table(tmp_path / "out.parquet")
    assert written.select(source.column_names).equals(source)
    write_output(table, iter(RESULTS[:1]), FIELDS, tmp_path / "out.jsonl", "jsonl")
    first = json.loads((tmp_path / "out.jsonl").read_text().splitlines()[0])
    assert first["day"] == "2024-02-29" and first["words"] == ["a"]
    write_output(table, iter(RESULTS[:1]), FIELDS, tmp_path / "out.csv", "csv")
    with (tmp_path / "out.csv").open(newline="") as stream:
        assert next(csv.DictReader(stream))["words"] == '["a"]'
