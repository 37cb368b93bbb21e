"""Mail by Amazon SES."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from app.outbound.deliveries.errors import NotSent, OutcomeUnknown, Refused
from app.outbound.deliveries.outcome import HandOver
from app.outbound.mail import ses as transport
from app.outbound.mail.message import Message, on_the_wire
from tests.fakes.aws import Fault
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.outbound.mail.taken import Taken
    from tests.fakes.aws import AwsServer

TO = ("ann@example.org",)


def send(*, to: tuple[str, ...] = TO, handover: HandOver | None = None) -> Taken:
    message = Message(key="k", to=to, subject="Hello", text="Hi\n", html="<p>Hi</p>\n")
    return transport.send(on_the_wire(message, at=datetime.now(UTC)), to=to, handover=handover or HandOver())


def test_a_mail_goes_out_and_has_an_id(ses: AwsServer) -> None:
    assert send().id
    assert len(ses.mails()) == 1


def test_who_has_no_ascii_address_gets_none_and_the_others_do(ses: AwsServer) -> None:
    assert list(send(to=("用户@xn--r8jz45g.jp", "ann@example.org")).refused) == ["用户@xn--r8jz45g.jp"]
    assert len(ses.mails()) == 1
    with pytest.raises(Refused, match="plain ASCII"):
        send(to=("用户@xn--r8jz45g.jp",))


def test_the_message_counts_as_handed_over_when_it_goes_to_the_network(
    ses: AwsServer, configure: Callable[..., None]
) -> None:
    before, after = HandOver(), HandOver()
    send(handover=after)
    assert after.has_begun
    configure(aws_region="no region")
    with pytest.raises(Exception, match="no region"):
        send(handover=before)
    assert not before.has_begun


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
