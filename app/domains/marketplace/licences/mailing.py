"""Mails licences to their buyers, once each. Nothing here commits.

The key is looked up here, by a worker: no job, message or result holds it, and the mail is sealed until it is
sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domains.accounts.service import person
from app.domains.marketplace.catalog.models import SoftwareModel
from app.domains.marketplace.licences.checking import licence_of
from app.outbound.mail.service import queue_mail

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def deliver(session: Session, *, licence_id: int) -> int | None:
    """Have a licence mailed, once however often it is asked for; the delivery's id.

    One that was revoked is not mailed. Raises `LicenceNotFound`.
    """
    licence = licence_of(session, licence_id=licence_id)
    if licence.revoked_at is not None:
        return None
    buyer = person(session, user_id=licence.user_id)
    context = {
        "name": buyer.name,
        "title": session.get_one(SoftwareModel, licence.model_id).title,
        "key": licence.key,
        "devices": licence.max_activations,
        "ends_on": licence.expires_at and f"{licence.expires_at:%Y-%m-%d}",
    }
    return queue_mail(
        session,
        key=f"licence:{licence.id}",
        to=[buyer.email],
        template="licences/licence",
        context=context,
        sealed=True,
    )
