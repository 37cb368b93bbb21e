"""The tasks of pricing, run by real workers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from app.db.sessions import reading
from app.domains.pricing import tasks
from app.domains.pricing.models import BatchDiscount
from app.jobs.declaration.registry import tasks as declared
from app.jobs.ledger.models import Job, State
from app.schedule.spec import cron
from app.topology import Queue
from tests.domains.pricing import shop
from tests.servers import wait_until

if TYPE_CHECKING:
    from tests.fleet import Fleet

pytestmark = pytest.mark.databases("postgresql")

SECONDS = 60
UNCHANGED = {"opened": 0, "changed": 0, "ended": 0}


def start_worker(fleet: Fleet) -> None:
    fleet.start_worker(queues=",".join(Queue))


def active_discounts() -> int:
    with reading() as session:
        statement = select(func.count()).select_from(BatchDiscount).where(BatchDiscount.valid_to.is_(None))
        return session.scalar(statement) or 0


def job(job_id: str) -> Job:
    with reading() as session:
        return session.get_one(Job, job_id)


def test_each_task_has_its_queue_and_schedule() -> None:
    assert {
        name: (spec.queue, spec.schedule) for name, spec in declared().items() if name.startswith("pricing.")
    } == {
        "pricing.recompute_all_discounts": (Queue.DISCOUNTS, cron("0 * * * *")),
        "pricing.compute_single_batch_discount": (Queue.DISCOUNTS, None),
        "pricing.parallel_recompute_discounts": (Queue.DISCOUNTS, None),
        "pricing.recompute_batch_chunk": (Queue.DISCOUNTS, None),
        "pricing.summarise_recompute": (Queue.DISCOUNTS, None),
        "pricing.cleanup_expired_discounts": (Queue.MAINTENANCE, cron("0 2 * * *")),
        "pricing.update_price_history": (Queue.ANALYTICS, cron("0 */6 * * *")),
    }


def test_each_public_task_describes_its_arguments() -> None:
    parallel = declared()["pricing.parallel_recompute_discounts"].model.model_json_schema()["properties"]
    assert parallel["days_threshold"] == {
        "default": 30,
        "maximum": 3650,
        "minimum": 0,
        "title": "Days Threshold",
        "type": "integer",
    }
    assert set(parallel) == {"days_threshold", "chunk_size"}


def test_a_worker_recomputes_and_shows_its_progress(fleet: Fleet) -> None:
    shop.put_many(250)
    start_worker(fleet)
    result = tasks.recompute_all_discounts.delay(days_threshold=30, chunk_size=100)
    stats = result.get(timeout=SECONDS)
    assert stats == {"examined": 250, "opened": 250, "changed": 0, "ended": 0, "unchanged": 0}
    assert active_discounts() == 250
    assert job(result.id).progress == {"done": 250, "total": 250}
    again = tasks.recompute_all_discounts.delay().get(timeout=SECONDS)
    assert again == {"examined": 250, "unchanged": 250, **UNCHANGED}


def test_one_batch_is_recomputed_on_demand(fleet: Fleet) -> None:
    batch = shop.put(code="A")
    shop.put(code="B")
    start_worker(fleet)
    assert tasks.compute_single_batch_discount.delay(batch.id).get(timeout=SECONDS)["opened"] == 1
    assert active_discounts() == 1


def test_a_batch_that_does_not_exist_makes_the_job_dead_at_once(fleet: Fleet) -> None:
    start_worker(fleet)
    job_id = tasks.compute_single_batch_discount.delay(4711).id
    wait_until(lambda: job(job_id).state == State.DEAD, seconds=SECONDS, what="the job is dead")
    assert "no batch with the id 4711" in (job(job_id).error or "")
    assert job(job_id).attempt == 1


def test_a_parallel_recompute_ends_with_the_sum_of_its_parts(fleet: Fleet) -> None:
    shop.put_many(250)
    start_worker(fleet)
    result = tasks.parallel_recompute_discounts.delay(chunk_size=60)
    assert result.get(timeout=SECONDS) == {"examined": 250, **UNCHANGED, "opened": 250, "unchanged": 0}
    assert job(result.id).state == State.DONE
    assert active_discounts() == 250
    with reading() as session:
        parts = session.scalars(select(Job.result).where(Job.task == tasks.recompute_batch_chunk.name)).all()
    assert sorted(part["examined"] for part in parts) == [10, 60, 60, 60, 60]


def test_a_parallel_recompute_of_nothing_ends_at_once(fleet: Fleet) -> None:
    start_worker(fleet)
    result = tasks.parallel_recompute_discounts.delay().get(timeout=SECONDS)
    assert result == {"examined": 0, "unchanged": 0, **UNCHANGED}


def test_cleanup_and_history_run_on_their_queues(fleet: Fleet) -> None:
    batch = shop.put(days=2)
    shop.recompute()
    start_worker(fleet)
    assert tasks.update_price_history.delay().get(timeout=SECONDS) == {"recorded": 2}
    shop.change(batch, days=-1)
    cleaned = tasks.cleanup_expired_discounts.delay().get(timeout=SECONDS)
    assert cleaned == {"expired_batches": 1, "past_expires_at": 0}
    assert tasks.update_price_history.delay().get(timeout=SECONDS) == {"recorded": 1}
