"""A mail: what it says, and its form on the wire."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime, formataddr, parseaddr
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from app.jobs.ledger.seal import seal_named, unseal
from app.settings.config import settings
from app.values.email_addresses import wire_form
from app.values.text_fields import ONE_LINE, SEVERAL_LINES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

MAX_SUBJECT = 998
#: Where the files are in what a delivery keeps.
ATTACHED = "attachments"


Subject = Annotated[str, Field(min_length=1, max_length=MAX_SUBJECT), ONE_LINE]
Body = Annotated[str, SEVERAL_LINES]


@dataclass(frozen=True, kw_only=True)
class Attachment:
    """A file that goes with a mail; `media_type` such as application/pdf."""

    name: str
    media_type: str
    data: bytes


@dataclass(frozen=True, kw_only=True)
class Message:
    """A mail before it has a form. `key` is the business's own name for it.

    What a `sealed` one says, beside its subject, is sealed until it is sent, and not kept any longer.
    """

    key: str
    to: tuple[str, ...]
    subject: str
    text: str
    html: str | None = None
    sealed: bool = False
    attachments: tuple[Attachment, ...] = ()

    def content(self) -> dict[str, Any]:
        """The mail as a delivery keeps it."""
        said = {"text": self.text, "html": self.html}
        if self.sealed:
            said = seal_named(said, names=said)
        whole = {"to": list(self.to), "subject": self.subject, **said}
        return whole | ({ATTACHED: [_packed(one) for one in self.attachments]} if self.attachments else {})


def from_content(key: str, content: dict[str, Any]) -> Message:
    """The mail that a delivery keeps."""
    return Message(
        key=key,
        to=tuple(content["to"]),
        subject=content["subject"],
        text=unseal(content["text"]),
        html=unseal(content["html"]),
        attachments=tuple(_unpacked(one) for one in content.get(ATTACHED, ())),
    )


def without_files(content: dict[str, Any]) -> dict[str, Any]:
    """What a delivery keeps of a mail that was sent: of its files, their names."""
    if ATTACHED not in content:
        return content
    return content | {ATTACHED: [{**one, "data": None} for one in content[ATTACHED]]}


def _packed(file: Attachment) -> dict[str, str]:
    data = base64.b64encode(file.data).decode()
    return {"name": file.name, "media_type": file.media_type, "data": data}


def _unpacked(kept: dict[str, str]) -> Attachment:
    data = base64.b64decode(kept["data"])
    return Attachment(name=kept["name"], media_type=kept["media_type"], data=data)


def on_the_wire(message: Message, *, at: datetime) -> EmailMessage:
    """The mail as it is sent, to addresses in their wire form.

    Its Message-ID is made of the key: sent twice, it is the same mail.
    """
    made = EmailMessage()
    made["From"] = formataddr((parseaddr(settings().mail_from)[0], sender_address()))
    addressed_to(made, message.to)
    # Some scripts' line ends are no control characters; in a header, a line can have no end.
    made["Subject"] = " ".join(message.subject.splitlines())
    made["Date"] = format_datetime(at)
    made["Message-ID"] = f"<{digest_of(message.key)}@{sender_domain()}>"
    # Source: RFC 3834, so that no out-of-office note answers.
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(message.text)
    if message.html is not None:
        made.add_alternative(message.html, subtype="html")
    for file in message.attachments:
        kind, _, subtype = file.media_type.partition("/")
        made.add_attachment(file.data, maintype=kind, subtype=subtype, filename=file.name)
    return made


def addressed_to(mail: EmailMessage, to: Sequence[str]) -> tuple[str, ...]:
    """Have `mail` name those recipients alone; the answer are they."""
    del mail["To"]
    mail["To"] = ", ".join(to)
    return tuple(to)


def digest_of(key: str) -> str:
    """A name for `key` that fits into headers and file names."""
    return hashlib.sha256(key.encode()).hexdigest()[:40]


def sender_address() -> str:
    """The bare address of the sender, in its wire form."""
    return wire_form(parseaddr(settings().mail_from)[1])


def sender_domain() -> str:
    """Where the sender is at home."""
    return sender_address().rpartition("@")[2] or "localhost"
