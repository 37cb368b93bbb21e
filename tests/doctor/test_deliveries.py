"""What the doctor says about deliveries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.db import transaction
from app.deliveries import service
from app.deliveries.models import DeliveryState
from app.deliveries.service import Outgoing
from app.doctor import deliveries
from app.doctor.finding import Level

if TYPE_CHECKING:
    from sqlalchemy import Engine


def test_an_uncertain_delivery_is_for_a_person_to_settle(database: Engine) -> None:
    assert deliveries.no_delivery_is_uncertain().level is Level.OK
    outgoing = Outgoing(key="k", channel="email", recipient="ann", subject="Hello", content={})
    with transaction() as session:
        service.prepare(session, outgoing).state = DeliveryState.UNCERTAIN
    finding = deliveries.no_delivery_is_uncertain()
    assert finding.level is Level.WARNING
    assert "groundwork deliveries settle" in (finding.fix or "")
