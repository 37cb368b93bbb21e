"""Plaid forgets the banks of somebody who is erased, as soon as it is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db.engine import engine
from app.db.sessions import reading, transaction
from app.domains.banking import personal_data, removing, service, tasks
from app.domains.banking.models import ItemStatus, Role
from app.jobs.declaration.registry import tasks as declared
from app.outbound.deliveries.errors import NotSent
from app.outbound.deliveries.models import Delivery, DeliveryState
from app.personal_data.declaration import Subject
from app.topology import Queue
from tests.checkpoints import committing
from tests.domains.banking.linking import NOW, Home, household, item_row, jobs, link, user
from tests.fakes.plaid.faults import Refusal
from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fakes.plaid import FakePlaid
    from tests.fakes.plaid.bank import Item
    from tests.fleet import Fleet

pytestmark = pytest.mark.databases("sqlite")
REMOVE = "/item/remove"
SECONDS = 60


def alone(item: Item) -> tuple[int, int]:
    """Somebody whose household has linked a bank and no other members, and our id of the item."""
    ada = user()
    with transaction() as session:
        home = service.create_household(
            session, name="Home", currency="USD", members={ada: Role.ADMIN}, now=NOW
        )
    return ada, link(item, Home(id=home.id, admins=(ada, ada), member=ada))


def sever(user_id: int) -> None:
    with transaction() as session:
        personal_data.DECLARATION.sever(session, Subject(user_id=user_id, email="ada@example.org"))


def deliveries() -> list[Delivery]:
    with reading() as session:
        return list(session.scalars(select(Delivery).where(Delivery.channel == removing.CHANNEL)))


def remove(delivery: Delivery) -> str:
    with Session(engine(), expire_on_commit=False) as session:
        done = removing.remove(session, delivery_id=delivery.id, job_id="job-1", commit=committing(session))
        session.commit()
        return done


def test_the_task_has_its_queue() -> None:
    assert declared()[removing.REMOVE_TASK].queue == Queue.BANKING


def test_plaid_is_told_once(plaid: FakePlaid) -> None:
    item = plaid.bank.new_item()
    ada, item_id = alone(item)
    for _ in range(2):
        sever(ada)
    [delivery] = deliveries()
    assert item.access_token not in str(delivery.content)
    assert item_row(item_id).status == ItemStatus.REVOKED
    assert [remove(delivery), remove(delivery)] == [DeliveryState.SENT] * 2
    assert (item.removed, plaid.count(REMOVE), deliveries()[0].content) == (True, 1, {})
    assert len(jobs(removing.REMOVE_TASK)) == 1


def test_what_others_share_in_stays_connected(plaid: FakePlaid) -> None:
    home = household()
    item_id = link(plaid.bank.new_item(), home)
    sever(home.member)
    assert deliveries() == []
    assert item_row(item_id).status == ItemStatus.ACTIVE


@pytest.mark.parametrize("code", sorted(removing.GONE_CODES))
def test_what_is_gone_is_as_good_as_removed(plaid: FakePlaid, code: str) -> None:
    sever(alone(plaid.bank.new_item())[0])
    plaid.faults.refuse(REMOVE, Refusal(status=400, type="INVALID_INPUT", code=code))
    assert remove(deliveries()[0]) == DeliveryState.SENT
    assert code in (deliveries()[0].error or "")


def test_plaid_is_told_later_while_it_is_down_or_its_keys_are_wrong(
    plaid: FakePlaid, configure: Callable[..., None]
) -> None:
    item = plaid.bank.new_item()
    sever(alone(item)[0])
    plaid.faults.break_down(REMOVE)
    plaid.faults.refuse(REMOVE, Refusal(status=400, type="INVALID_INPUT", code="INVALID_API_KEYS"))
    for said in ("INTERNAL_SERVER_ERROR", "INVALID_API_KEYS"):
        with pytest.raises(NotSent, match=said):
            remove(deliveries()[0])
    configure(plaid_client_id="")
    with pytest.raises(NotSent, match="GROUNDWORK_PLAID_CLIENT_ID"):
        remove(deliveries()[0])
    configure(plaid_client_id="fake-client-id")
    assert remove(deliveries()[0]) == DeliveryState.SENT
    assert item.removed


@pytest.mark.databases("postgresql")
def test_a_worker_that_dies_while_plaid_is_told_leaves_it_to_another(plaid: FakePlaid, fleet: Fleet) -> None:
    item = plaid.bank.new_item()
    ada, _ = alone(item)
    held = plaid.faults.hold(REMOVE)
    fleet.start_beat()
    first = fleet.start_worker("first", queues="banking")
    sever(ada)
    assert held.reached.wait(SECONDS)
    first.kill()
    held.release()
    fleet.start_worker("second", queues="banking")
    wait_until(lambda: deliveries()[0].state == DeliveryState.SENT, seconds=SECONDS, what="Plaid was told")
    assert item.removed
    assert deliveries()[0].content == {}
    tasks.remove_item.delay(delivery_id=deliveries()[0].id).get(timeout=SECONDS)
    assert plaid.count(REMOVE) == 2
