"""Mail by SMTP, with a server that answers all that servers answer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from app.deliveries.errors import NotSent, OutcomeUnknown, Refused
from app.mail import smtp as transport
from app.mail.message import Message, on_the_wire
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fakes.smtp import MailServer

TO = ("ann@example.org", "bob@example.org")


def send() -> str:
    message = Message(key="k", to=TO, subject="Hello", text="Hi\n")
    return transport.send(on_the_wire(message, at=datetime.now(UTC)), to=TO)


def test_a_mail_arrives(smtp: MailServer) -> None:
    message_id = send()
    (mail,) = smtp.mails
    assert (mail["Subject"], mail["Message-ID"], mail.get_content()) == ("Hello", message_id, "Hi\r\n")


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])
def test_a_server_that_is_busy_took_nothing(smtp: MailServer, command: str) -> None:
    smtp.answers.append((command, "451 4.7.1 try later"))
    with pytest.raises(NotSent, match=r"451 4\.7\.1 try later"):
        send()
    assert smtp.mails == []


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])
def test_a_refusal_is_for_good(smtp: MailServer, command: str) -> None:
    smtp.answers.append((command, "550 5.1.1 no such mailbox"))
    with pytest.raises(Refused, match=r"550 5\.1\.1 no such mailbox"):
        send()
    assert smtp.mails == []


def test_a_refused_recipient_is_named_and_the_others_get_nothing(smtp: MailServer) -> None:
    smtp.answers += [("RCPT", "250 OK"), ("RCPT", "550 unknown")]
    with pytest.raises(Refused, match=r"refuses bob@example\.org: 550 unknown"):
        send()
    assert smtp.mails == []


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
