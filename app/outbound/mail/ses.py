"""Mail by Amazon SES."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.outbound import aws
from app.outbound.deliveries.errors import Refused
from app.outbound.mail.message import addressed_to, sender_address
from app.outbound.mail.taken import Taken

if TYPE_CHECKING:
    from email.message import EmailMessage

    from app.outbound.deliveries.outcome import HandOver

#: Errors that time mends. Source: Amazon SES API v2, SendEmail, and AWS's common errors.
TRANSIENT = frozenset(
    {
        "TooManyRequestsException",
        "LimitExceededException",
        "SendingPausedException",
        "RequestTimeout",
        "ServiceUnavailable",
        "InternalFailure",
        "ExpiredToken",
        "ExpiredTokenException",
    }
)


NOT_ASCII = "Amazon SES does not send to {}: it takes only plain ASCII before the @."


def send(mail: EmailMessage, *, to: tuple[str, ...], handover: HandOver) -> Taken:
    """Hand `mail` to SES, which has its own id for it. Raises what `aws.call` does."""
    refused = {one: NOT_ASCII.format(one) for one in to if not one.isascii()}
    to = addressed_to(mail, [one for one in to if one not in refused])
    if not to:
        raise Refused(" ".join(refused.values()))
    service = aws.client("sesv2")
    answer = aws.call(
        "SES",
        service.send_email,
        passing=TRANSIENT,
        handover=handover,
        FromEmailAddress=sender_address(),
        Destination={"ToAddresses": list(to)},
        Content={"Raw": {"Data": mail.as_bytes()}},
    )
    return Taken(id=str(answer["MessageId"]), refused=refused)
