"""What is done to a job from its page: once for each form, by whom it may be, and written down."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from app.db.sessions import reading, transaction
from app.domains.accounts.roles import Role
from app.domains.audit import service as audit
from app.jobs.accept import accept
from app.jobs.factory import new_job
from app.jobs.ledger.models import Job, State
from app.jobs.ledger.seal import is_sealed, unseal
from app.jobs.service import find_job
from tests.console.browser import HERE, signed_in
from tests.jobs import samples
from tests.jobs.ends import accepted, change, finish

if TYPE_CHECKING:
    from httpx import Response
    from sqlalchemy import Engine
    from starlette.testclient import TestClient

JOBS = "/console/jobs"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
SECRET = "wide rivers"


def dead(task: str = samples.greet.name, **arguments: Any) -> str:
    with transaction() as session:
        job_id = accept(session, [new_job(task, kwargs=arguments or {"name": "Ada"})])[0].id
    finish([job_id], ago=timedelta(minutes=1), state=State.DEAD)
    change([job_id], error="KeyError: 'x'")
    return job_id


def fields(client: TestClient, path: str, act: str) -> dict[str, str]:
    """The hidden fields of a page's form."""
    page = client.get(path)
    assert page.status_code == 200, page.text
    form = re.search(rf'<form method="post" action="[^"]*/{act}">(.*?)</form>', page.text, re.DOTALL)
    assert form, f"there is no form to {act}"
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form[1]))


def send(client: TestClient, path: str, form: dict[str, str]) -> Response:
    answer: Response = client.post(path, data=form, headers=HERE)
    return answer


def state_of(job_id: str) -> str:
    with reading() as session:
        return find_job(session, job_id=job_id).state


def noted() -> list[dict[str, Any]]:
    """What is to be written down, the oldest first."""
    with reading() as session:
        jobs = session.scalars(
            select(Job).where(Job.task == audit.OPERATION_TASK).order_by(Job.accepted_at, Job.id)
        )
        return [record for job in jobs for record in job.kwargs["records"]]


def number_of(task: str) -> int:
    with reading() as session:
        return session.scalar(select(func.count()).where(Job.task == task)) or 0


def test_a_dead_job_runs_again_once_for_each_form(database: Engine) -> None:
    job_id = dead()
    client, path = signed_in(), f"{JOBS}/{job_id}"
    form = fields(client, path, "retry")
    answer = send(client, f"{path}/retry", form)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{path}?done=retry")
    assert "It runs again." in client.get(answer.headers["Location"]).text
    assert state_of(job_id) == State.READY
    second = send(client, f"{path}/retry", form)
    assert (second.status_code, "is ready now: nothing was done" in second.text) == (409, True)
    finish([job_id], ago=timedelta(seconds=0), state=State.DEAD)
    third = send(client, f"{path}/retry", form)
    assert (third.status_code, state_of(job_id)) == (409, State.DEAD)
    [record] = noted()
    assert record["arguments"] == {"before": "dead", "after": "ready"}
    assert (record["path"], record["title"]) == (f"{path}/retry", "Run a job again")
    assert record["user_id"] is not None
    assert record["user_name"] == f"user:{record['user_id']}"


def test_a_job_is_cancelled_as_it_was_seen(database: Engine) -> None:
    [job_id] = accepted()
    client, path = signed_in(), f"{JOBS}/{job_id}"
    form = fields(client, path, "cancel")
    change([job_id], state=State.RUNNING, attempt=1, fence=1)
    stale = send(client, f"{path}/cancel", form)
    assert (stale.status_code, state_of(job_id)) == (409, State.RUNNING)
    again = send(client, f"{path}/cancel", fields(client, path, "cancel"))
    assert (again.status_code, state_of(job_id)) == (303, State.CANCELLED)
    [record] = noted()
    assert record["arguments"] == {"before": "running", "after": "cancelled"}


@pytest.mark.databases("sqlite")
def test_what_is_written_down_is_seen_on_the_page(database: Engine) -> None:
    job_id = dead()
    client, path = signed_in(), f"{JOBS}/{job_id}"
    send(client, f"{path}/retry", fields(client, path, "retry"))
    with transaction() as session:
        audit.write_operations(session, noted())
    page = client.get(path).text
    assert "Run a job again" in page
    assert "before: dead, after: ready" in page
    assert "Run a job again" in signed_in(Role.ADMIN).get(path).text
    # What people did is theirs, and for administrators.
    assert "Run a job again" not in signed_in(Role.VIEWER).get(path).text


@pytest.mark.databases("sqlite")
def test_nothing_is_done_by_whom_it_may_not_be_or_that_is_no_form(database: Engine) -> None:
    job_id = dead(samples.transfer.name, iban="DE02")
    path = f"{JOBS}/{job_id}"
    operator = signed_in()
    form = fields(operator, path, "retry")
    viewer = signed_in(Role.VIEWER)
    for act in ("retry", "cancel", "again"):
        assert send(viewer, f"{path}/{act}", form).status_code == 403
    assert viewer.get(f"{path}/again").status_code == 403
    for wrong in ({"other": "a"}, {"version": ""}, {"version": "x" * 10_000}):
        assert send(operator, f"{path}/retry", wrong).status_code == 409
    assert operator.post(f"{path}/retry", json=form, headers=HERE).status_code == 415
    twice = operator.post(f"{path}/retry", content="version=a&version=b", headers=HERE | FORM)
    assert (twice.status_code, "comes twice" in twice.text) == (422, True)
    assert send(operator, f"{JOBS}/nothing/retry", form).status_code == 404
    assert (state_of(job_id), noted()) == (State.DEAD, [])


def edited(client: TestClient, job_id: str, arguments: Any, **more: str) -> tuple[dict[str, str], Response]:
    """What the form sends once somebody has edited it."""
    path = f"{JOBS}/{job_id}/again"
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    form = {**fields(client, path, "again"), "arguments": text, "reason": "It was misspelt.", **more}
    return form, send(client, path, form)


def made_by(answer: Response) -> str:
    assert answer.status_code == 303, unescape(answer.text)
    return answer.headers["Location"].removeprefix(f"{JOBS}/").partition("?")[0]


def test_a_job_is_run_as_a_new_one_with_other_arguments(database: Engine) -> None:
    job_id = dead(name="Adda", times=2)
    client = signed_in()
    form, answer = edited(client, job_id, {"name": "Ada", "times": 2})
    new_id = made_by(answer)
    assert new_id != job_id
    with reading() as session:
        made = find_job(session, job_id=new_id)
        assert (made.kwargs, made.state, made.queue) == ({"name": "Ada", "times": 2}, "ready", "maintenance")
    assert state_of(job_id) == State.DEAD
    again = send(client, f"{JOBS}/{job_id}/again", form)
    assert (made_by(again), "done=known" in again.headers["Location"]) == (new_id, True)
    other = send(client, f"{JOBS}/{job_id}/again", form | {"arguments": '{"name": "Eve"}'})
    assert (other.status_code, new_id in other.text) == (409, True)
    assert number_of(samples.greet.name) == 2
    assert f'href="{JOBS}/{job_id}"' in client.get(f"{JOBS}/{new_id}").text
    assert f'href="{JOBS}/{new_id}"' in client.get(f"{JOBS}/{job_id}").text
    assert [(one["path"], one["arguments"]["job"]) for one in noted()] == [
        (f"{JOBS}/{job_id}/again", new_id),
        (f"{JOBS}/{new_id}", job_id),
    ]
    assert noted()[0]["arguments"] | {"job": ""} == {
        "job": "",
        "changed": ["name"],
        "reason": "It was misspelt.",
    }


@pytest.mark.databases("sqlite")
def test_a_secret_is_kept_without_being_read_or_is_replaced(database: Engine) -> None:
    job_id = dead(samples.sign_in.name, user="ann", password=SECRET)
    client = signed_in(Role.ADMIN)
    page = client.get(f"{JOBS}/{job_id}/again").text
    assert "***" in page
    assert SECRET not in page
    kept = made_by(edited(client, job_id, {"user": "eve", "password": "***"})[1])
    replaced = made_by(edited(client, job_id, {"user": "ann", "password": "narrow"})[1])
    with reading() as session:
        for new_id, user, password in ((kept, "eve", SECRET), (replaced, "ann", "narrow")):
            kwargs = find_job(session, job_id=new_id).kwargs
            assert is_sealed(kwargs["password"])
            assert (kwargs["user"], unseal(kwargs["password"])) == (user, password)
    _, answer = edited(client, job_id, {"user": "ann", "password": ["***"]})
    assert (answer.status_code, "part of it is masked" in answer.text) == (422, True)
    assert SECRET not in json.dumps(noted())


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("", "no JSON object"),
        ("[1]", "it is another kind of value"),
        ('{"name": ', "at line 1 column"),
        ('{"name": "a", "name": "b"}', "name"),
        ('{"name": NaN}', "no JSON object"),
        ('{"name": "a\\u0000"}', "name"),
        ('{"name": "\\ud800"}', "name"),
        ({"name": "a", "times": 99}, "times: Input should be less than or equal to 10"),
        ({"nome": "a"}, "greet cannot take these arguments"),
        ("[" * 5_000, "nested deeper"),
    ],
)
def test_arguments_that_cannot_be_are_said_and_not_lost(
    database: Engine, arguments: Any, sentence: str
) -> None:
    job_id = dead()
    client = signed_in()
    _, answer = edited(client, job_id, arguments)
    assert (answer.status_code, sentence in unescape(answer.text)) == (422, True), unescape(answer.text)
    typed = arguments if isinstance(arguments, str) else json.dumps(arguments)
    assert typed[:1_000] in unescape(answer.text)
    assert (number_of(samples.greet.name), noted()) == (1, [])


@pytest.mark.databases("sqlite")
def test_a_new_job_needs_a_reason_and_the_form_of_its_page(database: Engine) -> None:
    job_id = dead()
    client = signed_in()
    for reason in ("", " ", "x" * 501, "a\x00b"):
        _, answer = edited(client, job_id, {"name": "Ada"}, reason=reason)
        assert (answer.status_code, "Nothing was done: " in answer.text) == (422, True)
    for once in ("", "x", "0" * 31, "0" * 10_000):
        _, answer = edited(client, job_id, {"name": "Ada"}, once=once)
        assert answer.status_code == 422
    _, answer = edited(client, job_id, {"name": "x" * 300_000})
    assert answer.status_code == 413
    assert number_of(samples.greet.name) == 1


@pytest.mark.databases("sqlite")
def test_more_than_a_form_sends_is_not_edited(database: Engine) -> None:
    job_id = dead(samples.take.name, value={"text": "я" * 40_000})
    answer = signed_in().get(f"{JOBS}/{job_id}/again")
    assert (answer.status_code, "at most 65,536 are edited here" in answer.text) == (422, True)


@pytest.mark.databases("sqlite")
def test_jobs_of_tasks_that_are_not_public_are_edited_by_administrators_alone(database: Engine) -> None:
    job_id = dead(samples.internal.name)
    change([job_id], kwargs={})
    operator = signed_in()
    answer = operator.get(f"{JOBS}/{job_id}/again")
    assert (answer.status_code, "is not public" in answer.text) == (422, True)
    assert f"{job_id}/again" not in operator.get(f"{JOBS}/{job_id}").text
    assert made_by(edited(signed_in(Role.ADMIN), job_id, {})[1])
    change([job_id], task="of.another.release")
    answer = operator.get(f"{JOBS}/{job_id}/again")
    assert answer.status_code == 403
