"""The file is PDF/A-3b with its XML inside, as far as reading back shows; the same facts make the same."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from lxml import etree
from pypdf.generic import DictionaryObject, StreamObject

from app.domains.billing.documents.layouts import LAYOUTS
from tests.checkout import ROOT
from tests.domains.billing.documents.samples import LINES, credit_note, document, reader, rendered

if TYPE_CHECKING:
    from pypdf import PdfReader

FX = "{urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#}"
PDFA = "{http://www.aiim.org/pdfa/ns/id/}"
SCHEMA = "{http://www.aiim.org/pdfa/ns/schema#}"
RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
EXTENSION = "{http://www.aiim.org/pdfa/ns/extension/}"
PRINT_DIGEST = """
import hashlib, sys
from app.domains.billing.documents.rendering import render
from tests.domains.billing.documents.samples import document
print(hashlib.sha256(render(document(), layout=sys.argv[1]).pdf).hexdigest())
"""


def root_of(pdf: PdfReader) -> Any:
    return pdf.trailer["/Root"]


def xmp(pdf: PdfReader) -> Any:
    stream = root_of(pdf)["/Metadata"].get_object()
    assert isinstance(stream, StreamObject)
    return etree.fromstring(stream.get_data())


def all_objects(pdf: PdfReader) -> list[Any]:
    return [pdf.get_object(number) for number in range(1, int(str(pdf.trailer["/Size"])))]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_xml_is_an_alternative_of_the_document(layout: str) -> None:
    pdf = reader(document(), layout)

    (attached,) = root_of(pdf)["/AF"]
    specification = attached.get_object()
    assert specification["/AFRelationship"] == "/Alternative"
    assert (specification["/F"], specification["/UF"]) == ("factur-x.xml", "factur-x.xml")
    embedded = specification["/EF"]["/F"].get_object()
    assert embedded["/Subtype"] == "/text/xml"
    assert embedded.get_data() == rendered(document(), layout).xml
    assert list(pdf.attachments) == ["factur-x.xml"]


def test_the_metadata_declares_it() -> None:
    packet = xmp(reader(document()))

    assert {
        one: packet.findtext(f".//{FX}{one}") for one in ("DocumentType", "DocumentFileName", "Version")
    } == {
        "DocumentType": "INVOICE",
        "DocumentFileName": "factur-x.xml",
        "Version": "1.0",
    }
    assert packet.findtext(f".//{FX}ConformanceLevel") == "EN 16931"
    # All properties that are not PDF/A's own are described, in one list.
    (schemas,) = packet.iter(f"{EXTENSION}schemas")
    described = schemas.findall(f"{RDF}Bag/{RDF}li/{SCHEMA}prefix")
    assert {prefix.text for prefix in described} >= {"fx", "xmpMM"}
    assert all(about.get(f"{RDF}about") == "" for about in packet.iter(f"{RDF}Description"))


@pytest.mark.parametrize(
    "given", [document(), document(draft=True), credit_note()], ids=["invoice", "draft", "credit"]
)
def test_it_is_pdf_a_3b(given: Any) -> None:
    pdf = reader(given)
    packet = xmp(pdf)

    assert (packet.findtext(f".//{PDFA}part"), packet.findtext(f".//{PDFA}conformance")) == ("3", "B")
    assert "/Filter" not in root_of(pdf)["/Metadata"].get_object()
    assert pdf.trailer["/ID"]
    assert "/Encrypt" not in pdf.trailer
    (intent,) = root_of(pdf)["/OutputIntents"]
    assert intent.get_object()["/S"] == "/GTS_PDFA1"
    assert intent.get_object()["/DestOutputProfile"].get_object().get_data()[36:40] == b"acsp"


def test_the_file_begins_as_pdf_a_wants_it() -> None:
    first, second = rendered(document()).pdf.split(b"\n", 2)[:2]

    assert re.fullmatch(rb"%PDF-1\.[0-7]\r?", first)
    assert second.startswith(b"%")
    assert all(byte > 127 for byte in second[1:5])


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_font_is_inside_and_says_what_its_glyphs_mean(layout: str) -> None:
    fonts = [one for one in all_objects(reader(document(), layout)) if is_font(one)]

    assert fonts
    for font in fonts:
        assert "/ToUnicode" in font
        descriptor = font["/DescendantFonts"][0].get_object()["/FontDescriptor"].get_object()
        assert {"/FontFile2", "/FontFile3"} & set(descriptor)


def is_font(one: Any) -> bool:
    return isinstance(one, DictionaryObject) and one.get("/Type") == "/Font" and "/DescendantFonts" in one


def test_nothing_in_it_runs_or_leads_elsewhere() -> None:
    for one in all_objects(reader(document())):
        if isinstance(one, DictionaryObject):
            assert not {"/JS", "/JavaScript", "/Launch", "/AA", "/OpenAction", "/URI"} & set(one)


def test_a_document_without_xml_declares_none() -> None:
    pdf = reader(document(draft=True))

    assert "/AF" not in root_of(pdf)
    assert xmp(pdf).findtext(f".//{FX}ConformanceLevel") is None


def test_it_knows_no_day_but_its_own() -> None:
    """Neither the clock of the machine nor its time zone is in the file."""
    pdf = rendered(document()).pdf
    days = set(re.findall(rb"D:(\d{8})", pdf)) | set(re.findall(rb"(\d{4}-\d\d-\d\d)T", pdf))
    assert {day.replace(b"-", b"") for day in days} == {b"20261128"}


def test_it_has_structure_for_screen_readers_unless_it_is_long() -> None:
    assert root_of(reader(document()))["/MarkInfo"]["/Marked"]
    assert "/StructTreeRoot" not in root_of(reader(document(lines=LINES * 34)))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_another_process_elsewhere_makes_the_same_bytes(layout: str) -> None:
    elsewhere = {"TZ": "Pacific/Kiritimati", "LC_ALL": "de_DE.UTF-8", "LANG": "ar", "PYTHONHASHSEED": "7"}
    printed = subprocess.run(
        [sys.executable, "-c", PRINT_DIGEST, layout],
        cwd=ROOT,
        env=os.environ | elsewhere,
        capture_output=True,
        text=True,
        check=True,
    )
    assert printed.stdout.strip() == hashlib.sha256(rendered(document(), layout).pdf).hexdigest()
