"""A mail's form on the wire."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from pydantic import TypeAdapter, ValidationError

from app.outbound.mail.addresses import Recipients
from app.outbound.mail.message import Attachment, Message, Subject, from_content, on_the_wire, without_files

if TYPE_CHECKING:
    from collections.abc import Callable

AT = datetime(2026, 2, 1, 9, 30, tzinfo=UTC)
MESSAGE = Message(key="welcome:7", to=("ann@example.org", "bob@example.org"), subject="Grüße", text="Hallo\n")


@pytest.fixture(autouse=True)
def sender(configure: Callable[..., None]) -> None:
    configure(mail_from="Grundwerk <service@example.org>")


def test_a_mail_says_who_what_and_when() -> None:
    mail = on_the_wire(MESSAGE, at=AT)
    assert mail["From"] == "Grundwerk <service@example.org>"
    assert mail["To"] == "ann@example.org, bob@example.org"
    assert mail["Subject"] == "Grüße"
    assert mail["Date"] == "Sun, 01 Feb 2026 09:30:00 +0000"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_content_type() == "text/plain"
    assert mail.get_content() == "Hallo\n"


def test_with_html_it_has_both_forms_the_plain_one_first() -> None:
    mail = on_the_wire(Message(key="k", to=("a@b.org",), subject="s", text="t", html="<p>t</p>"), at=AT)
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]


def test_the_same_key_is_the_same_mail_to_whoever_receives_it() -> None:
    first, again = (on_the_wire(MESSAGE, at=AT)["Message-ID"] for _ in range(2))
    other = on_the_wire(Message(key="welcome:8", to=MESSAGE.to, subject="s", text="t"), at=AT)
    assert first == again != other["Message-ID"]
    assert first.endswith("@example.org>")


FILE = Attachment(name="Rechnung 1/\u05d0.pdf", media_type="application/pdf", data=bytes(range(256)) * 20)
WITH_FILE = replace(MESSAGE, html="<p>Hallo</p>", attachments=(FILE,))


def test_a_file_goes_along_beside_what_the_mail_says() -> None:
    mail = on_the_wire(WITH_FILE, at=AT)
    assert [part.get_content_type() for part in mail.walk()] == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "application/pdf",
    ]
    (file,) = mail.iter_attachments()
    assert (file.get_filename(), file.get_content()) == (FILE.name, FILE.data)


def test_of_a_file_that_was_sent_the_name_is_kept() -> None:
    assert from_content(WITH_FILE.key, WITH_FILE.content()) == WITH_FILE
    kept = without_files(WITH_FILE.content())
    assert kept["attachments"] == [{"name": FILE.name, "media_type": FILE.media_type, "data": None}]
    assert without_files(MESSAGE.content()) == MESSAGE.content()


def test_a_delivery_keeps_all_of_it() -> None:
    assert from_content(MESSAGE.key, MESSAGE.content()) == MESSAGE


@pytest.mark.parametrize("subject", ["", "x" * 999, "Hi\nBcc: everybody@example.org", "Hi\r\n", "tab\there"])
def test_a_subject_is_one_line(subject: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Subject).validate_python(subject)


@pytest.mark.parametrize("end", ["\u2028", "\u2029"])
def test_the_line_ends_of_other_scripts_are_taken_and_end_no_header(end: str) -> None:
    subject = TypeAdapter(Subject).validate_python(f"Hi{end}Bcc: all@example.org")
    mail = on_the_wire(Message(key="k", to=("a@b.org",), subject=subject, text="t"), at=AT)
    assert mail["Subject"] == "Hi Bcc: all@example.org"


@pytest.mark.parametrize(
    "recipients", [[], ["no address"], ["a@b.org\nBcc: c@d.org"], [f"a{n}@example.org" for n in range(51)]]
)
def test_recipients_are_addresses_and_not_too_many(recipients: list[str]) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Recipients).validate_python(recipients)
