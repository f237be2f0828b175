from __future__ import annotations

import json
from pathlib import Path

import pytest

from t5gemma_app.errors import InputError
from t5gemma_app.training.runs import LOG, RunFolder


def test_a_run_goes_on_with_what_it_was_begun_with_only(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    assert run.claimed() is None and run.done() is None
    run.claim({"rate": 0.1, "labels": ("a", "b")})
    run.claim({"rate": 0.1, "labels": ["a", "b"]})
    with pytest.raises(InputError, match=r"its rate is 0\.1, not 0\.2"):
        run.claim({"rate": 0.2, "labels": ["a", "b"]})


def test_a_run_of_an_earlier_version_goes_on_where_what_came_later_is_off(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    run.claim({"rate": 0.1})
    run.claim({"rate": 0.1, "consistency": 0.0, "teacher": None})
    with pytest.raises(InputError, match=r"its consistency is None, not 2\.0"):
        run.claim({"rate": 0.1, "consistency": 2.0})
    with pytest.raises(InputError, match=r"its rate is 0\.1, not None"):
        run.claim({"consistency": 0.0})


def test_the_log_is_rewound_to_the_saved_step(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    for step in range(1, 6):
        run.log("step", step=step, loss=float("nan") if step == 2 else 1.0)
    with (tmp_path / LOG).open("a") as file:
        file.write('{"event": "step", "st')
    run.rewind(3)
    lines = [json.loads(line) for line in (tmp_path / LOG).read_text().splitlines()]
    assert [line["step"] for line in lines] == [1, 2, 3]
    assert lines[1]["loss"] is None


def test_finishing_keeps_the_result_and_drops_the_state(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    (tmp_path / "state.pt").write_bytes(b"large")
    run.finish({"steps": 3})
    assert run.done() == {"steps": 3}
    assert not (tmp_path / "state.pt").exists()


def test_a_damaged_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "order.json").write_text("{")
    with pytest.raises(InputError, match=r"order\.json can't be read"):
        RunFolder(tmp_path).claimed()
