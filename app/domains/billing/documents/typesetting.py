"""Facts and a layout become a PDF by Typst, which gets all it reads as files in memory.

The template reaches neither folders, but its own, nor the network: it imports nothing.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from datetime import UTC, datetime, time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from app.domains.billing.documents import fonts
from app.domains.billing.documents.content import content_of, name_of
from app.domains.billing.documents.errors import CannotTypeset, ForkedAfterTypesetting
from app.domains.billing.documents.fonts import visible
from app.domains.billing.documents.layouts import layout_named

if TYPE_CHECKING:
    from typst import Fonts

    from app.domains.billing.documents.facts import Document

TEMPLATE = Path(__file__).parent / "templates" / "document.typ"
#: ISO 19005-3, which permits files inside.
STANDARD: Final = "a-3b"
#: Structure for screen readers makes a file of many lines ten times as large, and takes as long again.
TAGGED_LINES = 200


def typeset(document: Document, *, layout: str, xml: bytes | None) -> bytes:
    """The PDF of a document, with `xml` attached.

    Raises `UnknownLayout`, `CannotTypeset` or `ForkedAfterTypesetting`.
    """
    import typst

    look = layout_named(layout)
    if _pid() != os.getpid():
        raise ForkedAfterTypesetting(pid=_pid())
    content = content_of(document) | {"about": _about(document), "attached": xml is not None}
    # The stubs of Typst know of one file alone.
    files: Any = {
        "main.typ": _template(),
        "document.json": json.dumps(content).encode(),
        "layout.json": json.dumps(asdict(look)).encode(),
        "factur-x.xml": xml or b"",
    }
    try:
        return typst.compile(
            files,
            # What is not among the files would be looked for in the current folder.
            root=str(TEMPLATE.parent),
            format="pdf",
            font_paths=_fonts(),
            pdf_standards=STANDARD,
            pdf_tags=len(document.lines) <= TAGGED_LINES,
            # The moment is one of the facts: the same ones make the same bytes on any day.
            timestamp=datetime.combine(document.issued, time(), tzinfo=UTC),
        )
    except typst.TypstError as error:
        raise CannotTypeset(layout=layout, problem=str(error)) from error


def _about(document: Document) -> dict[str, Any]:
    """What a reader's program says of the file, and the fonts to look into."""
    return {
        "title": visible(f"{name_of(document)}, {document.seller.name}"),
        "author": visible(document.seller.name),
        "year": document.issued.year,
        "month": document.issued.month,
        "day": document.issued.day,
        "fonts": fonts.FAMILIES,
    }


@cache
def _pid() -> int:
    """The process that Typst's threads are in."""
    return os.getpid()


@cache
def _template() -> bytes:
    return TEMPLATE.read_bytes()


@cache
def _fonts() -> Fonts:
    """The fonts of the package and of Typst, found once; those of the machine would change the result."""
    import typst

    return typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=True, font_paths=[str(fonts.FOLDER)]
    )
