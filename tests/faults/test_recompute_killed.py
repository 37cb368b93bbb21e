"""A worker that is killed while it recomputes leaves every batch priced once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from app import db
from app.jobs.models import Job, State
from app.pricing import tasks
from app.pricing.models import BatchDiscount
from tests.pricing import shop
from tests.servers import wait_until

if TYPE_CHECKING:
    from tests.fleet import Fleet

BATCHES = 3_000


def job(job_id: str) -> Job:
    with db.reading() as session:
        return session.get_one(Job, job_id)


def test_a_recompute_whose_worker_is_killed_is_finished_by_another(fleet: Fleet) -> None:
    shop.put_many(BATCHES)
    first = fleet.start_worker("first")
    fleet.start_beat()
    job_id = tasks.recompute_all_discounts.delay(chunk_size=5).id
    wait_until(lambda: job(job_id).progress, seconds=20, what="the recompute has come some way")
    first.kill()
    assert job(job_id).state == State.RUNNING, "it was done before the worker was killed"
    fleet.start_worker("second")
    wait_until(lambda: job(job_id).state == State.DONE, seconds=60, what="the recompute is done")
    stats = job(job_id).result
    assert stats is not None
    assert stats["examined"] == BATCHES
    assert stats["unchanged"] > 0, "what was priced before the kill was priced again"
    with db.reading() as session:
        per_batch = select(func.count()).select_from(BatchDiscount).group_by(BatchDiscount.batch_id)
        assert session.scalars(per_batch).all() == [1] * BATCHES
