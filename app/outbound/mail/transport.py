"""Which transport carries mail, as the settings say, and what of it concerns each recipient."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Protocol

from app.outbound.deliveries.errors import Refused
from app.outbound.deliveries.outcome import HandOver, Outcome
from app.outbound.deliveries.service import Limit, Provider, WhenUncertain
from app.outbound.mail import folder, ses, smtp
from app.outbound.mail.message import from_content, on_the_wire
from app.settings.config import settings
from app.values.email_addresses import CannotBeAddressed, wire_form

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from email.message import EmailMessage

    from app.outbound.deliveries.models import Delivery
    from app.outbound.mail.taken import Taken


class Send(Protocol):
    """A call of a transport: gives what it took of a mail to addresses in their wire form.

    Raises `NotSent`, `Refused` or `OutcomeUnknown` where that is the same for all of them.
    """

    def __call__(self, mail: EmailMessage, *, to: tuple[str, ...], handover: HandOver) -> Taken: ...


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


def _send(send: Send, delivery: Delivery, handover: HandOver, *, to: tuple[str, ...]) -> Outcome:
    wire, refused = _wire_forms(to)
    if not wire:
        raise Refused(_sentence(refused))
    message = from_content(delivery.key, delivery.content | {"to": list(wire)})
    mail = on_the_wire(message, at=datetime.now(UTC))
    taken = send(mail, to=tuple(wire), handover=handover)
    # Those who were told are told no more; whoever is left is the mail from now on.
    left = [wire[one] for one in taken.later]
    return Outcome(
        provider_id=taken.id,
        refused=_sentence(refused | taken.refused) if refused or taken.refused else None,
        left=delivery.content | {"to": left} if left else None,
        why_left=_sentence(taken.later),
    )


def _wire_forms(to: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
    """The addresses by their wire forms, and those that have none by what is wrong."""
    wire: dict[str, str] = {}
    refused: dict[str, str] = {}
    for address in to:
        try:
            wire[wire_form(address)] = address
        except CannotBeAddressed as error:
            refused[address] = str(error)
    return wire, refused


def _sentence(reasons: Mapping[str, str]) -> str:
    return " ".join(reasons.values())
