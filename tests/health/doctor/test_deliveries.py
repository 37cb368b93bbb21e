"""What the doctor says about deliveries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from app.db.sessions import transaction
from app.health.doctor import deliveries
from app.health.doctor.finding import Level
from app.jobs.ledger.models import Job, State
from app.outbound.deliveries import service
from app.outbound.deliveries.models import DeliveryState
from app.outbound.deliveries.service import Outgoing
from tests.jobs import samples

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


@pytest.mark.parametrize("state", list(State))
def test_a_delivery_under_way_whose_job_has_ended_is_stuck(database: Engine, state: State) -> None:
    job_id = samples.greet.delay("Ada").id
    outgoing = Outgoing(key="k", channel="email", recipient="ann", subject="Hello", content={})
    with transaction() as session:
        delivery = service.prepare(session, outgoing)
        delivery.state, delivery.job_id = DeliveryState.SENDING, job_id
        session.execute(update(Job).where(Job.id == job_id).values(state=state))
    finding = deliveries.no_delivery_is_stuck()
    assert finding.level is (Level.PROBLEM if state.is_terminal else Level.OK)


def test_a_delivery_under_way_whose_job_is_forgotten_is_stuck(database: Engine) -> None:
    outgoing = Outgoing(key="k", channel="email", recipient="ann", subject="Hello", content={})
    with transaction() as session:
        delivery = service.prepare(session, outgoing)
        delivery.state, delivery.job_id = DeliveryState.SENDING, "forgotten"
    assert deliveries.no_delivery_is_stuck().level is Level.PROBLEM
