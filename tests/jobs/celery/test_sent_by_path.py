"""Tasks are sent by paths of functions, as other services name them, and recorded by their own names."""

from __future__ import annotations

from typing import Any

import pytest
from celery import chain, chord, group, signature

from app.celery_app import celery_app, send_task
from app.db.sessions import reading
from app.jobs.errors import NoPublicTask
from app.jobs.ledger.models import Job
from app.jobs.ledger.seal import is_sealed
from tests.fleet import run_celery
from tests.jobs import samples
from tests.jobs.running import all_jobs, job_of
from tests.sample import tasks

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.databases("sqlite")]
GREET = "app.tasks.greeting.greet"


def test_a_job_has_the_name_of_its_task() -> None:
    job = job_of(str(celery_app.send_task(GREET, args=["Ada"], kwargs={"times": 2}, key="once").id))
    assert (job.task, job.queue, job.max_attempts) == (samples.greet.name, "maintenance", 5)
    assert (job.args, job.kwargs, job.key) == (["Ada"], {"times": 2}, "once")


def test_arguments_are_given_as_to_the_function() -> None:
    job = job_of(str(send_task(GREET, "Ada", times=2).id))
    assert (job.task, job.args, job.kwargs) == (samples.greet.name, ["Ada"], {"times": 2})


def test_an_argument_may_be_called_name() -> None:
    assert job_of(str(send_task(samples.greet.name, name="Ada").id)).kwargs == {"name": "Ada"}


def test_the_command_line_of_celery_sends_so() -> None:
    path = "app.tasks.plaid_tasks.sync_all_accounts"
    assert job_of(run_celery("call", path).strip()).task == "banking.sync_all_accounts"


@pytest.mark.parametrize("path", ["app.tasks.internal", "app.tasks.samples.gret", "app.tasks.plaid_tasks.x"])
def test_nothing_is_accepted_by_another_path(path: str) -> None:
    with pytest.raises(NoPublicTask):
        send_task(path)
    assert all_jobs() == []


def test_a_canvas_carries_the_names_of_tasks_and_seals_as_they_say() -> None:
    last = signature(
        "app.tasks.samples.sign_in", kwargs={"user": "ada", "password": "hunter2"}, immutable=True
    )
    chain(signature(GREET, args=["Ada"]), last).apply_async()
    [link] = _options(all_jobs()[0].id)["chain"]
    assert link["task"] == samples.sign_in.name
    assert is_sealed(link["kwargs"]["password"])


def test_parts_of_a_chord_are_the_tasks_of_their_paths() -> None:
    body = signature(GREET, args=["all"], immutable=True)
    chord(group(signature("app.tasks.add", args=[1, n]) for n in range(2)))(body)
    assert [job.task for job in all_jobs()] == [tasks.add.name] * 2
    assert _options(all_jobs()[0].id)["chord"]["task"] == samples.greet.name


def test_a_canvas_that_could_not_go_on_is_refused_as_a_whole() -> None:
    with pytest.raises(NoPublicTask):
        chain(signature(GREET, args=["Ada"]), signature("app.tasks.internal", immutable=True)).apply_async()
    assert all_jobs() == []


def _options(job_id: str) -> Any:
    with reading() as session:
        return session.get_one(Job, job_id).options
