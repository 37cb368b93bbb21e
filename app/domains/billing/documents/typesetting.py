"""Facts and a layout become a PDF by Typst."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.domains.billing.documents.content import content_of, name_of
from app.domains.billing.documents.layouts import layout_named
from app.typesetting.fonts import FAMILIES, visible
from app.typesetting.pdf import ARCHIVE, pdf_of

if TYPE_CHECKING:
    from app.domains.billing.documents.facts import Document

TEMPLATE = Path(__file__).parent / "templates" / "document.typ"
#: Structure for screen readers makes a file of many lines ten times as large, and takes as long again.
TAGGED_LINES = 200


def typeset(document: Document, *, layout: str, xml: bytes | None) -> bytes:
    """The PDF of a document, with `xml` attached.

    Raises `UnknownLayout`, `CannotTypeset` or `ForkedAfterTypesetting`.
    """
    look = layout_named(layout)
    content = content_of(document) | {"about": _about(document), "attached": xml is not None}
    return pdf_of(
        TEMPLATE,
        {"document.json": content, "layout.json": asdict(look)},
        files={"factur-x.xml": xml or b""},
        standard=ARCHIVE,
        tagged=len(document.lines) <= TAGGED_LINES,
        # The moment is one of the facts: the same ones make the same bytes on any day.
        timestamp=datetime.combine(document.issued, time(), tzinfo=UTC),
    )


def _about(document: Document) -> dict[str, Any]:
    """What a reader's program says of the file, and the fonts to look into."""
    return {
        "title": visible(f"{name_of(document)}, {document.seller.name}"),
        "author": visible(document.seller.name),
        "year": document.issued.year,
        "month": document.issued.month,
        "day": document.issued.day,
        "fonts": FAMILIES,
    }
