"""Schedules from the command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.db.sessions import reading
from app.jobs.declaration.registry import tasks
from app.jobs.ledger.models import Job, State
from app.logs.failures import ExitCode
from tests.command_line import Outcome, groundwork

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.usefixtures("database")

CLEANUP = "pricing.cleanup_expired_discounts"


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Runs `groundwork schedules ...`."""
    return lambda *arguments: groundwork(capsys, "schedules", *arguments)


def test_every_schedule_is_listed_with_its_next_time(command: Callable[..., Outcome]) -> None:
    listed = {row["task"]: row for row in json.loads(command("list", "--json").out)}
    assert set(listed) == {spec.name for spec in tasks().values() if spec.schedule is not None}
    assert all(row["next_fire_at"] for row in listed.values())


def test_the_list_for_people_says_when_in_words(command: Callable[..., Outcome]) -> None:
    assert "At 02:00 every day (UTC)" in command("list").out


def test_firing_accepts_a_job_at_once(command: Callable[..., Outcome]) -> None:
    job_id = command("fire", CLEANUP).out.strip()
    with reading() as session:
        job = session.scalars(select(Job).where(Job.id == job_id)).one()
    assert (job.task, job.state) == (CLEANUP, State.READY)


def test_an_unknown_schedule_suggests_the_nearest(command: Callable[..., Outcome]) -> None:
    outcome = command("fire", "pricing.cleanup_expired")
    assert outcome.code == ExitCode.FAILED
    assert CLEANUP in outcome.err
