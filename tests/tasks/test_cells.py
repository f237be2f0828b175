"""Cells of spreadsheets."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from t5gemma_app.tasks.cells import safe_cell


@given(st.text())
def test_no_cell_starts_a_formula(text: str) -> None:
    safe = safe_cell(text)
    assert safe in (text, "'" + text)
    if safe.lstrip()[:1] in ("=", "+", "-", "@") and safe.strip():
        float(safe)  # only numbers may begin with a sign


def test_numbers_stay_numbers_in_a_spreadsheet() -> None:
    assert [safe_cell(text) for text in ("-1.5", "1e-05", "-", "-1+1", "\t=1", "+1")] == [
        "-1.5", "1e-05", "'-", "'-1+1", "'\t=1", "'+1",
    ]  # fmt: skip
