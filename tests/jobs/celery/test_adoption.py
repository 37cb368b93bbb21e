"""Messages and tasks of plain Celery, which know no ledger."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from celery import Celery

from app.celery_app import celery_app
from app.jobs.ledger.models import State
from app.settings.config import settings
from tests.jobs.running import (
    all_jobs,
    effects,
    ended,
    job_of,
)
from tests.sample import celery_tasks, tasks
from tests.servers import wait_until

if TYPE_CHECKING:
    from celery.result import AsyncResult

    from tests.jobs.running import Service

pytestmark = pytest.mark.usefixtures("service")
LONG = 60


def test_a_plain_celery_task_is_durable_unchanged() -> None:
    result = celery_tasks.greet.delay("ann")
    assert result.get(timeout=LONG) == "hello ann"
    assert job_of(result.id).state == State.DONE
    assert celery_tasks.insist.delay(2).get(timeout=LONG) == 2


def test_a_message_of_a_producer_without_ledger_is_adopted(service: Service) -> None:
    """Rule three of the ledger: a row is claimed before anything runs, so such a job gets its row first."""
    result = send_as_plain_celery("sample.record_effect", ("adopted",))
    wait_until(lambda: effects("adopted"), seconds=LONG, what="the foreign job ran")
    job = ended(str(result.id))
    assert (job.state, job.task, job.queue, job.args) == (
        State.DONE,
        "sample.record_effect",
        "default",
        ["adopted"],
    )


def test_an_adopted_job_is_retried_like_any_other(service: Service) -> None:
    result = send_as_plain_celery("sample.fail_until", (3,))
    wait_until(lambda: jobs_with_id(result.id), seconds=LONG, what="the foreign job is adopted")
    job = ended(str(result.id))
    assert (job.state, job.attempt, job.result) == (State.DONE, 3, 3)


def test_an_adopted_job_keeps_its_chain_and_its_secrets(service: Service) -> None:
    follow = tasks.add.s(1).set(task_id=str(uuid.uuid4()))
    result = send_as_plain_celery("sample.length", ("ann", "secret"), chain=[follow])
    wait_until(lambda: jobs_with_id(follow.id), seconds=LONG, what="the next link is accepted")
    assert ended(str(follow.id)).result == 10
    assert "secret" not in json.dumps([job_of(str(result.id)).args, job_of(str(result.id)).kwargs])


def test_a_foreign_message_that_asks_for_too_much_ends_as_a_dead_job(service: Service) -> None:
    result = send_as_plain_celery("sample.record_effect", ("x" * 300_000,))
    wait_until(lambda: jobs_with_id(result.id), seconds=LONG, what="the foreign job is in the ledger")
    job = ended(str(result.id))
    assert (job.state, job.task) == (State.DEAD, "sample.record_effect")
    assert "The arguments of sample.record_effect take 300006 bytes as JSON" in str(job.error)


def test_the_same_foreign_message_twice_runs_once(service: Service) -> None:
    job_id = str(uuid.uuid4())
    for _ in range(2):
        send_as_plain_celery("sample.record_effect", ("adopted-once",), task_id=job_id)
    wait_until(lambda: effects("adopted-once"), seconds=LONG, what="the foreign job ran")
    service.wait_until_drained()
    assert effects("adopted-once") == ["adopted-once"]


def send_as_plain_celery(name: str, args: tuple[Any, ...], **options: Any) -> AsyncResult[Any]:
    plain = Celery("plain", broker=settings().broker.for_kombu, set_as_current=False)
    plain.conf.broker_transport_options = celery_app.conf.broker_transport_options
    result = plain.send_task(name, args, queue="default", ignore_result=False, **options)
    plain.close()
    return result


def jobs_with_id(job_id: str | None) -> list[str]:
    return [job.id for job in all_jobs() if job.id == job_id]
