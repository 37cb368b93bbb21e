"""Mail kept in a folder, for a host that sends none: nothing is lost, and a person can read it."""

from __future__ import annotations

from email.policy import SMTP, SMTPUTF8
from typing import TYPE_CHECKING

from app.outbound.deliveries.errors import NotSent
from app.outbound.mail.taken import Taken
from app.settings.config import settings

if TYPE_CHECKING:
    from email.message import EmailMessage

    from app.outbound.deliveries.outcome import HandOver


def send(mail: EmailMessage, *, to: tuple[str, ...], handover: HandOver) -> Taken:
    """Write `mail` to a file of its own, whole or not at all; its name is its id. Twice is once."""
    policy = SMTP if all(one.isascii() for one in to) else SMTPUTF8
    folder = settings().mail_folder
    name = f"{str(mail['Message-ID']).strip('<>').partition('@')[0]}.eml"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o750)
        draft = folder / f".{name}"
        draft.write_bytes(mail.as_bytes(policy=policy.clone(linesep="\n")))
        handover.begin()
        draft.replace(folder / name)
    except OSError as error:
        raise NotSent(
            f"{error.filename}: {error.strerror}. Mail is kept there; correct that or change "
            "GROUNDWORK_MAIL_FOLDER."
        ) from error
    return Taken(id=name)
