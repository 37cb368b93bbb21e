"""Cancelling a running job ends its process and takes nothing from the job but this attempt."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from app.celery_app import celery_app
from app.jobs.ledger import store
from app.jobs.ledger.models import Outcome, State
from tests.api_client import client_for
from tests.checkout import ROOT
from tests.fleet import Fleet
from tests.jobs import running
from tests.jobs.conftest import point_celery_at_broker
from tests.sample import tasks
from tests.servers import stretched, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine


@pytest.fixture(autouse=True)
def _remote_control(database: Engine) -> None:
    """What Celery sends itself goes where the workers are."""
    assert database
    point_celery_at_broker()


@pytest.fixture
def fleet(database: Engine, tmp_path: Path) -> Iterator[Fleet]:
    """One worker with a single process: what holds it up is seen by the next job."""
    started = Fleet(folder=tmp_path)
    started.start_worker(processes=1)
    yield started
    started.close()


@pytest.mark.usefixtures("fleet")
def test_a_cancelled_running_job_is_stopped_and_can_be_retried(tmp_path: Path) -> None:
    api = client_for()
    gate = tmp_path / "gate"
    job_id = tasks.wait_for_file.delay(str(gate)).id
    running.wait_for_state(job_id, State.RUNNING)
    assert api.post(f"/api/v1/jobs/{job_id}/cancel").json()["state"] == "cancelled"
    next_job = tasks.add.delay(1, 2).id
    assert running.ended(next_job).state == State.DONE, "the process is free again"
    assert running.job_of(job_id).state == State.CANCELLED
    gate.touch()
    assert api.post(f"/api/v1/jobs/{job_id}/retry").json()["state"] == "ready"
    assert running.ended(job_id).state == State.DONE
    outcomes = [attempt["outcome"] for attempt in api.get(f"/api/v1/jobs/{job_id}").json()["attempts"]]
    assert outcomes == [Outcome.CANCELLED, Outcome.DONE]


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize("command", ["revoke", "terminate"])
def test_a_job_that_celerys_remote_control_revoked_can_be_retried(tmp_path: Path, command: str) -> None:
    api, gate = client_for(), tmp_path / "gate"
    waiting = tasks.add.apply_async((1, 2), countdown=3600).id
    never_heard_of = "accepted-only-later"
    celery_control(command, waiting, never_heard_of)
    running.wait_for_state(waiting, State.CANCELLED)
    assert api.post(f"/api/v1/jobs/{waiting}/retry").json()["state"] == "ready"
    assert running.ended(waiting).state == State.DONE
    assert running.ended(tasks.add.apply_async((1, 2), task_id=never_heard_of).id).state == State.DONE
    job_id = tasks.wait_for_file.delay(str(gate)).id
    running.wait_for_state(job_id, State.RUNNING)
    celery_control(command, job_id)
    if command == "terminate":
        running.wait_for_state(job_id, State.CANCELLED)
        assert running.ended(tasks.add.delay(1, 2).id).state == State.DONE, "the process is free again"
        api.post(f"/api/v1/jobs/{job_id}/retry")
    gate.touch()
    assert running.ended(job_id).state == State.DONE


def celery_control(command: str, *job_ids: str) -> None:
    """What `celery control COMMAND ID` sends, with the worker's answer waited for."""
    arguments = {"task_id": list(job_ids), **({"signal": "SIGTERM"} if command == "terminate" else {})}
    control: Any = celery_app.control

    def answers() -> list[dict[str, Any]]:
        return control.broadcast(command, arguments=arguments, reply=True, timeout=2, limit=1) or []

    # A worker that has just become ready listens a moment later, and what was sent before is not kept.
    [answer] = wait_until(answers, seconds=20, what="the worker answers")
    assert "ok" in next(iter(answer.values()))


@pytest.mark.usefixtures("database")
def test_purge_cancels_what_it_says_it_removed(
    tmp_path: Path,
) -> None:
    waiting = [tasks.add.delay(1, 2).id, tasks.add.apply_async((1, 2), countdown=3600).id]
    elsewhere, held = tasks.add.apply_async((1, 2), queue="emails").id, tasks.add.delay(3, 4).id
    store.claim(store.connection(), [store.Message(held, 0)], worker="here#1")
    tasks.touch.delay(str(tmp_path / "light"))
    purge = [sys.executable, "-m", "celery", "-A", "app.celery_app", "purge", "-f", "-Q", "default"]
    done = subprocess.run(
        purge,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=stretched(60),
    )
    # Two jobs, a non-durable task, and the message of the job that is held: it is no job's any more.
    assert "Purged 4 messages from 1 known task queue" in done.stdout, done.stderr
    assert {running.job_of(job_id).state for job_id in waiting} == {State.CANCELLED}
    assert running.job_of(waiting[0]).error == "purged"
    assert (running.job_of(elsewhere).state, running.job_of(held).state) == (State.READY, State.RUNNING)
    assert celery_app.control.purge() == 1
    assert running.job_of(elsewhere).state == State.CANCELLED
