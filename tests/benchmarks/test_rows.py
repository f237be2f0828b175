import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t5gemma_app.benchmarks import rows as module
from t5gemma_app.benchmarks.layout import flat_row, flat_rows
from t5gemma_app.benchmarks.rows import FOLDERS, file_hash, read_rows
from t5gemma_app.errors import InputError
from tests.benchmarks.samples import GOLDEN

LINE = {"idx": 0, "question": "q", "passage": "p", "label": True}


def write(folder: Path, content: str | bytes, name: str = "BoolQ") -> Path:
    path = folder / name / "val.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("benchmark", FOLDERS)
def test_rows_carry_their_file_and_its_hash(benchmark: str):
    rows, source = read_rows(benchmark, GOLDEN / "rows", "val")
    path = GOLDEN / "rows" / FOLDERS[benchmark] / "val.jsonl"
    assert (source.kind, source.location, source.split) == ("folder", str(path), "val")
    assert source.revision_or_hash == file_hash(path)
    assert read_rows(benchmark, GOLDEN / "rows", "val", limit=1)[0] == rows[:1]


@pytest.mark.parametrize("benchmark", FOLDERS)
def test_a_flat_row_is_a_row_of_the_hub(benchmark: str):
    """What the folder gives is what the Hub's tables hold, so formatters need not know the source."""
    for row in read_rows(benchmark, GOLDEN / "rows", "val")[0]:
        assert flat_row(benchmark, row) == row


def test_the_limit_counts_answers_not_paragraphs():
    rows, _ = read_rows("multirc", GOLDEN / "rows", "val", limit=4)
    assert [row["idx"]["answer"] for row in rows] == [20, 21, 22, 23]
    assert [row["label"] for row in rows] == [1, 0, 0, 1]


def test_record_has_a_row_for_each_query_with_sorted_entities():
    rows, _ = read_rows("record", GOLDEN / "rows", "val")
    assert [(row["idx"]["passage"], row["idx"]["query"]) for row in rows] == [(0, 5), (0, 6), (1, 7)]
    assert rows[0]["entities"] == ("Ann Berg", "Berg", "Gull", "Sund")
    assert rows[0]["answers"] == ("Ann Berg", "Berg")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", r"val.jsonl, line 1 is not JSON"),
        (json.dumps(LINE) + "\n\n[1]\n", r"line 3 holds list"),
        (json.dumps(LINE | {"label": "maybe"}), r"line 1 is no BoolQ row: label: the label 'maybe' is unknown"),
        (json.dumps({k: v for k, v in LINE.items() if k != "passage"}), r"the field 'passage' is missing"),
        (json.dumps(LINE | {"idx": "x"}), r"line 1 .* idx: Input should be a valid integer"),
        (b"\xff\xfe{}\n", r"line 1 is not UTF-8"),
        ("[" * 100_000, r"line 1 is not JSON"),
        ("\n \n", r"holds no rows"),
        ("", r"holds no rows"),
    ],
)
def test_a_bad_line_is_named_with_its_file(tmp_path: Path, content, message):
    write(tmp_path, content)
    with pytest.raises(InputError, match=message):
        read_rows("boolq", tmp_path, "val")


@pytest.mark.parametrize(
    ("benchmark", "change", "message"),
    [
        ("wic", {"end1": 999}, "no span of sentence1"),
        ("wsc", {"target": {"span1_index": 0, "span1_text": "a", "span2_index": 99, "span2_text": "b"}}, "99, but"),
        ("record", {"passage": {"text": "ab", "entities": [{"start": 0, "end": 2}]}}, "entity 0 is no span"),
        ("copa", {"question": "why"}, "question: Input should be 'cause' or 'effect'"),
        ("cb", {"label": 3}, "must be entailment, contradiction or neutral"),
        ("rte", {"label": -1}, "the label -1 is unknown"),
    ],
)
def test_a_row_that_can_not_be_is_refused(tmp_path: Path, benchmark, change, message):
    line = json.loads((GOLDEN / "rows" / FOLDERS[benchmark] / "val.jsonl").read_text().splitlines()[0])
    write(tmp_path, json.dumps(line | change), FOLDERS[benchmark])
    with pytest.raises(InputError, match=message):
        read_rows(benchmark, tmp_path, "val")


def test_missing_folders_and_files_are_named_with_what_is_there(tmp_path: Path):
    with pytest.raises(InputError, match="no data folder"):
        read_rows("boolq", tmp_path / "none", "val")
    (tmp_path / "Boolq").mkdir()
    with pytest.raises(InputError, match=r"no folder BoolQ.*It has Boolq.*Did you mean Boolq"):
        read_rows("boolq", tmp_path, "val")
    (tmp_path / "BoolQ").mkdir()
    (tmp_path / "BoolQ" / "dev.jsonl").touch()
    with pytest.raises(InputError, match=r"no file val.jsonl.*It has dev.jsonl"):
        read_rows("boolq", tmp_path, "val")


def test_a_limit_below_one_is_refused():
    with pytest.raises(InputError, match="limit is 0"):
        read_rows("cb", GOLDEN / "rows", "val", limit=0)


def test_reading_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write(tmp_path, json.dumps(LINE | {"passage": "p" * 500}))
    monkeypatch.setattr(module, "MAX_LINE_BYTES", 400)
    with pytest.raises(InputError, match="line 1 has more than 400 bytes"):
        read_rows("boolq", tmp_path, "val")
    monkeypatch.setattr(module, "MAX_FILE_BYTES", 10)
    with pytest.raises(InputError, match="more than 10 bytes"):
        read_rows("boolq", tmp_path, "val")


def test_a_byte_order_mark_and_windows_line_ends_are_read(tmp_path: Path):
    write(tmp_path, b"\xef\xbb\xbf" + json.dumps(LINE).encode() + b"\r\n")
    assert len(read_rows("boolq", tmp_path, "val")[0]) == 1


@given(passage=st.text(min_size=1), question=st.text(min_size=1), label=st.booleans())
def test_texts_pass_unchanged(passage: str, question: str, label: bool):
    line = json.loads(json.dumps({"idx": 3, "passage": passage, "question": question, "label": label, "extra": 1}))
    assert list(flat_rows("boolq", line)) == [{"idx": 3, "passage": passage, "question": question, "label": int(label)}]
