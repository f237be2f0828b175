from __future__ import annotations

from pathlib import Path

import pytest

from t5gemma_app.errors import InputError
from t5gemma_app.training.data.tables import evaluation_file, first_records, read_tables
from tests.training.rows import write_rows


def test_files_of_every_kind_give_the_same_rows(tmp_path: Path) -> None:
    write_rows(tmp_path / "a.jsonl", [{"text": 'say "hi", you', "label": "x"}])
    (tmp_path / "b.csv").write_text('text,label\n"say ""hi"", you",x\n', encoding="utf-8-sig")
    (tmp_path / "c.tsv").write_text('text\tlabel\n"say ""hi"", you"\tx\n')
    table = read_tables([str(tmp_path / name) for name in ("a.jsonl", "b.csv", "c.tsv")], training=True)
    assert [record.values for record in table.records] == [{"text": 'say "hi", you', "label": "x"}] * 3
    assert table.records[1].place.endswith("b.csv, line 2")
    assert len({source.revision_or_hash for source in table.sources}) == 3


def test_a_folder_has_a_part_for_training_and_one_for_evaluation(tmp_path: Path) -> None:
    write_rows(tmp_path / "train.jsonl", [{"text": "a"}])
    assert evaluation_file([str(tmp_path)]) is None
    write_rows(tmp_path / "dev.jsonl", [{"text": "b"}])
    assert evaluation_file([str(tmp_path)]) == str(tmp_path / "dev.jsonl")
    assert [read_tables([str(tmp_path)], training=part).records[0].values["text"] for part in (True, False)] == [
        "a",
        "b",
    ]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("rows.jsonl", b"", "holds no rows"),
        ("rows.csv", b"text,label\n", "holds no rows"),
        ("rows.jsonl", b'{"text": 1}\n[1]\n', "line 2 holds list"),
        ("rows.jsonl", b'{"text": "a"}\n{"text"\n', "line 2 is not JSON"),
        ("rows.jsonl", b'{"text": "\xff"}\n', "line 1 is not UTF-8"),
        ("rows.csv", b"text\n\xff\xfe\n", "not UTF-8"),
        ("rows.parquet", b"PAR1", "no file of rows"),
    ],
)
def test_a_wrong_file_is_named_with_its_fault(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=words):
        read_tables([str(tmp_path / name)], training=True)


def test_missing_files_and_folders_without_a_part_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no file"):
        read_tables([str(tmp_path / "no.jsonl")], training=True)
    (tmp_path / "other.jsonl").write_text("{}")
    with pytest.raises(InputError, match=r"no train\.jsonl.*other\.jsonl"):
        read_tables([str(tmp_path)], training=True)


@pytest.mark.parametrize("name", ["hub:stanfordnlp/sst2#train", "hub:sst2@main#train", "hub:a/b@0123#train"])
def test_a_table_of_the_hub_is_pinned_to_a_commit(name: str) -> None:
    with pytest.raises(InputError, match="COMMIT"):
        read_tables([name], training=True)


def test_the_first_rows_are_there_before_the_others_are_read(tmp_path: Path) -> None:
    rows = [{"text": str(number)} for number in range(5)]
    with write_rows(tmp_path / "train.jsonl", rows).open("a") as file:
        file.write("no row\n")
    for place in (tmp_path, tmp_path / "train.jsonl"):
        assert [record.values for record in first_records(str(place), 3)] == rows[:3]
    with pytest.raises(InputError, match="line 6"):
        read_tables([str(tmp_path)], training=True)
