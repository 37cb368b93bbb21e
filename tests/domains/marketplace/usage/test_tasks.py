"""The tasks of usage, run by real workers: what a job tells counts once, whatever becomes of its worker."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from app.celery_app import send_task
from app.db.engine import engine
from app.db.sessions import transaction
from app.domains.marketplace.tasks import forget_usage_events, update_model_analytics
from app.domains.marketplace.usage import counting
from app.jobs.declaration.registry import tasks as declared
from app.schedule.spec import cron
from app.settings.business_clock import business_now
from app.topology import Queue
from tests.domains.marketplace.market import NOW, add_model
from tests.domains.marketplace.usage.happened import event, remembered, totals
from tests.jobs.running import job_of
from tests.servers import wait_until

if TYPE_CHECKING:
    from tests.fleet import Fleet

pytestmark = pytest.mark.databases("postgresql")
SECONDS = 60


def test_each_task_has_its_queue_and_schedule() -> None:
    counts, forgets = (
        declared()[f"marketplace.{name}"] for name in ("update_model_analytics", "forget_usage_events")
    )
    assert (counts.queue, counts.public, counts.scope) == (Queue.MODELS, True, "usage:write")
    assert (forgets.queue, forgets.schedule) == (Queue.MAINTENANCE, cron("50 * * * *"))


def test_what_is_sent_as_documents_show_is_counted_once_for_each_job(fleet: Fleet) -> None:
    fleet.start_worker(queues="models,maintenance")
    model = add_model()
    sent = [send_task("app.tasks.models.update_model_analytics", model, kind) for kind in ("view", "view")]
    sent.append(update_model_analytics.delay(model_id=model, event_type="download"))
    for one in sent:
        assert one.get(timeout=SECONDS) == {"counted": 1}
    assert totals() == {"view": 2, "download": 1}
    for model_id, kind, sentence in (
        (4_711, "view", "no model with the id 4711"),
        (model, "sale", "event_type"),
    ):
        with pytest.raises(Exception, match=sentence):
            send_task("app.tasks.models.update_model_analytics", model_id, kind).get(timeout=SECONDS)
    with transaction() as session:
        again = event(model, id=f"job/{sent[0].id}")
        assert counting.count(session, [again], now=NOW) == 0, "a job is the same event whenever it comes"
        counting.count(session, [event(model)], now=business_now() - timedelta(days=9))
    assert forget_usage_events.delay().get(timeout=SECONDS) == {"events": 1}
    assert (remembered(), totals()["view"]) == (3, 3)


def test_a_job_whose_worker_dies_in_the_middle_counts_once(fleet: Fleet) -> None:
    model = add_model()
    first = fleet.start_worker("first", queues="models")
    with engine().connect() as other:
        # The worker has counted, and waits here to write the sum.
        other.execute(text("LOCK TABLE usage_count IN SHARE MODE"))
        job_id = update_model_analytics.delay(model, "purchase").id
        wait_until(_is_waiting, seconds=SECONDS, what="the job waits in the middle")
        first.kill()
    assert totals() == {}
    fleet.start_beat()
    fleet.start_worker("second", queues="models")
    wait_until(lambda: job_of(job_id).state == "done", seconds=SECONDS, what="the job is done")
    assert (job_of(job_id).attempt, job_of(job_id).result) == (2, {"counted": 1})
    assert totals() == {"purchase": 1}


def _is_waiting() -> bool:
    with engine().connect() as connection:
        waiting = "wait_event_type = 'Lock' AND query LIKE 'INSERT INTO usage_count%'"
        return bool(connection.scalar(text(f"SELECT count(*) FROM pg_stat_activity WHERE {waiting}")))
