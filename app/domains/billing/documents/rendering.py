"""A document becomes a PDF file, with its data inside where that is possible.

Nothing here loads what sets the type before there is something to set: workers and beat start without it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.domains.billing.documents.declaration import declared
from app.domains.billing.documents.einvoice import xml_of
from app.domains.billing.documents.layouts import DEFAULT_LAYOUT
from app.domains.billing.documents.obstacles import obstacles_to
from app.domains.billing.documents.typesetting import typeset

if TYPE_CHECKING:
    from app.domains.billing.documents.facts import Document


@dataclass(frozen=True, kw_only=True, slots=True)
class Rendered:
    """A PDF (PDF/A-3b), the XML in it, and why there is none where there is none."""

    pdf: bytes
    xml: bytes | None
    obstacles: tuple[str, ...]


def render(document: Document, *, layout: str = DEFAULT_LAYOUT) -> Rendered:
    """The PDF of a document: the same bytes for the same facts. Raises `UnknownLayout` or `CannotTypeset`."""
    obstacles = obstacles_to(document)
    xml = None if obstacles else xml_of(document)
    pdf = typeset(document, layout=layout, xml=xml)
    return Rendered(pdf=pdf if xml is None else declared(pdf), xml=xml, obstacles=obstacles)
