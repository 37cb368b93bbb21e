"""Rows as a PDF by Typst, which gets all it reads as files in memory."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.domains.billing.facts import FAMILIES, FOLDER, visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typst import Fonts

TEMPLATE = Path(__file__).parents[1] / "templates" / "rows.typ"
#: So many characters without a place to break are all that a column has room for.
_LONGEST_WORD = 40


def typeset(title: str, rows: Sequence[Sequence[tuple[str, str]]]) -> bytes:
    """The PDF of rows, each as names and texts."""
    import typst  # not above: workers would start later for it

    shown = [[(name, _breakable(visible(text))) for name, text in row] for row in rows]
    data = {"title": title, "fonts": FAMILIES, "rows": shown}
    files: Any = {"main.typ": TEMPLATE.read_bytes(), "data.json": json.dumps(data).encode()}
    # Structure for screen readers takes several times the memory; CSV and JSON are there for them.
    pdf: bytes = typst.compile(
        files, root=str(TEMPLATE.parent), format="pdf", font_paths=_fonts(), pdf_tags=False
    )
    return pdf


def _breakable(text: str) -> str:
    """Text whose long words have a place to break after each so many characters (U+200B)."""
    return " ".join(
        "\u200b".join(word[at : at + _LONGEST_WORD] for at in range(0, len(word), _LONGEST_WORD))
        for word in text.split(" ")
    )


@cache
def _fonts() -> Fonts:
    import typst

    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=True, font_paths=[str(FOLDER)])
