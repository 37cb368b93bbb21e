"""How documents can look. A layout is a handful of choices; `templates/document.typ` knows what they mean."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.domains.billing.documents.errors import UnknownLayout


class Heading(StrEnum):
    """What the first page begins with."""

    #: The seller above, the buyer where the window of an envelope is, the facts beside.
    LETTER = "letter"
    #: A band of colour with the title, and what is to be paid, large.
    BAND = "band"
    #: Seller, buyer and facts beside each other.
    COLUMNS = "columns"


class Rows(StrEnum):
    """What tells the lines of a table apart."""

    RULES = "rules"
    STRIPES = "stripes"
    SPACE = "space"


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """The choices; sizes in points, margins in millimetres (left and right, top, bottom)."""

    heading: Heading
    rows: Rows
    font: str
    size: float
    #: Of headings, rules and the band: dark enough for white letters on it (WCAG AA).
    accent: str
    margins: tuple[float, float, float]
    #: Above and below the text of a row.
    padding: float
    #: Between parts of a page.
    gap: float


DEFAULT_LAYOUT = "classic"
LAYOUTS = {
    "classic": Layout(
        heading=Heading.LETTER,
        rows=Rows.RULES,
        font="Libertinus Serif",
        size=10.5,
        accent="#1f1f1f",
        margins=(22, 20, 22),
        padding=4.5,
        gap=20,
    ),
    "modern": Layout(
        heading=Heading.BAND,
        rows=Rows.STRIPES,
        font="Noto Sans",
        size=9,
        accent="#14505c",
        margins=(20, 18, 20),
        padding=6,
        gap=22,
    ),
    "compact": Layout(
        heading=Heading.COLUMNS,
        rows=Rows.SPACE,
        font="Noto Sans",
        size=7.5,
        accent="#333a4d",
        margins=(14, 13, 15),
        padding=3,
        gap=14,
    ),
}


def layout_named(name: str) -> Layout:
    """The layout of that name. Raises `UnknownLayout`."""
    try:
        return LAYOUTS[name]
    except KeyError:
        raise UnknownLayout(name=name, known=LAYOUTS) from None
