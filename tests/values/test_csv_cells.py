"""No text of others becomes a formula in a spreadsheet."""

from __future__ import annotations

import pytest

from app.values.csv_cells import text_cell


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\u00a0=1", "\uff1d1", "|cmd"]
)
def test_what_could_be_a_formula_is_quoted(text: str) -> None:
    assert text_cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "Ann", "1+1", "株式会社", "a=b", "'=1"])
def test_any_other_text_stays(text: str) -> None:
    assert text_cell(text) == text
