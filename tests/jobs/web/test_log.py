"""What a job has logged is told by the API and on the command line, to whom it may be."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from app.db.sessions import transaction
from app.jobs.accept import accept
from app.jobs.factory import new_job
from app.jobs.logged.models import JobLog
from app.jobs.scopes import READ
from app.logs.failures import ExitCode
from tests.api_client import client_for
from tests.command_line import groundwork
from tests.jobs import samples

if TYPE_CHECKING:
    from starlette.testclient import TestClient

pytestmark = [pytest.mark.databases("sqlite"), pytest.mark.usefixtures("database")]
AT = 1_795_952_876.6
WORDS = "synced \x1b[31m\ud800 DE02 1203"


def logged(task: str = samples.greet.name, **arguments: Any) -> str:
    """A job that has logged something in its first attempt and, after much else, at its end."""
    with transaction() as session:
        [job] = accept(session, [new_job(task, kwargs=arguments or {"name": "Ada"})])
        for first, message in ((0, "begun"), (12_000, WORDS)):
            session.add(JobLog(job_id=job.id, fence=1, first=first, lines=[[AT, "INFO", "app", message]]))
    return str(job.id)


def test_the_lines_of_a_job_are_given(api: TestClient) -> None:
    found = api.get(f"/api/v1/jobs/{logged()}/log").json()
    assert found["hidden_without"] is None
    begun, synced = found["lines"]
    assert begun == {
        "fence": 1,
        "at": "2026-11-29T11:47:56.600000Z",
        "level": "INFO",
        "logger": "app",
        "message": "begun",
        "left_out": 0,
    }
    assert (synced["message"], synced["left_out"]) == ("synced \x1b[31m\\ud800 DE02 1203", 11_999)


def test_a_job_that_has_said_nothing_has_no_lines_and_none_is_not_found(api: TestClient) -> None:
    with transaction() as session:
        [job] = accept(session, [new_job(samples.greet.name, kwargs={"name": "Ada"})])
    assert api.get(f"/api/v1/jobs/{job.id}/log").json() == {"lines": [], "hidden_without": None}
    for unknown in ("nothing", "%E2%80%AE", "x" * 200):
        assert api.get(f"/api/v1/jobs/{unknown}/log").status_code == 404
    assert api.get(f"/api/v1/jobs/{'x' * 201}/log").status_code == 422


def test_who_may_not_see_what_is_in_a_job_does_not_see_what_it_says() -> None:
    job_id = logged(samples.transfer.name, iban="DE02 1203")
    with client_for(READ) as client:
        answer = client.get(f"/api/v1/jobs/{job_id}/log")
    assert answer.json() == {"lines": [], "hidden_without": samples.HELD}
    with client_for(READ, samples.HELD) as client:
        assert "DE02" in client.get(f"/api/v1/jobs/{job_id}/log").text


def test_a_terminal_shows_the_lines(capsys: pytest.CaptureFixture[str]) -> None:
    job_id = logged()
    printed = groundwork(capsys, "jobs", "log", job_id[:24])
    assert printed.code == ExitCode.OK, printed.err
    stamp = "2026-11-29T11:47:56.600Z attempt 1 INFO app:"
    assert printed.out.splitlines() == [
        f"{stamp} begun",
        "[11,999 lines left out]",
        f"{stamp} synced \\x1b[31m\\ud800 DE02 1203",
    ]
    as_json = json.loads(groundwork(capsys, "jobs", "log", job_id, "--json").out)
    assert [line["left_out"] for line in as_json] == [0, 11_999]


def test_a_terminal_is_told_that_there_is_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with transaction() as session:
        [job] = accept(session, [new_job(samples.greet.name, kwargs={"name": "Ada"})])
    printed = groundwork(capsys, "jobs", "log", job.id)
    assert (printed.code, printed.out) == (ExitCode.OK, "")
    assert "logged nothing" in printed.err
    assert groundwork(capsys, "jobs", "log", "nothing").code == ExitCode.FAILED
