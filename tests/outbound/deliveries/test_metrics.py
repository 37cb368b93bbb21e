"""What the metrics say of deliveries and heartbeats."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.db.sessions import transaction
from app.jobs.ledger.models import Worker
from app.outbound.deliveries import service
from app.outbound.deliveries.models import DeliveryState
from app.outbound.deliveries.service import Outgoing
from app.settings.config import settings
from tests.jobs.web.test_metrics import sample

pytestmark = pytest.mark.usefixtures("database")


def test_what_is_not_settled_is_counted_by_channel_and_state() -> None:
    states = [DeliveryState.SENDING, DeliveryState.UNCERTAIN, DeliveryState.UNCERTAIN, DeliveryState.SENT]
    with transaction() as session:
        for number, state in enumerate(states):
            outgoing = Outgoing(
                key=str(number), channel="email", recipient="ann", subject="Hello", content={}
            )
            service.prepare(session, outgoing).state = state
    assert sample("deliveries", channel="email", state="uncertain") == 2
    assert sample("deliveries", channel="email", state="sending") == 1
    assert sample("deliveries", channel="email", state="sent") is None
    assert sample("deliveries_stuck") == 1


def test_a_worker_that_falls_silent_is_seen_by_the_age_of_its_heartbeat() -> None:
    now = datetime.now(UTC)
    common = {"node": "bulk@here", "release": settings().release, "concurrency": 1, "started_at": now}
    with transaction() as session:
        session.add(Worker(name="bulk@here#1", seen_at=now - timedelta(seconds=500), **common))
        session.add(Worker(name="bulk@here#2", seen_at=now - timedelta(seconds=90), **common))
    age = sample("worker_heartbeat_age_seconds", node="bulk@here")
    assert age is not None
    assert 89 <= age < 300
