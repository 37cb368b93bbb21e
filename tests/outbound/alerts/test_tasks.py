"""Real workers tell of an alert once, whatever becomes of them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.db.clock import now
from app.db.sessions import reading, transaction
from app.jobs.ledger.models import Job, State
from app.outbound.alerts import service
from app.outbound.alerts.look import Look, Problem
from app.outbound.alerts.models import Alert
from app.outbound.alerts.tasks import forget_closed
from app.outbound.deliveries.models import Delivery, DeliveryState
from tests.fakes.hooks import busy
from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fakes.hooks import HookServer
    from tests.fleet import Fleet

pytestmark = pytest.mark.databases("postgresql")

SECONDS = 60
QUEUES = "notifications"
FULL = Look(kind="disk", problems={"worker-1": Problem(sentence="The disk is full.")})


@pytest.fixture(autouse=True)
def configured(hooks: HookServer, fleet: Fleet, configure: Callable[..., None]) -> None:
    assert fleet
    configure(alert_slack_urls=hooks.slack_url, alert_webhook_urls=hooks.hook_url)


def take(look: Look) -> list[str]:
    with transaction() as session:
        return [told.job_id for told in service.take(session, [look])]


def wait_for(job_ids: list[str], state: State) -> None:
    def states() -> set[str]:
        with reading() as session:
            return set(session.scalars(select(Job.state).where(Job.id.in_(job_ids))))

    wait_until(lambda: states() == {state}, seconds=SECONDS, what=f"all are {state}")


def test_every_channel_is_told_once_and_one_that_is_busy_later(hooks: HookServer, fleet: Fleet) -> None:
    hooks.answers.append(busy(retry_after="1"))
    fleet.start_beat()
    fleet.start_worker(queues=QUEUES)
    wait_for(take(FULL) + take(FULL), State.DONE)
    assert sorted(one.path for one in hooks.taken) == sorted({one.path for one in hooks.taken})
    assert len(hooks.taken) == 2


def test_a_worker_that_dies_after_the_alert_left_does_not_tell_it_twice(
    hooks: HookServer, fleet: Fleet, configure: Callable[..., None]
) -> None:
    configure(alert_webhook_urls="")
    held = hooks.hold()
    fleet.start_beat()
    worker = fleet.start_worker("first", queues=QUEUES)
    job_ids = take(FULL)
    assert held.reached.wait(SECONDS)
    worker.kill()
    held.released.set()
    fleet.start_worker("second", queues=QUEUES)
    wait_for(job_ids, State.DEAD)
    assert len(hooks.texts) == 1
    with reading() as session:
        assert session.scalars(select(Delivery.state)).one() == DeliveryState.UNCERTAIN


@pytest.mark.databases("sqlite")
def test_what_was_closed_long_ago_is_forgotten_and_what_is_open_is_not(fleet: Fleet) -> None:
    take(FULL)
    take(Look(kind="redis", problems={"": Problem(sentence="gone")}))
    with transaction() as session:
        disk = session.scalars(select(Alert).where(Alert.kind == "disk")).one()
        disk.closed_at = now(session) - timedelta(days=31)
    fleet.start_worker(queues="maintenance")
    assert [forget_closed.delay().get(timeout=SECONDS) for _ in range(2)] == [1, 0]
    with reading() as session:
        assert session.scalars(select(Alert.kind)).all() == ["redis"]
