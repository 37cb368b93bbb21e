"""The evidence about a job: one document to hand on, in which nothing is that is not for others' eyes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text, update

from app.db.clock import clock
from app.db.sessions import transaction
from app.domains.accounts.roles import Role
from app.domains.audit.models import Operation
from app.domains.audit.records import moment, new_id
from app.jobs.accept import accept
from app.jobs.celery.task import task
from app.jobs.factory import new_job
from app.jobs.ledger.models import Attempt, Job, Outcome, State
from app.jobs.logged.models import JobLog
from app.logs.failures import ExitCode
from app.outbound.deliveries import service
from app.outbound.deliveries.models import DeliveryState
from app.outbound.deliveries.service import Outgoing
from app.tokens.scope import declare_scope
from tests.command_line import groundwork
from tests.console.browser import signed_in
from tests.domains.accounts.people import add_person
from tests.jobs import samples
from tests.jobs.ends import roll_up

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from starlette.testclient import TestClient

pytestmark = pytest.mark.usefixtures("redis_server")
TO, SECRET = "bob@example.org", "the pin is 1234"
DIARY = declare_scope("tests:secret-diary", "Keep a diary, in tests.", is_personal=True)


@task(public=True, scope=DIARY)
def confess(sin: str) -> None:
    """Is somebody's own."""


def failed(name: str = samples.greet.name, **arguments: Any) -> str:
    """A dead job that made a delivery, and that somebody retried before."""
    with transaction() as session:
        [job] = accept(session, [new_job(name, kwargs=arguments or {"name": "Ada"})])
        letter = Outgoing(key="letter", channel="email", recipient=TO, subject=SECRET, content={"to": [TO]})
        made = service.prepare(session, letter)
        made.state, made.job_id, made.error = DeliveryState.FAILED, job.id, f"{TO} is unknown"
        ended = {"state": State.DEAD.value, "error": "ValueError: no", "finished_at": clock(-60)}
        session.execute(update(Job).where(Job.id == job.id).values(started_at=clock(-61), fence=2, **ended))
        session.add(
            Attempt(
                job_id=job.id,
                fence=1,
                finished_at=clock(-90),
                outcome=Outcome.RETRIED,
                error="ValueError: no",
                traceback=f"line 1 of {name}",
            )
        )
        for number, path in enumerate((f"/api/v1/jobs/{job.id}/retry", f"/console/jobs/{job.id}x")):
            at = 10**18 + number
            session.add(
                Operation(
                    id=new_id(at=at),
                    at=moment(at),
                    user_id=1,
                    user_name="user:1",
                    address="10.1.2.3",
                    method="POST",
                    title="Retry",
                    path=path,
                    arguments={"reason": "why not"},
                    status=200,
                    milliseconds=1,
                    left_out=0,
                )
            )
        said = f"wrote to {TO}, which failed"
        session.add(JobLog(job_id=job.id, fence=1, first=0, lines=[[0, "INFO", "app", said]]))
    roll_up()
    return str(job.id)


def evidence(client: TestClient, job_id: str) -> dict[str, Any]:
    answer = client.get(f"/console/jobs/{job_id}/evidence.json")
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Disposition"] == f'attachment; filename="job-{job_id}.json"'
    assert answer.headers["Cache-Control"] == "no-store"
    document: dict[str, Any] = answer.json()
    return document


def test_all_that_is_known_of_a_job_is_in_one_document(
    database: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    add_person()
    job_id = failed()
    printed = groundwork(capsys, "jobs", "evidence", job_id[:20])
    assert printed.code == ExitCode.OK, printed.err
    found = json.loads(printed.out)
    assert found["about"] == f"job {job_id}"
    assert (found["job"]["state"], found["job"]["arguments"]) == ("dead", {"name": "Ada"})
    assert found["job"]["attempts"][0]["traceback"] == f"line 1 of {samples.greet.name}"
    [delivery] = found["deliveries"]
    assert (delivery["recipient"], delivery["subject"]) == ("***", "***")
    assert delivery["error"] == "*** is unknown"
    [act] = found["acts"]
    assert (act["user_name"], act["arguments"]) == ("user:1", {"reason": "why not"})
    [line] = found["log"]
    assert (line["logger"], line["message"]) == ("app", "wrote to ***, which failed")
    assert found["statistics"]["of its task"]["total"]["dead"] == 1
    assert found["versions"]["database"].startswith(database.dialect.name)
    assert found["versions"]["schema"] > "0034"
    for hidden in (TO, SECRET, "10.1.2.3"):
        assert hidden not in printed.out
    by_console = evidence(signed_in(Role.ADMIN), job_id)
    assert by_console.keys() == found.keys()
    assert by_console["job"] == found["job"]


@pytest.mark.databases("sqlite")
def test_what_is_personal_or_sealed_is_handed_on_by_nobody(
    database: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    personal = failed(confess.name, sin=SECRET)
    admin = signed_in(Role.ADMIN)
    for found in (
        evidence(admin, personal),
        json.loads(groundwork(capsys, "jobs", "evidence", personal).out),
    ):
        assert found["job"]["arguments"] == {"sin": "***"}
        assert {attempt["traceback"] for attempt in found["job"]["attempts"]} == {None}
        assert found["log"] == {"hidden_without": "*"}
        assert SECRET not in json.dumps(found)
    with transaction() as session:
        sealed = {"user": "ann", "password": SECRET}
        [job] = accept(session, [new_job(samples.sign_in.name, kwargs=sealed)])
    assert evidence(admin, job.id)["job"]["arguments"] == {"user": "ann", "password": "***"}


@pytest.mark.databases("sqlite")
def test_nobody_is_given_more_than_they_see(database: Engine) -> None:
    job_id = failed(samples.transfer.name, iban=SECRET)
    operator, viewer = signed_in(Role.OPERATOR), signed_in(Role.VIEWER)
    assert evidence(operator, job_id)["job"]["arguments"] == {"iban": SECRET}
    found = evidence(viewer, job_id)
    assert found["job"]["arguments"] == {"iban": "***"}
    assert SECRET not in json.dumps(found)
    # Of what people did, somebody who is no administrator sees their own; the viewer is another.
    assert (len(evidence(operator, job_id)["acts"]), found["acts"]) == (1, [])


@pytest.mark.databases("postgresql")
def test_what_takes_too_long_is_left_out_and_that_is_said(database: Engine) -> None:
    job_id = failed()
    client = signed_in(Role.ADMIN)
    with transaction() as session:
        session.execute(text("LOCK TABLE delivery IN ACCESS EXCLUSIVE MODE"))
        found = evidence(client, job_id)
    assert "longer than 400 ms" in found["deliveries"]["left_out"]
    assert found["job"]["id"] == job_id


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("job_id", ["none", "..", "%22%0d%0a", "x" * 200, "%D0%B6"])
def test_of_what_is_not_there_is_no_evidence(database: Engine, job_id: str) -> None:
    answer = signed_in().get(f"/console/jobs/{job_id}/evidence.json")
    assert (answer.status_code, "<h1>" in answer.text) == (404, True)
    assert "Content-Disposition" not in answer.headers
