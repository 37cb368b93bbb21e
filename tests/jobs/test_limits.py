"""Limited tasks: what may not begin yet is held in the ledger, over all workers, and occupies no process."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select, update

from app.db.clock import clock
from app.db.sessions import reading, transaction
from app.jobs.accept import accept
from app.jobs.declaration import partitions, registry
from app.jobs.factory import new_job
from app.jobs.ledger import held, store
from app.jobs.ledger.models import Attempt, Job, State
from app.jobs.publish.admission import Round
from tests.jobs.running import all_jobs, ended, job_of, jobs_named, wait_for_state
from tests.sample import tasks
from tests.servers import wait_until

if TYPE_CHECKING:
    from datetime import timedelta

    from tests.fleet import Fleet

pytestmark = pytest.mark.usefixtures("database")
APPLICATION = "tests.sample.application"


def admitted() -> list[str]:
    """The arguments of those whose messages are in the broker."""
    return [job.kwargs["tenant"] for job in all_jobs() if job.state == State.READY and job.published_at]


def test_a_flood_fills_its_window_and_another_tenant_gets_in_at_once() -> None:
    with transaction() as session:
        accept(session, [new_job(tasks.serve.name, kwargs={"tenant": "flood"}) for _ in range(1000)])
    tasks.serve.delay(tenant="small")
    assert sorted(admitted()) == ["flood"] * held.WINDOW + ["small"]
