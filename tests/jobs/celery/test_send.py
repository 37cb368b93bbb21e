"""Sending: every option a Celery user gives is in the row, or refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from kombu import Queue as KombuQueue

from app.celery_app import celery_app
from app.db.sessions import transaction
from app.jobs.accept import accept
from app.jobs.errors import ArgumentsNotJson, ArgumentsTooLarge, JobIdReused, UnknownQueue, UnknownTask
from app.jobs.factory import new_job
from app.jobs.ledger.models import State
from app.topology import Priority
from tests.jobs.running import all_jobs, job_of
from tests.sample import tasks

pytestmark = pytest.mark.usefixtures("database")
SOON = datetime.now(UTC) + timedelta(hours=1)


def row(**options: Any) -> Any:
    """The row of a job sent with these options."""
    return job_of(str(tasks.add.apply_async((1, 2), **options).id))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, {"state": State.READY, "queue": "default", "priority": Priority.NORMAL}),
        ({"task_id": "mine"}, {"id": "mine"}),
        ({"key": "mine"}, {"key": "mine"}),
        ({"queue": "analytics"}, {"queue": "analytics"}),
        ({"queue": KombuQueue("analytics")}, {"queue": "analytics"}),
        ({"priority": Priority.URGENT}, {"priority": 0}),
        ({"eta": SOON}, {"state": State.SCHEDULED, "run_at": SOON}),
        ({"eta": SOON.replace(tzinfo=None)}, {"run_at": SOON}),
        ({"eta": SOON.isoformat()}, {"run_at": SOON}),
        ({"countdown": 60}, {"state": State.SCHEDULED}),
        ({"countdown": 0}, {"state": State.READY}),
        ({"countdown": -5}, {"state": State.READY}),
        ({"expires": SOON}, {"expires_at": SOON}),
        ({"expires": SOON.isoformat()}, {"expires_at": SOON}),
        ({"group_id": "g"}, {"group_id": "g"}),
    ],
)
def test_an_option_is_kept_in_its_column(options: dict[str, Any], expected: dict[str, Any]) -> None:
    job = row(**options)
    assert {name: getattr(job, name) for name in expected} == expected


def test_a_countdown_goes_before_a_moment_as_in_celery() -> None:
    job = row(countdown=60, eta=SOON)
    assert job.run_at - job.accepted_at == timedelta(seconds=60)
    assert row(countdown=0, eta=SOON).run_at == SOON


def test_an_id_that_comes_again_with_the_same_arguments_is_the_same_job() -> None:
    again = tasks.add.apply_async(kwargs={"y": 2, "x": 1}, task_id="mine")
    assert row(task_id="mine").id == row(task_id="mine").id == again.id
    for _ in range(2):
        tasks.length.apply_async(("ann",), {"password": "hunter2"}, task_id="sealed")
    assert [job.id for job in all_jobs()] == ["mine", "sealed"]


def test_an_id_that_comes_again_for_another_job_is_refused() -> None:
    row(task_id="mine")
    tasks.length.apply_async(("ann", "hunter2"), task_id="sealed")
    with pytest.raises(JobIdReused, match=r"mine belongs to a job of sample.add with other arguments"):
        tasks.add.apply_async((1, 3), task_id="mine")
    with pytest.raises(JobIdReused):
        tasks.total.apply_async(([1, 2],), task_id="mine")
    with pytest.raises(JobIdReused):
        tasks.length.apply_async(("ann", "hunter3"), task_id="sealed")
    with transaction() as session, pytest.raises(JobIdReused):
        accept(session, [new_job("sample.add", args=args, id="twice") for args in ((1, 2), (1, 3))])
    assert [job.id for job in all_jobs()][:2] == ["mine", "sealed"]


def test_the_same_key_answers_with_the_job_it_became() -> None:
    first, again = row(key="k"), row(key="k")
    assert first.id == again.id
    assert len(all_jobs()) == 1


@pytest.mark.parametrize(
    ("options", "name", "expected"),
    [
        ({"shadow": "shown"}, "shadow", "shown"),
        ({"headers": {"mine": 1}}, "headers", {"mine": 1}),
        ({"ignore_result": True}, "ignore_result", True),
        ({"time_limit": 5}, "timelimit", [5, 4.5]),
        ({"time_limit": 9, "soft_time_limit": 4}, "timelimit", [9, 4]),
        ({"root_id": "r", "parent_id": "p"}, "root_id", "r"),
    ],
)
def test_an_option_of_the_message_is_kept_with_the_row(
    options: dict[str, Any], name: str, expected: Any
) -> None:
    assert row(**options).options[name] == expected


def test_callbacks_are_kept_with_their_sensitive_arguments_sealed() -> None:
    job = row(link=tasks.length.s(password="hunter2"), link_error=[tasks.total.si([1])])
    [callback], [errback] = job.options["callbacks"], job.options["errbacks"]
    assert (callback["task"], errback["task"]) == ("sample.length", "sample.total")
    assert "hunter2" not in str(job.options)


def test_celerys_send_task_by_name_is_the_same_door() -> None:
    result = celery_app.send_task("sample.add", (1, 2))
    assert job_of(str(result.id)).args == [1, 2]
    with pytest.raises(UnknownTask):
        celery_app.send_task("sample.nothing")


def test_a_light_task_is_checked_before_it_is_sent() -> None:
    with pytest.raises(ArgumentsNotJson):
        tasks.touch.delay(object())
    with pytest.raises(ArgumentsTooLarge):
        tasks.touch.delay("x" * 300_000)


def test_what_is_refused_leaves_the_callers_transaction_usable() -> None:
    with transaction():
        with pytest.raises(UnknownQueue):
            tasks.add.apply_async((1, 2), queue="nowhere")
        kept = tasks.add.delay(1, 2)
    assert [job.id for job in all_jobs()] == [kept.id]


def test_wrong_arguments_are_refused_at_the_caller() -> None:
    with pytest.raises(TypeError):
        tasks.add.delay(1)
    assert all_jobs() == []
