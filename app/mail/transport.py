"""Which transport carries mail, as the settings say."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from app.config import settings
from app.deliveries.service import Limit, Provider, WhenUncertain
from app.mail import folder, ses, smtp
from app.mail.message import from_content, on_the_wire

if TYPE_CHECKING:
    from collections.abc import Callable
    from email.message import EmailMessage

    from app.deliveries.models import Delivery

    Send = Callable[..., str]

_SENDS: dict[str, Send] = {"file": folder.send, "smtp": smtp.send, "ses": ses.send}


def mail_provider(*, to: tuple[str, ...]) -> Provider:
    """The provider for a mail to those addresses."""
    name = settings().mail_transport
    return Provider(
        name=name,
        send=partial(_send, _SENDS[name], to=to),
        limit=Limit(name=f"mail:{name}", per_minute=settings().mail_per_minute),
        # A second mail annoys, or charges twice. A file written twice is one file.
        when_uncertain=WhenUncertain.SEND if name == "file" else WhenUncertain(settings().mail_uncertain),
    )


def _send(send: Send, delivery: Delivery, *, to: tuple[str, ...]) -> str:
    message = from_content(delivery.key, delivery.content | {"to": list(to)})
    mail: EmailMessage = on_the_wire(message, at=datetime.now(UTC))
    return send(mail, to=to)
