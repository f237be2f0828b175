"""A folder is whole or as it was, whenever the process ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from t5gemma_app.errors import InputError
from t5gemma_app.training.folders import refuse_taken, restore_folder, whole_folder


def write(folder: Path, text: str) -> None:
    with whole_folder(folder) as fresh:
        (fresh / "file").write_text(text)


def test_a_folder_takes_the_place_of_the_former_one(tmp_path: Path) -> None:
    for text in ("first", "second"):
        write(tmp_path / "made", text)
        assert (tmp_path / "made" / "file").read_text() == text
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def test_a_failure_leaves_the_former_one(tmp_path: Path) -> None:
    write(tmp_path / "made", "first")
    with pytest.raises(ZeroDivisionError), whole_folder(tmp_path / "made") as fresh:
        (fresh / "file").write_text("half")
        raise ZeroDivisionError
    assert (tmp_path / "made" / "file").read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def test_what_a_killed_process_moved_aside_comes_back(tmp_path: Path) -> None:
    write(tmp_path / "made", "first")
    (tmp_path / "made").rename(tmp_path / "made.former")
    restore_folder(tmp_path / "made")
    assert (tmp_path / "made" / "file").read_text() == "first"
    (tmp_path / "made").rename(tmp_path / "made.former")
    write(tmp_path / "made", "second")
    assert (tmp_path / "made" / "file").read_text() == "second"
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def test_a_taken_place_and_one_that_cannot_be_written_are_refused(tmp_path: Path) -> None:
    refuse_taken(tmp_path / "new")
    (tmp_path / "empty").mkdir()
    refuse_taken(tmp_path / "empty")
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="exists already"):
        refuse_taken(tmp_path / "file")
    with pytest.raises(InputError, match="can't be written"):
        write(tmp_path / "file" / "made", "text")
