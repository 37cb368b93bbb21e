"""Addresses in all scripts: at the door, in the suppression list and on the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import TypeAdapter, ValidationError

from app.db.sessions import reading, transaction
from app.outbound.mail import suppression
from app.outbound.mail.addresses import Mailbox, Recipients
from app.values.email_addresses import CannotBeAddressed, key_of, wire_form

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

DOOR = TypeAdapter(Mailbox)


@pytest.mark.parametrize(
    ("address", "wire"),
    [
        ("ann@example.org", "ann@example.org"),
        ("groundwork@localhost", "groundwork@localhost"),
        ("info@müller.example", "info@xn--mller-kva.example"),
        ("info@MÜLLER.example", "info@xn--mller-kva.example"),
        ("a@straße.de", "a@xn--strae-oqa.de"),
        ("a@例え.jp", "a@xn--r8jz45g.jp"),
        ("a@मेल.भारत", "a@xn--r2bi6d.xn--h2brj9c"),
        ("用户@例え.jp", "用户@xn--r8jz45g.jp"),
    ],
)
def test_a_domain_has_an_ascii_form(address: str, wire: str) -> None:
    assert wire_form(address) == wire


@pytest.mark.parametrize(
    "address", ["", "@", "nobody", "nobody@", "@müller.example", "a@ü" + "ü" * 70 + ".de", "a@b\r\nX: y"]
)
def test_what_no_server_could_be_told_is_named(address: str) -> None:
    with pytest.raises(CannotBeAddressed, match="cannot get mail"):
        wire_form(address)


@pytest.mark.parametrize("address", ["info@müller.example", "a@straße.de", "ann@example.org"])
def test_a_domain_in_any_script_is_taken(address: str) -> None:
    assert DOOR.validate_python(address) == address


@pytest.mark.parametrize("address", ["用户@例え.jp", "jörg@example.org", "\u0131ann@example.org"])
def test_a_local_part_beyond_ascii_is_taken_only_where_servers_take_it(
    configure: Callable[..., None], address: str
) -> None:
    with pytest.raises(ValidationError, match="GROUNDWORK_MAIL_SMTPUTF8"):
        TypeAdapter(Recipients).validate_python(["ann@example.org", address])
    configure(mail_smtputf8=True)
    assert DOOR.validate_python(address) == address


def test_one_address_has_one_key_however_it_is_spelt() -> None:
    assert key_of("Ann@Example.ORG") == key_of("ann@example.org")
    assert key_of("info@MÜLLER.example") == key_of("info@xn--mller-kva.example")
    assert key_of("JÖRG@example.org") == key_of("jörg@example.org") == key_of("jo\u0308rg@example.org")
    assert key_of("\uff41nn@example.org") == key_of("ann@example.org")


@pytest.mark.parametrize(
    ("one", "other"),
    [("straße", "strasse"), ("\u0131", "i"), ("\u03c3\u03c2", "\u03c3\u03c3"), ("\u0149", "n")],
)
def test_two_mailboxes_have_two_keys(one: str, other: str) -> None:
    assert key_of(f"{one}@example.org") != key_of(f"{other}@example.org")


def test_a_suppressed_address_gets_nothing_in_any_spelling(database: Engine) -> None:
    with transaction() as session:
        suppression.suppress(session, address="Info@Müller.example", reason="gone")
    with reading() as session:
        wanted = ["info@xn--mller-kva.example", "info@müller.example", "ann@example.org"]
        assert suppression.reachable(session, wanted) == ["ann@example.org"]
    with transaction() as session:
        suppression.lift(session, address="info@xn--mller-kva.example")
