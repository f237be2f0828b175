"""Every bad input gets a clear answer, nothing is lost by it, and the page about them is true."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.bad_inputs import CASES, PAGE, TOKEN, Bench, Case, bench, row, said


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with bench(tmp_path_factory.mktemp("bench")) as made:
        yield made


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.what)
def test_a_bad_input_is_answered_as_the_page_says_and_the_next_message_too(case: Case, made: Bench) -> None:
    message = said(case, made)
    assert "Traceback" not in message
    assert TOKEN not in message
    assert row(case, message) in PAGE.read_text(encoding="utf-8"), "run `python -m tests.bad_inputs`"
    assert "still here" in made.answer("still here")
    assert [loaded.name for loaded in made.services.engine.status().loaded] == ["tiny"]


def test_the_page_has_no_other_rows() -> None:
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    assert len(rows) == len(CASES) + 1
