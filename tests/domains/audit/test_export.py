"""A cell is what it was, and never a formula."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domains.audit.export import cell, csv_of
from app.values.row_views import RowView

if TYPE_CHECKING:
    from collections.abc import Sequence


class Shown(RowView):
    """One cell."""

    text: str | None


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "\uff1d1", "|cmd", "%0A"]
)
def test_a_text_that_could_be_a_formula_is_quoted(text: str) -> None:
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize(
    ("value", "shown"), [(None, ""), (-1, "-1"), ("a=b", "a=b"), ({}, ""), ({"a": 1}, '{"a": 1}')]
)
def test_others_are_as_they_are(value: object, shown: str) -> None:
    assert cell(value) == shown


@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=5))
def test_whatever_a_text_holds_it_stays_in_its_cell(texts: Sequence[str]) -> None:
    text = "".join(csv_of(Shown, [[{"text": one} for one in texts]]))
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert rows == [["text"], *([cell(one)] if cell(one) else [""] for one in texts)]
