"""A recompute that loses its worker, or worker and broker, prices every batch, each once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from app.db.sessions import reading
from app.domains.pricing import tasks
from app.domains.pricing.models import BatchDiscount
from app.jobs.ledger.models import Job, State
from app.settings.business_clock import business_now
from tests.domains.pricing.shop import put_many
from tests.faults.ledger import wait_until_all_done
from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fleet import Fleet
    from tests.servers import RedisServer

BATCHES = 3_000


def job(job_id: str) -> Job:
    with reading() as session:
        return session.get_one(Job, job_id)


def examined(job_id: str) -> int:
    stats = job(job_id).result
    assert stats is not None
    return int(stats["examined"])


def discounts_by_batch() -> list[int]:
    per_batch = select(func.count()).select_from(BatchDiscount).group_by(BatchDiscount.batch_id)
    with reading() as session:
        return list(session.scalars(per_batch))


def test_a_recompute_whose_worker_is_killed_is_finished_by_another(
    fleet: Fleet, configure: Callable[..., None]
) -> None:
    # Its attempts are of one day, though it runs over midnight.
    configure(pretend_now=business_now().isoformat())
    put_many(BATCHES)
    first = fleet.start_worker("first")
    fleet.start_beat()
    job_id = tasks.recompute_all_discounts.delay(chunk_size=5).id
    wait_until(lambda: job(job_id).progress, seconds=20, what="the recompute has come some way")
    first.kill()
    assert job(job_id).state == State.RUNNING, "it was done before the worker was killed"
    fleet.start_worker("second")
    wait_until_all_done()
    assert examined(job_id) == BATCHES
    assert discounts_by_batch() == [1] * BATCHES


def test_a_parallel_recompute_survives_its_worker_and_its_broker(
    fleet: Fleet, own_redis: RedisServer
) -> None:
    put_many(BATCHES)
    fleet.start_beat()
    worker = fleet.start_worker("first")
    job_id = tasks.parallel_recompute_discounts.delay(chunk_size=100).id
    wait_until(lambda: len(discounts_by_batch()) > BATCHES / 8, seconds=30, what="some batches are priced")
    worker.kill()
    own_redis.kill()
    own_redis.wipe()
    assert len(discounts_by_batch()) < BATCHES, "it was done before the worker was killed"
    own_redis.start()
    fleet.start_worker("second")
    wait_until_all_done()
    assert examined(job_id) == BATCHES
    assert discounts_by_batch() == [1] * BATCHES
