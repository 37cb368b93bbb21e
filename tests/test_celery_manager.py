"""The manager script: a thin door, and honest about what a purge does."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.db.sessions import reading
from app.jobs.ledger.models import Job, State
from app.logs.failures import ExitCode
from tests.command_line import ROOT
from tests.jobs import samples

if TYPE_CHECKING:
    from collections.abc import Mapping

    import redis

    from tests.servers import RedisServer

#: What is tried here is the same with each database.
pytestmark = pytest.mark.databases("sqlite")


def manager(*arguments: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    script = [sys.executable, str(ROOT / "scripts" / "celery_manager.py")]
    return subprocess.run(
        [*script, *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def queue(redis_server: RedisServer) -> redis.Redis:
    return redis_server.client()


def messages(queue: redis.Redis) -> int:
    return sum(queue.llen(key) for key in queue.keys("*maintenance*") if queue.type(key) == b"list")


@pytest.mark.parametrize("command", ["worker", "beat", "flower", "active", "scheduled", "purge"])
def test_the_commands_of_old_are_there(command: str) -> None:
    outcome = manager(command, "--help", environment=os.environ)
    assert outcome.returncode == ExitCode.OK
    assert "Example: scripts/celery_manager.py" in outcome.stdout or "Example: groundwork" in outcome.stdout


def test_a_purge_that_nobody_confirms_changes_nothing(
    environment: dict[str, str], queue: redis.Redis
) -> None:
    samples.greet.delay("Ada")
    outcome = manager("purge", environment=environment)
    assert outcome.returncode == ExitCode.BAD_INPUT
    assert "--yes" in outcome.stderr
    assert messages(queue) == 1


def test_a_purge_cancels_the_jobs_that_it_removes(environment: dict[str, str], queue: redis.Redis) -> None:
    job_id = samples.greet.delay("Ada").id
    outcome = manager("purge", "--yes", environment=environment)
    assert outcome.returncode == ExitCode.OK
    assert outcome.stdout.startswith("1 jobs and messages removed.")
    assert "jobs retry" in outcome.stdout
    assert messages(queue) == 0
    with reading() as session:
        assert session.scalars(select(Job.state).where(Job.id == job_id)).one() == State.CANCELLED


def test_without_workers_nothing_is_active_and_that_is_said(environment: dict[str, str]) -> None:
    outcome = manager("active", environment=environment)
    assert outcome.returncode == ExitCode.UNREACHABLE
    assert "Traceback" not in outcome.stderr
