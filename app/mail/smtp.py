"""Mail by SMTP."""

from __future__ import annotations

import smtplib
import ssl
from contextlib import contextmanager, suppress
from datetime import timedelta
from email.policy import SMTP
from typing import TYPE_CHECKING

from app.config import settings
from app.deliveries.errors import NotSent, OutcomeUnknown, Refused
from app.mail.message import sender_address

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage

#: One step of the talk with the server. Source: RFC 5321 4.5.3.2 allows minutes; a worker's slot is dearer.
TIMEOUT = timedelta(seconds=30)


def send(mail: EmailMessage, *, to: tuple[str, ...]) -> str:
    """Hand `mail` to the server; the answer is its Message-ID.

    Raises `NotSent` while the server took nothing, `Refused` when it never will, `OutcomeUnknown` when the
    mail was handed over and the answer did not come.
    """
    with _connection() as server:
        _announce(server, to)
        _hand_over(server, mail)
    return str(mail["Message-ID"])


@contextmanager
def _connection() -> Iterator[smtplib.SMTP]:
    given = settings()
    where = f"{given.smtp_host}:{given.smtp_port}"
    try:
        server = _connect()
    except smtplib.SMTPAuthenticationError as error:
        raise NotSent(
            f"The mail server {where} refuses GROUNDWORK_SMTP_USER and its password: {_said(error)}"
        ) from error
    except smtplib.SMTPNotSupportedError as error:
        raise NotSent(
            f"The mail server {where} cannot do what GROUNDWORK_SMTP_SECURITY or _USER ask for: {error}"
        ) from error
    except (OSError, smtplib.SMTPException) as error:
        raise NotSent(f"The mail server {where} cannot be reached: {_said(error)}") from error
    try:
        yield server
    finally:
        # The mail is accepted or not by now; how the talk ends changes nothing.
        with suppress(OSError, smtplib.SMTPException):
            server.quit()


def _connect() -> smtplib.SMTP:
    given, timeout = settings(), TIMEOUT.total_seconds()
    if given.smtp_security == "tls":
        server: smtplib.SMTP = smtplib.SMTP_SSL(
            given.smtp_host, given.smtp_port, timeout=timeout, context=ssl.create_default_context()
        )
    else:
        server = smtplib.SMTP(given.smtp_host, given.smtp_port, timeout=timeout)
    try:
        if given.smtp_security == "starttls":
            server.starttls(context=ssl.create_default_context())
        if given.smtp_user:
            server.login(given.smtp_user, given.smtp_password.get_secret_value())
        server.ehlo_or_helo_if_needed()
    except BaseException:
        server.close()
        raise
    return server


def _announce(server: smtplib.SMTP, to: tuple[str, ...]) -> None:
    """Say who sends and who receives: all or none, for a mail to some of them could not be repeated."""
    try:
        _expect(server.mail(sender_address()))
        for address in to:
            _expect(server.rcpt(address), about=address)
    except (OSError, smtplib.SMTPException) as error:
        raise NotSent(f"The mail server ended the talk: {_said(error)}") from error


def _hand_over(server: smtplib.SMTP, mail: EmailMessage) -> None:
    try:
        answer = server.data(mail.as_bytes(policy=SMTP))
    except smtplib.SMTPDataError as error:
        # The server answered the announcement of the data, so it has none of it.
        _expect((error.smtp_code, _bytes(error.smtp_error)))
        raise AssertionError("an error has an error's code") from error
    except (OSError, smtplib.SMTPException) as error:
        raise OutcomeUnknown(f"the mail server did not answer to the mail: {_said(error)}.") from error
    _expect(answer)


def _expect(answer: tuple[int, bytes], *, about: str = "the mail") -> None:
    """Go on with a yes. A code of 400 means not now, one of 500 never. Source: RFC 5321 4.2.1."""
    code, text = answer
    said = f"{code} {text.decode(errors='replace')}"
    if code >= 500:
        raise Refused(f"The mail server refuses {about}: {said}")
    if code >= 400 or code < 200:
        raise NotSent(f"The mail server does not take {about} now: {said}")


def _bytes(value: bytes | str) -> bytes:
    return value if isinstance(value, bytes) else value.encode()


def _said(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_bytes(error.smtp_error).decode(errors='replace')}"
    return str(error) or type(error).__name__
