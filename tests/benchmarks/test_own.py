import csv
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t5gemma_app.benchmarks.measures import measure
from t5gemma_app.benchmarks.outcomes import ranked
from t5gemma_app.benchmarks.own import OwnData, own_formatter, own_rows
from t5gemma_app.benchmarks.suites import Planned, load_suite, suite_examples
from t5gemma_app.errors import InputError

SUITE = """\
name: reviews
version: 1
about: A shop's reviews.
benchmarks:
  - name: reviews
    file: {file}
    text: review
    label: stars
    labels: {{0: bad, 1: good}}
    prompt: {{prefix: "Review: ", suffix: "\\nThe customer was {{x}} "}}
"""


def suite(folder: Path, rows: str, file: str = "rows.csv", text: str = SUITE) -> Planned:
    (folder / file).write_text(rows, encoding="utf-8")
    path = folder / "reviews.yaml"
    path.write_text(text.format(file=file), encoding="utf-8")
    return next(suite_examples(load_suite(path)))


def test_a_csv_file_becomes_ranked_examples_and_metrics(tmp_path: Path):
    planned = suite(tmp_path, 'id,review,stars\n7,"Good, ""really""",1\n8,Two\u00a0lines,0\n')
    first, second = planned.examples
    assert first.context == 'Review: Good, "really"\nThe customer was {x}'
    assert first.choices == ("  bad", "  good")
    assert (first.gold, second.gold, first.formatter) == (1, 0, "reviews:words@1")
    assert planned.source.kind == "file"
    assert not planned.plan.partial
    samples = [ranked(first, [-1, -2], [1, 1]), ranked(second, [-1, -2], [1, 1])]
    measured = measure(planned.plan.benchmark, planned.plan.formatter, samples)
    assert {metric.name: metric.value for metric in measured.metrics} == pytest.approx({"accuracy": 0.5, "f1": 1 / 3})


def test_jsonl_rows_with_a_pair_go_to_a_head(tmp_path: Path):
    text = SUITE.replace("    label: stars", "    pair: answer\n    label: stars\n    formatter: head@1")
    rows = json.dumps({"review": "a", "answer": "b", "stars": 1}) + "\n"
    (asked,) = suite(tmp_path, rows, "rows.jsonl", text).examples
    assert (asked.method, asked.context, asked.pair, asked.gold) == ("head", "a", "b", 1)
    assert asked.choices == ("bad", "good")
    (asked,) = suite(tmp_path, rows, "rows.jsonl", text.replace("head@1", "words@1")).examples
    assert asked.context == "Review: a\nb\nThe customer was {x}"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("review,star\nx,1\n", r"rows.csv, line 2 has no 'stars'.*It has review, star.*Did you mean star"),
        ("review,stars\nx,1\ny,2\n", r"line 3 has the label '2'.*The suite names 0, 1"),
        ("review,stars\nx\n", r"line 2 has no 'stars'"),
        ("review,stars\n", r"rows.csv holds no rows"),
        ("", r"rows.csv holds no rows"),
        ('review,stars\n"' + "x" * 200_000 + '",1\n', r"no csv file that can be read: field larger"),
    ],
)
def test_a_bad_row_is_named_with_its_line(tmp_path: Path, rows: str, message: str):
    with pytest.raises(InputError, match=message):
        suite(tmp_path, rows)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("{{0: bad, 1: good}}", "{{yes: bad, no: good}}", r"benchmarks.0.labels: YAML reads an unquoted true"),
        ("{{0: bad, 1: good}}", "{{0: bad, 1: bad}}", r"benchmarks.0.labels: every label needs words of its own"),
        ("{{0: bad, 1: good}}", "{{0: bad}}", r"benchmarks.0.labels: Dictionary should have at least 2"),
        ("text: review", "txt: review", r"benchmarks.0.(text: the key is missing|txt: there is no such key)"),
        ("suffix:", "sufix:", r"benchmarks.0.prompt.sufix: there is no such key.*prefix, suffix.*Did you mean suffix"),
        ("- name: reviews", "- name: boolq", r"benchmarks.0.name: boolq is one of SuperGLUE's tasks"),
        ("{file}", "../{file}", r"benchmarks.0.file: '../rows.csv' lies outside"),
        ("{file}", "/etc/passwd", r"benchmarks.0.file: '/etc/passwd' lies outside"),
        ("    text:", "    formatter: t5@1\n    text:", r"'t5@1' is no formatter for own data"),
    ],
)
def test_a_fault_in_the_description_names_file_and_key(tmp_path: Path, old: str, new: str, message: str):
    with pytest.raises(InputError, match=message):
        suite(tmp_path, "review,stars\nx,1\n", text=SUITE.replace(old, new))


def test_missing_and_foreign_files_are_refused(tmp_path: Path):
    data = OwnData(name="x", file="x.csv", text="t", label="l", labels={"a": "b", "c": "d"})
    with pytest.raises(InputError, match="no file"):
        own_rows(data, tmp_path / "x.csv", None)
    (tmp_path / "x.xlsx").touch()
    with pytest.raises(InputError, match=r"ends in .csv or .jsonl"):
        own_rows(data, tmp_path / "x.xlsx", None)


printable = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1)


@given(texts=st.lists(printable, min_size=1, max_size=5), prefix=st.text(), suffix=st.text())
def test_any_text_reaches_the_model_between_prefix_and_suffix(tmp_path_factory, texts, prefix, suffix):
    path = tmp_path_factory.mktemp("own") / "x.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["t", "l"], *([text, "a"] for text in texts)])
    data = OwnData(
        name="x",
        file="x.csv",
        text="t",
        label="l",
        labels={"a": "b", "c": "d"},
        prompt={"prefix": prefix, "suffix": suffix},
    )
    rows, _ = own_rows(data, path, None)
    for row, text in zip(rows, texts, strict=True):
        (asked,) = own_formatter(data).function(row)
        assert asked.context + asked.choices[1] == f"{prefix}{text}{suffix} d"
