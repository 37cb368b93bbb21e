"""Cancelling a running job ends its process and takes nothing from the job but this attempt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.jobs.models import Outcome, State
from tests.api_client import client_for
from tests.fleet import Fleet
from tests.jobs import running
from tests.sample import tasks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine


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
