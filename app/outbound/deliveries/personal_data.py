"""What deliveries hold about people: what was sent to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import case, or_, select

from app.jobs.ledger.models import Job
from app.jobs.personal_data import naming
from app.outbound.deliveries.models import Delivery, DeliveryState
from app.personal_data.declaration import Anonymise, Declaration, PersonalTable, Subject

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement


def _rows(who: Subject) -> ColumnElement[bool]:
    """Mails to the address, alone or among others, and what jobs sent that name the person."""
    to, address = Delivery.recipient, who.email
    return or_(
        to == address,
        to.startswith(f"{address}, ", autoescape=True),
        to.endswith(f", {address}", autoescape=True),
        to.contains(f", {address}, ", autoescape=True),
        to.endswith(f" of user {who.user_id}", autoescape=True),
        Delivery.job_id.in_(select(Job.id).where(naming(who))),
    )


DECLARATION = Declaration(
    tables=(
        PersonalTable(
            model=Delivery,
            rows=_rows,
            # The key stays, so that nothing is sent a second time.
            erasure=Anonymise(
                {
                    "recipient": "erased",
                    "subject": "erased",
                    "content": {"to": []},
                    "provider_id": None,
                    "error": None,
                    "state": case(
                        (Delivery.state == DeliveryState.WAITING, DeliveryState.SUPPRESSED.value),
                        else_=Delivery.state,
                    ),
                }
            ),
            withheld={"content": "It may hold links that let their holder in; the person has the mail."},
            in_use=lambda _who: Delivery.state == DeliveryState.SENDING,
        ),
    )
)
