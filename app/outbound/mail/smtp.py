"""Mail by SMTP."""

from __future__ import annotations

import re
import smtplib
import ssl
from contextlib import contextmanager, suppress
from datetime import timedelta
from email.policy import SMTP, SMTPUTF8
from typing import TYPE_CHECKING

from app.logs.masking import excerpt
from app.outbound.deliveries.errors import NotSent, OutcomeUnknown, Refused
from app.outbound.mail.message import addressed_to, sender_address
from app.outbound.mail.taken import Taken
from app.settings.config import settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage

    from app.outbound.deliveries.outcome import HandOver

#: One step of the talk with the server. Source: RFC 5321 4.5.3.2 allows minutes; a worker's slot is dearer.
TIMEOUT = timedelta(seconds=30)
#: Codes of answers. Source: RFC 5321 4.2.1.
YES, MORE, GO_AHEAD, NOT_NOW, NEVER = 200, 300, 354, 400, 500
NO_UTF8 = "The mail server does not take addresses such as {}: it does not offer SMTPUTF8."
_LINE_WITH_A_DOT = re.compile(rb"^\.", re.MULTILINE)


def send(mail: EmailMessage, *, to: tuple[str, ...], handover: HandOver) -> Taken:
    """Hand `mail` to the server for whom it takes it; its id is its Message-ID.

    Raises `NotSent` while the server took nothing, `Refused` when it never will, `OutcomeUnknown` when the
    mail was handed over and the answer did not come.
    """
    with _connection() as server:
        answers = _announce(server, to)
        taken = Taken(
            id=str(mail["Message-ID"]),
            refused={one: said for one, (code, said) in answers.items() if code >= NEVER},
            later={one: said for one, (code, said) in answers.items() if not _is_yes(code) and code < NEVER},
        )
        receivers = [one for one in to if one not in taken.refused and one not in taken.later]
        if not receivers:
            raise _refusal(taken)
        addressed_to(mail, receivers)
        _hand_over(server, mail, handover=handover)
    return taken


@contextmanager
def _connection() -> Iterator[smtplib.SMTP]:
    given = settings()
    where = f"{given.smtp_host}:{given.smtp_port}"
    try:
        server = _connect()
    except smtplib.SMTPAuthenticationError as error:
        raise NotSent(
            f"The mail server {where} refuses GROUNDWORK_SMTP_USER and its password: {_described(error)}"
        ) from None
    except smtplib.SMTPNotSupportedError as error:
        raise NotSent(
            f"The mail server {where} cannot do what GROUNDWORK_SMTP_SECURITY or _USER ask for: "
            f"{excerpt(error)}"
        ) from None
    except (OSError, smtplib.SMTPException) as error:
        raise NotSent(f"The mail server {where} cannot be reached: {_described(error)}") from None
    try:
        yield server
    finally:
        # The mail is accepted or not by now; how the talk ends changes nothing.
        with suppress(Exception):
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


def _announce(server: smtplib.SMTP, to: tuple[str, ...]) -> dict[str, tuple[int, str]]:
    """Say who sends and who receives; the server's code for each receiver, and what it says."""
    needs_utf8 = [one for one in to if not one.isascii()]
    takes_utf8 = server.has_extn("smtputf8")
    options = ["SMTPUTF8", "BODY=8BITMIME"] if needs_utf8 and takes_utf8 else []
    try:
        _expect(server.mail(sender_address(), options))
        return {
            one: _rcpt(server, one) if takes_utf8 or one.isascii() else (NEVER, NO_UTF8.format(one))
            for one in to
        }
    except (OSError, smtplib.SMTPException) as error:
        raise NotSent(f"The mail server ended the session: {_described(error)}") from None


def _rcpt(server: smtplib.SMTP, address: str) -> tuple[int, str]:
    code, text = server.rcpt(address)
    does = "refuses" if code >= NEVER else "does not take"
    now = "" if code >= NEVER else " now"
    return code, f"The mail server {does} {address}{now}: {code} {_text(text)}"


def _refusal(taken: Taken) -> Exception:
    if taken.later:
        return NotSent(" ".join(taken.later.values()))
    return Refused(" ".join(taken.refused.values()))


def _hand_over(server: smtplib.SMTP, mail: EmailMessage, *, handover: HandOver) -> None:
    policy = SMTP if str(mail["To"]).isascii() else SMTPUTF8
    content = _LINE_WITH_A_DOT.sub(b"..", mail.as_bytes(policy=policy))
    try:
        # As smtplib's own `data`, which does not tell whether anything was handed over when it fails.
        code, text = server.docmd("DATA")
    except (OSError, smtplib.SMTPException) as error:
        raise NotSent(f"The mail server ended the session: {_described(error)}") from None
    if code != GO_AHEAD:
        _expect((code, text))
        raise NotSent(f"The mail server does not take the mail now: {code} {_text(text)}")
    handover.begin()
    try:
        server.send(content.removesuffix(b"\r\n") + b"\r\n.\r\n")
        code, text = server.getreply()
    except (OSError, smtplib.SMTPException) as error:
        raise OutcomeUnknown(f"the mail server did not confirm the mail: {_described(error)}.") from None
    if not _is_yes(code) and code < NOT_NOW:
        raise OutcomeUnknown(f"the mail server answered the mail with: {code} {_text(text)}.")
    _expect((code, text))


def _expect(answer: tuple[int, bytes]) -> None:
    """Go on with a yes. A code of 400 means not now, one of 500 never. Source: RFC 5321 4.2.1."""
    code, text = answer
    said = f"{code} {_text(text)}"
    if code >= NEVER:
        raise Refused(f"The mail server refuses the mail: {said}")
    if not _is_yes(code):
        raise NotSent(f"The mail server does not take the mail now: {said}")


def _is_yes(code: int) -> bool:
    return YES <= code < MORE


def _text(text: bytes | str) -> str:
    return excerpt(text.decode(errors="replace") if isinstance(text, bytes) else text)


def _described(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_text(error.smtp_error)}"
    return excerpt(error) or type(error).__name__
