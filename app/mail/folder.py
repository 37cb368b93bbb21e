"""Mail kept in a folder, for a host that sends none: nothing is lost, and a person can read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.config import settings
from app.deliveries.errors import NotSent

if TYPE_CHECKING:
    from email.message import EmailMessage


def send(mail: EmailMessage, *, to: tuple[str, ...]) -> str:  # noqa: ARG001 (as the other transports)
    """Write `mail` to a file of its own, whole or not at all; the answer is its name. Twice is once."""
    folder = settings().mail_folder
    name = f"{str(mail['Message-ID']).strip('<>').partition('@')[0]}.eml"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o750)
        draft = folder / f".{name}"
        draft.write_bytes(mail.as_bytes())
        draft.replace(folder / name)
    except OSError as error:
        raise NotSent(
            f"{error.filename}: {error.strerror}. Mail is kept there; put that right or change "
            "GROUNDWORK_MAIL_FOLDER."
        ) from error
    return name
