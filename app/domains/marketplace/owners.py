"""Whose orders and licences are: their buyer's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from app.db.sessions import reading
from app.domains.marketplace.licences.errors import LicenceNotFound
from app.domains.marketplace.licences.models import Licence
from app.domains.marketplace.orders.errors import OrderNotFound
from app.domains.marketplace.orders.models import Order
from app.tokens.owners import Owner

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.errors import NotFound


def _bought(parameter: str, table: type[Any], absent: Callable[..., NotFound]) -> Owner:
    """Of what has its id in the path at `parameter`."""

    def refuse_others(me: int, /, **ids: int) -> None:
        mine = select(table.id).where(table.id == ids[parameter], table.user_id == me)
        with reading() as session:
            if session.scalar(mine) is None:
                raise absent(**ids)

    return Owner(says="Its buyer, and administrators.", ids=(parameter,), refuse_others=refuse_others)


OF_BUYER = _bought("order_id", Order, OrderNotFound)
LICENCE_OF_BUYER = _bought("licence_id", Licence, LicenceNotFound)
