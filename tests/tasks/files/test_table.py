from __future__ import annotations

import gzip
import json

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from t5gemma_app.errors import InputError
from t5gemma_app.tasks.files import delimited
from t5gemma_app.tasks.files.table import check_columns, open_table, preview, read_rows


def put(folder, name, content):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return path


def parquet(folder, **columns):
    path = folder / "in.parquet"
    pyarrow.parquet.write_table(pyarrow.table(columns), path)
    return path


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "id,text\n1,one\n2,\"two, and\n\"\"more\"\"\"\n"),
        ("a.csv", "\ufeffid;text\n1;one\n2;\"two, and\n\"\"more\"\"\"\n"),
        ("a.csv", "id,text\n1,one\n\n2,\"two, and\n\"\"more\"\"\"".encode("utf-16")),
        ("a.tsv", "id\ttext\n1\tone\n2\t\"two, and\n\"\"more\"\"\"\n"),
        ("a.jsonl", '{"id": "1", "text": "one"}\n\n{"id": "2", "text": "two, and\\n\\"more\\""}'),
    ],
)  # fmt: skip
def test_every_format_gives_the_same_rows(tmp_path, name, content):
    table = open_table(put(tmp_path, name, content))
    assert (table.columns, table.rows) == (("id", "text"), 2)
    assert list(read_rows(table)) == [{"id": "1", "text": "one"}, {"id": "2", "text": 'two, and\n"more"'}]
    assert bool(table.note) == (table.delimiter == ";" or table.encoding == "utf-16")


def test_parquet_keeps_its_types(tmp_path):
    table = open_table(parquet(tmp_path, text=["a", None], n=[1, 2]))
    assert list(read_rows(table)) == [{"text": "a", "n": 1}, {"text": None, "n": 2}]


def test_a_preview_has_ten_rows(tmp_path):
    table = open_table(put(tmp_path, "a.csv", "text\n" + "x\n" * 30))
    assert len(preview(table)) == 10 and table.rows == 30


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", "", "is empty"),
        ("a.csv", "text,id\n", "a header and no rows"),
        ("a.jsonl", "\n \n", "no rows"),
        ("a.csv", "1,2.5\n3,4\n", "no header: '1'"),
        ("a.csv", "text,\nx,y\n", "a name is missing"),
        ("a.csv", "x" * 300 + "\ny\n", "no header"),
        ("a.csv", "text,text\na,b\n", "two columns called 'text'"),
        ("a.csv", "text\none, two\n", "line 2 has 2 cells and the header has 1"),
        ("a.csv", 'text\n"one\ntwo\n', "quote is opened and not closed"),
        ("a.csv", 'text\n"one" two\n', "line 2: text follows a closing quote"),
        ("a.csv", "text\nb\xe4d\n".encode("latin-1"), "not UTF-8"),
        ("a.csv", b"text\n\x00\x01\x02", "zero bytes"),
        ("a.csv", b"PK\x03\x04 rest", "ZIP archive or an Excel"),
        ("a.csv", b"PAR1 rest", "a parquet file, not csv"),
        ("a.csv", gzip.compress(b"text\na\n"), "compressed with gzip"),
        ("a.parquet", b"text\na\n", "not a parquet file"),
        ("a.parquet", b"PAR1 but no more", "can't be read as parquet"),
        ("a.xlsx", b"PK\x03\x04", "ends in '.xlsx'"),
        ("text", b"text\na\n", "has no ending"),
        ("a.jsonl", '{"text": "a"}\n{"text": ', "line 2 is not JSON"),
        ("a.jsonl", '[{"text": "a"},\n{"text": "b"}]', "not one list"),
        ("a.jsonl", '{"text": "a"}\n3\n', "line 2 is not an object"),
        ("a.jsonl", '{"n": NaN}', "NaN is no JSON number"),
        ("a.csv", ",".join(f"c{n}" for n in range(2001)) + "\n1\n", "2,001 columns"),
        ("a.csv", "text\n" + "x\n" * 51, "more than 50 rows"),
    ],
)
def test_what_is_wrong_is_said_before_anything_starts(tmp_path, name, content, words):
    with pytest.raises(InputError, match=words):
        open_table(put(tmp_path, name, content), most_rows=50)


def test_a_delimiter_can_be_wished(tmp_path):
    path = put(tmp_path, "a.csv", "text~id\na,b~1\n")
    assert open_table(path, delimiter="~").columns == ("text", "id")
    with pytest.raises(InputError, match="delimiter is 'ab'"):
        open_table(path, delimiter="ab")
    for wrong, said in ((";", "separated by commas"), ("|", "separated by commas")):
        with pytest.raises(InputError, match=said):
            check_columns(open_table(put(tmp_path, "b.csv", "text,id\na,1\n"), delimiter=wrong), ["text"])


def test_a_huge_cell_is_a_row_and_a_monstrous_one_is_refused(tmp_path, monkeypatch):
    table = open_table(put(tmp_path, "a.csv", "text,id\n" + "x" * 10_000_000 + ",1\ny,2\n"))
    assert [len(row["text"]) for row in read_rows(table)] == [10_000_000, 1]
    monkeypatch.setattr(delimited, "LARGEST_CELL", 1000)
    with pytest.raises(InputError, match="line 2 has more than 1,000 characters"):
        open_table(table.path)


def test_columns_are_checked(tmp_path):
    table = open_table(put(tmp_path, "a.csv", "text,label,id\na,b,c\n"))
    assert check_columns(table, ["text", "label"]) == ("text", "label")
    with pytest.raises(InputError, match="Did you mean text"):
        check_columns(table, ["texts"])
    with pytest.raises(InputError, match="must name its columns"):
        check_columns(table, ["I liked it"])
    for wrong in ([], ["id", "text", "label"], ["id", "id"]):
        with pytest.raises(InputError, match="column"):
            check_columns(table, wrong)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300), st.sampled_from(["a.csv", "a.tsv", "a.jsonl", "a.parquet"]))
def test_whatever_a_file_holds_it_is_read_or_refused_in_words(tmp_path, content, name):
    path = put(tmp_path, name, content)
    try:
        table = open_table(path)
    except InputError:
        return
    assert len(list(read_rows(table))) == table.rows
    json.dumps(preview(table), default=str)
