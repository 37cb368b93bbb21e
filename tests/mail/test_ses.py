"""Mail by Amazon SES."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from app.deliveries.errors import NotSent, OutcomeUnknown, Refused
from app.mail import ses as transport
from app.mail.message import Message, on_the_wire
from tests.fakes.aws import Fault
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fakes.aws import AwsServer

TO = ("ann@example.org",)


def send() -> str:
    message = Message(key="k", to=TO, subject="Hello", text="Hi\n", html="<p>Hi</p>\n")
    return transport.send(on_the_wire(message, at=datetime.now(UTC)), to=TO)


def test_a_mail_goes_out_and_has_an_id(ses: AwsServer) -> None:
    assert send()
    assert len(ses.mails()) == 1


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (429, "TooManyRequestsException"),
        (400, "ThrottlingException"),
        (400, "LimitExceededException"),
        (400, "SendingPausedException"),
        (500, "InternalFailure"),
        (503, "ServiceUnavailable"),
    ],
)
def test_what_time_mends_is_not_sent_and_not_repeated_here(ses: AwsServer, status: int, code: str) -> None:
    ses.faults.append(Fault(status=status, code=code))
    with pytest.raises(NotSent, match=code):
        send()
    assert (ses.calls, ses.mails()) == (1, [])


@pytest.mark.parametrize(
    "code", ["MessageRejected", "MailFromDomainNotVerifiedException", "BadRequestException"]
)
def test_a_rejection_is_for_good(ses: AwsServer, code: str) -> None:
    ses.faults.append(Fault(status=400, code=code))
    with pytest.raises(Refused, match=code):
        send()


def test_a_sender_that_ses_does_not_know_is_rejected(ses: AwsServer, configure: Callable[..., None]) -> None:
    configure(mail_from="Stranger <stranger@example.com>")
    with pytest.raises(Refused, match="MessageRejected"):
        send()


def test_a_lost_answer_leaves_it_open(ses: AwsServer) -> None:
    ses.faults.append(Fault(loses_answer=True))
    with pytest.raises(OutcomeUnknown):
        send()
    assert len(ses.mails()) == 1


def test_out_of_reach_is_not_sent(ses: AwsServer, configure: Callable[..., None]) -> None:
    configure(aws_endpoint_url=f"http://127.0.0.1:{free_port()}")
    with pytest.raises(NotSent, match="cannot be reached"):
        send()
