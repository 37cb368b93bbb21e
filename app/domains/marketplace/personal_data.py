"""What the marketplace holds about people: what they bought."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from app.domains.marketplace.licences.models import Licence, LicenceActivation
from app.domains.marketplace.orders.models import Order, OrderLine, OrderPayment
from app.personal_data.declaration import Declaration, Delete, Keep, PersonalTable

if TYPE_CHECKING:
    from sqlalchemy import Select

    from app.personal_data.declaration import Subject

KEPT = Keep(
    "Orders and payments are kept as long as tax and commercial law requires, ten years as a rule (GDPR, "
    "Article 17(3)(b)); whose they were is no longer said."
)


def _orders(who: Subject) -> Select[int]:
    return select(Order.id).where(Order.user_id == who.user_id)


def _licences(who: Subject) -> Select[int]:
    return select(Licence.id).where(Licence.user_id == who.user_id)


DECLARATION = Declaration(
    tables=(
        PersonalTable(model=Order, rows=lambda who: Order.user_id == who.user_id, erasure=KEPT),
        PersonalTable(model=OrderLine, rows=lambda who: OrderLine.order_id.in_(_orders(who)), erasure=KEPT),
        PersonalTable(
            model=OrderPayment, rows=lambda who: OrderPayment.order_id.in_(_orders(who)), erasure=KEPT
        ),
        PersonalTable(
            model=Licence,
            rows=lambda who: Licence.user_id == who.user_id,
            erasure=Keep("A licence that was paid for stays good; whose it is is no longer said."),
            withheld={"digest": "It is the hash of the key.", "key": "It was mailed to its buyer."},
        ),
        PersonalTable(
            model=LicenceActivation,
            rows=lambda who: LicenceActivation.licence_id.in_(_licences(who)),
            erasure=Delete(),
        ),
    )
)
