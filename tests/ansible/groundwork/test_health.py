"""A deploy whose job does not get through says why, in the worker's own words."""

from __future__ import annotations

import os
from dataclasses import dataclass
from subprocess import CompletedProcess
from typing import TYPE_CHECKING, Any

import pytest
from ansible.module_utils.groundwork.host.instances import Instance
from ansible.module_utils.groundwork.switch.health import stuck_job
from sqlalchemy import text

from app.db.sessions import transaction
from app.topology import pool_named
from tests.command_line import ForkedCommand
from tests.servers import START_TIMEOUT_SECONDS

if TYPE_CHECKING:
    from tests.fleet import Fleet, Process

pytestmark = pytest.mark.databases("postgresql")

REFUSE_TO_FINISH = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the archive of this fleet is full'; END $$;
CREATE TRIGGER refuse BEFORE UPDATE ON job FOR EACH ROW WHEN (NEW.state = 'done') EXECUTE FUNCTION refuse()
"""


@dataclass(frozen=True)
class Fork:
    """The manager of workers that a test has started."""

    worker: Process

    def recent_output(self, instance: Any) -> str:
        assert instance.pool == self.worker.name
        return self.worker.log.read_text()


def failure(worker: Process, *, seconds: int) -> str:
    """What a deploy says when the smoke job of this worker's pool does not get done."""
    words = ("smoke", "--pool", worker.name, "--timeout", str(seconds))
    command = ForkedCommand(*words, environment=os.environ, folder=worker.log.parent)
    outcome = command.finished(seconds=seconds + START_TIMEOUT_SECONDS)
    assert outcome.code == 1, outcome.err
    smoke = CompletedProcess(words, outcome.code, stdout=outcome.out, stderr=outcome.err)
    instance = Instance(service="worker", pool=worker.name)
    return str(stuck_job(smoke, workers=[instance], manager=Fork(worker)))


def test_a_smoke_job_that_fails_tells_of_its_workers_own_error(fleet: Fleet) -> None:
    pool = pool_named("standard")
    worker = fleet.start_worker(pool.name, queues=",".join(pool.queues), processes=1)
    with transaction() as session:
        session.execute(text(REFUSE_TO_FINISH))

    said = failure(worker, seconds=30)

    assert said.splitlines()[0] == "A job did not get through the queue."
    assert "the archive of this fleet is full" in said.splitlines()[-1]
    assert 'The pool "standard" ran no job within 30 s' in said
