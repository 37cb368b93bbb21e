"""Mail by SMTP, with a server that answers all that servers answer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from app.outbound.deliveries.errors import NotSent, OutcomeUnknown, Refused
from app.outbound.deliveries.outcome import HandOver
from app.outbound.mail import smtp as transport
from app.outbound.mail.message import Message, on_the_wire
from tests.fakes.odd_smtp import OddServer
from tests.fakes.smtp import MailServer
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from app.outbound.mail.taken import Taken

TO = ("ann@example.org", "bob@example.org")


#: With lines that end or command a talk unless they are quoted.
TEXT = "Hi\r\n.\r\n..\r\n.QUIT\r\n"


def send(*, to: tuple[str, ...] = TO, handover: HandOver | None = None) -> Taken:
    message = Message(key="k", to=to, subject="Hello", text=TEXT.replace("\r", ""))
    mail = on_the_wire(message, at=datetime.now(UTC))
    return transport.send(mail, to=to, handover=handover or HandOver())


def test_a_mail_arrives(smtp: MailServer) -> None:
    taken = send()
    (mail,) = smtp.mails
    assert (mail["Subject"], mail["Message-ID"], mail.get_content()) == ("Hello", taken.id, TEXT)
    assert (taken.refused, taken.later) == ({}, {})


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])
def test_a_server_that_is_busy_took_nothing(smtp: MailServer, command: str) -> None:
    smtp.answers += [(command, "451 4.7.1 try later")] * len(TO)
    with pytest.raises(NotSent, match=r"451 4\.7\.1 try later"):
        send()
    assert smtp.mails == []


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])
def test_a_refusal_is_for_good(smtp: MailServer, command: str) -> None:
    smtp.answers += [(command, "550 5.1.1 no such mailbox")] * len(TO)
    with pytest.raises(Refused, match=r"550 5\.1\.1 no such mailbox"):
        send()
    assert smtp.mails == []


@pytest.mark.parametrize("bad", [0, 1])
def test_a_refused_recipient_is_named_and_the_others_get_the_mail(smtp: MailServer, bad: int) -> None:
    smtp.answers += [("RCPT", "250 OK")] * bad + [("RCPT", "550 unknown")]
    assert send().refused == {TO[bad]: f"The mail server refuses {TO[bad]}: 550 unknown"}
    assert (smtp.mails[0]["To"], smtp.envelopes[0][0]) == (TO[1 - bad], [TO[1 - bad]])


def test_a_recipient_who_is_busy_is_left_for_later(smtp: MailServer) -> None:
    smtp.answers += [("RCPT", "452 mailbox full")]
    assert send().later == {TO[0]: f"The mail server does not take {TO[0]} now: 452 mailbox full"}
    assert smtp.mails[0]["To"] == TO[1]


def test_an_address_beyond_ascii_goes_to_a_server_that_takes_it_and_no_other(smtp: MailServer) -> None:
    to = ("用户@xn--r8jz45g.jp", "ann@example.org")
    taken = send(to=to)
    assert "does not offer SMTPUTF8" in taken.refused[to[0]]
    assert [receivers for receivers, _ in smtp.envelopes] == [[to[1]]]
    with pytest.raises(Refused, match="does not offer SMTPUTF8"):
        send(to=to[:1])


def test_where_smtputf8_is_offered_everybody_gets_the_mail(configure: Callable[..., None]) -> None:
    server = MailServer(takes_utf8=True).start()
    configure(smtp_port=server.port, smtp_security="none", mail_from="Groundwork <service@example.org>")
    to = ("用户@xn--r8jz45g.jp", "ann@example.org")
    try:
        assert send(to=to).refused == {}
        assert server.envelopes[0][0] == list(to)
        assert "SMTPUTF8" in server.envelopes[0][1]
        assert str(server.mails[0]["To"]) == ", ".join(to)
    finally:
        server.close()


ODD = {
    "nothing": b"",
    "no code": b"hello",
    "a blank line": b" ",
    "no text": b"\xff\xfe\x00",
    "a strange code": b"999 yes",
    "a code of its own": b"150 wait",
    "more to come": b"354 more",
    "an endless line": b"250 " + b"x" * 100_000,
}


@pytest.fixture
def odd(configure: Callable[..., None]) -> Iterator[OddServer]:
    server = OddServer().start()
    configure(smtp_port=server.port, smtp_security="none", mail_from="Groundwork <service@example.org>")
    yield server
    server.close()


#: What a server says to DATA.
USUAL = ("DATA", "more to come")
BEFORE = [(step, what) for step in ("GREETING", "HELO", "MAIL", "RCPT", "DATA") for what in ODD]


@pytest.mark.parametrize(("step", "what"), [one for one in BEFORE if one != USUAL])
def test_whatever_a_server_says_before_the_mail_was_handed_over_it_took_nothing(
    odd: OddServer, step: str, what: str
) -> None:
    odd.says[step] = ODD[what]
    if step == "HELO":
        odd.says["EHLO"] = b"502 unknown"
    handover = HandOver()
    with pytest.raises((NotSent, Refused)):
        send(handover=handover)
    assert not handover.has_begun
    assert odd.contents == []


@pytest.mark.parametrize("what", ODD)
def test_whatever_a_server_says_to_the_mail_but_yes_and_no_leaves_it_open(odd: OddServer, what: str) -> None:
    odd.says["CONTENT"] = ODD[what]
    handover = HandOver()
    expected = Refused if what == "a strange code" else OutcomeUnknown
    with pytest.raises(expected):
        send(handover=handover)
    assert handover.has_begun
    assert len(odd.contents) == 1


@pytest.mark.parametrize("what", ODD)
def test_whatever_a_server_says_in_the_end_the_mail_left(odd: OddServer, what: str) -> None:
    odd.says["QUIT"] = ODD[what]
    assert send().refused == {}
    assert len(odd.contents) == 1


def test_a_server_that_hangs_up_after_the_mail_leaves_it_open(smtp: MailServer) -> None:
    smtp.hangs_up = True
    with pytest.raises(OutcomeUnknown):
        send()
    assert len(smtp.mails) == 1


def test_no_server_took_nothing(smtp: MailServer, configure: Callable[..., None]) -> None:
    port = free_port()
    configure(smtp_port=port)
    with pytest.raises(NotSent, match=rf"127\.0\.0\.1:{port} cannot be reached"):
        send()


def test_a_server_without_what_is_asked_for_is_not_talked_to_in_clear(
    smtp: MailServer, configure: Callable[..., None]
) -> None:
    configure(smtp_security="starttls")
    with pytest.raises(NotSent, match="GROUNDWORK_SMTP_SECURITY"):
        send()
    assert smtp.mails == []
