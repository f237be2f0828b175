from __future__ import annotations

from pathlib import Path

import pytest

from t5gemma_app.errors import InputError
from t5gemma_app.training.data.texts import read_documents
from tests.training.rows import write_rows


def test_documents_lie_between_blank_lines_and_in_rows(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\ntwo\n\n\nthree\n", encoding="utf-8")
    rows = [{"text": "x", "label": 1}, {"tokens": ["a", "b"]}, {"prompt": "p", "response": "r"}]
    write_rows(tmp_path / "b.jsonl", rows)
    documents, sources = read_documents([tmp_path / "a.txt", tmp_path / "b.jsonl"])
    assert documents == ["one\ntwo", "three", "x", "a b", "p\nr"]
    assert len(sources) == 2


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.txt", b"\n \n", "holds no text"),
        ("a.txt", b"\xff", "not UTF-8"),
        ("a.jsonl", b'{"x": 1}', "none of the columns"),
    ],
)
def test_a_file_without_text_is_named(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=words):
        read_documents([tmp_path / name])
    with pytest.raises(InputError, match="no file"):
        read_documents([tmp_path / "gone.txt"])
