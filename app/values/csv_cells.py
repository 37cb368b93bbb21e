"""Texts as cells of CSV files that spreadsheets open: none is taken for a formula."""

from __future__ import annotations

#: What a spreadsheet takes for the beginning of a formula, also in the forms of other scripts, and what it
#: skips before one. Source: OWASP, CSV Injection.
FORMULA = tuple("=+-@\uff1d\uff0b\uff0d\uff20\t\r\n|%")


def text_cell(text: str) -> str:
    """A text of others as a cell; one that could be a formula is quoted as spreadsheets do."""
    return f"'{text}" if text.lstrip(" \u00a0").startswith(FORMULA) else text
