"""Mail by Amazon SES."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app import aws
from app.mail.message import sender_address

if TYPE_CHECKING:
    from email.message import EmailMessage

#: Errors that time mends. Source: Amazon SES API v2, SendEmail, and AWS's common errors.
PASSING = frozenset(
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


def send(mail: EmailMessage, *, to: tuple[str, ...]) -> str:
    """Hand `mail` to SES; the answer is SES's id for it. Raises what `aws.call` does."""
    service = aws.client("sesv2")
    answer = aws.call(
        "SES",
        service.send_email,
        passing=PASSING,
        FromEmailAddress=sender_address(),
        Destination={"ToAddresses": list(to)},
        Content={"Raw": {"Data": mail.as_bytes()}},
    )
    return str(answer["MessageId"])
