"""A recompute whose worker is killed and whose broker is wiped prices every batch, each once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from app import db
from app.pricing import tasks
from app.pricing.models import BatchDiscount
from tests.faults.ledger import states, wait_until_all_done
from tests.pricing.shop import put_many
from tests.servers import wait_until

if TYPE_CHECKING:
    from tests.fleet import Fleet
    from tests.servers import RedisServer

BATCHES = 4_000


def discounts() -> int:
    with db.reading() as session:
        return session.scalar(select(func.count()).select_from(BatchDiscount)) or 0


def most_discounts_of_a_batch() -> int:
    per_batch = (
        select(func.count().label("number")).select_from(BatchDiscount).group_by(BatchDiscount.batch_id)
    )
    with db.reading() as session:
        return session.scalar(select(func.max(per_batch.subquery().c.number))) or 0


def test_a_recompute_survives_its_worker_and_its_broker(fleet: Fleet, own_redis: RedisServer) -> None:
    put_many(BATCHES)
    fleet.start_beat()
    worker = fleet.start_worker("first")
    tasks.parallel_recompute_discounts.delay(chunk_size=100)
    wait_until(lambda: discounts() > BATCHES / 8, seconds=30, what="some batches are priced")
    worker.kill()
    own_redis.kill()
    own_redis.wipe()
    assert discounts() < BATCHES, "the worker was too quick to be killed in the middle"
    own_redis.start()
    fleet.start_worker("second")
    wait_until_all_done()
    assert sum(states().values()) == BATCHES / 100 + 2
    assert discounts() == BATCHES
    assert most_discounts_of_a_batch() == 1
