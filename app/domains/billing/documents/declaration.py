"""Says in the metadata of a PDF that the file inside is its invoice, as Factur-X and ZUGFeRD want it."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from lxml.etree import _Element
    from pypdf.generic import StreamObject

_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_SCHEMAS = "{http://www.aiim.org/pdfa/ns/extension/}schemas"
_URN = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"
#: What the standard names the parts of the declaration.
_DECLARED = {
    "urn": _URN,
    "documenttype": "INVOICE",
    "xml_filename": "factur-x.xml",
    "version": "1.0",
    "xmp_level": "EN 16931",
}
_PACKET = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n{}\n<?xpacket end="r"?>'


def declared(pdf: bytes) -> bytes:
    """`pdf` with the declaration in its XMP, which Typst has no way to write."""
    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter(clone_from=PdfReader(BytesIO(pdf)))
    metadata = cast("StreamObject", writer.root_object["/Metadata"].get_object())
    metadata.set_data(_with_declaration(metadata.get_data()))
    written = BytesIO()
    writer.write(written)
    return written.getvalue()


def _with_declaration(xmp: bytes) -> bytes:
    """The packet with Factur-X's properties and their schema, which PDF/A wants described in one list."""
    from lxml import etree

    packet = etree.fromstring(xmp)
    for description in _descriptions():
        description.set(f"{_RDF}about", "")
        schemas = description.find(_SCHEMAS)
        known = packet.find(f".//{_SCHEMAS}/{_RDF}Bag")
        if schemas is not None and known is not None:
            known.extend(schemas.find(f"{_RDF}Bag").iterchildren())
        else:
            packet.find(f"{_RDF}RDF").append(description)
    return _PACKET.format(etree.tostring(packet, encoding="unicode")).encode()


def _descriptions() -> list[_Element]:
    """What Factur-X adds: its schema, and its properties."""
    from facturx import generate_xmp_object

    blank: dict[str, Any] = dict.fromkeys(
        ("title", "author", "subject", "producer", "creator_tool", "timestamp"), ""
    )
    whole = generate_xmp_object(blank | _DECLARED | {"pdfa3_flavor": "B"})
    descriptions: list[_Element] = whole.findall(f".//{_RDF}Description")
    return [
        one
        for one in descriptions
        if one.find(_SCHEMAS) is not None or one.find(f"{{{_URN}}}Version") is not None
    ]
