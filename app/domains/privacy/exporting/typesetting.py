"""Rows as a PDF by Typst."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from app.typesetting.fonts import FAMILIES, visible
from app.typesetting.pdf import pdf_of
from app.typesetting.words import breakable

if TYPE_CHECKING:
    from collections.abc import Sequence

TEMPLATE = Path(__file__).parents[1] / "templates" / "rows.typ"
#: So many characters without a place to break are all that a column has room for.
_LONGEST_WORD = 40


def typeset(title: str, rows: Sequence[Sequence[tuple[str, str]]]) -> bytes:
    """The PDF of rows, each as names and texts."""
    shown = [[(name, breakable(visible(text), longest=_LONGEST_WORD)) for name, text in row] for row in rows]
    data = {"title": title, "fonts": FAMILIES, "rows": shown}
    # Structure for screen readers takes several times the memory; CSV and JSON are there for them.
    return pdf_of(TEMPLATE, {"data.json": data}, tagged=False)
