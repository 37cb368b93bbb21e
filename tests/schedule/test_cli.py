"""Schedules from the command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.db.sessions import reading, transaction
from app.jobs.declaration.registry import tasks
from app.jobs.ledger.models import Job, State
from app.logs.failures import ExitCode
from app.schedule.defaults import seed
from app.schedule.models import ScheduleEntry
from tests.command_line import Outcome, groundwork

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.databases("sqlite")]

CLEANUP = "pricing.cleanup_expired_discounts"


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], database: Engine) -> Callable[..., Outcome]:
    """Runs `groundwork schedules ...`, where tasks have declared theirs."""
    with transaction() as session:
        seed(session)
    assert database
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


def test_a_schedule_is_made_changed_disabled_and_deleted(command: Callable[..., Outcome]) -> None:
    made = command(
        *("create", "nightly", "--task", "pricing.recompute_all_discounts", "--cron", "30 2 * * *"),
        *("--timezone", "Europe/Berlin", "--arg", "days_threshold=7", "--overlap", "skip", "--grace", "2h"),
    )
    assert "nightly: At 02:30 every day (Europe/Berlin); next at " in made.out
    command("change", "nightly", "--every", "15min")
    shown = json.loads(command("show", "nightly", "--json").out)
    assert (shown["cron"], shown["every_seconds"], shown["overlap"]) == (None, 900, "skip")
    assert (shown["arguments"], shown["grace_seconds"]) == ({"days_threshold": 7}, 7200)
    assert "does not fire" in command("disable", "nightly").out
    assert "next at" in command("enable", "nightly").out
    assert len(command("preview", "nightly", "--count", "3").out.split()) == 3
    job_id = command("fire", "nightly").out.strip()
    assert json.loads(command("runs", "nightly", "--json").out)[0]["job_id"] == job_id
    command("delete", "nightly")
    assert command("show", "nightly").code == ExitCode.FAILED


def test_a_default_is_edited_and_reset_but_not_deleted(command: Callable[..., Outcome]) -> None:
    declared = json.loads(command("show", CLEANUP, "--json").out)["cron"]
    command("change", CLEANUP, "--cron", "0 5 * * *")
    assert "edited" in command("list").out
    assert "Disable it instead" in command("delete", CLEANUP).err
    command("reset", CLEANUP)
    shown = json.loads(command("show", CLEANUP, "--json").out)
    assert (shown["cron"], shown["edited"]) == (declared, False)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--cron", "0 0 30 2 *"), "Bad day-of-month"),
        (("--cron", "*/5 0 2 * * *"), "6 fields"),
        (("--cron", "0 2 * * *", "--timezone", "Europe/Berlim"), 'Did you mean "Europe/Berlin"?'),
        (("--cron", "0 2 * * *", "--every", "5min"), "cron and every_seconds are given"),
        ((), "nothing of it is given"),
        (("--at", "2030-01-31 08:00"), "RFC 3339"),
        (("--at", "2020-01-31T08:00:00Z"), "would never fire"),
        (("--at", "9999-12-31T23:59:59Z"), "within 3660 days"),
        (("--every", "5min", "--ends-at", "2020-01-31T08:00:00Z"), "would never fire"),
        (("--every", "5min", "--queue", "emailz"), "emailz"),
        (("--every", "5min", "--arg", "days_threshold=soon"), "days_threshold"),
        (("--every", "5min", "--priority", "highest"), "priority"),
        (("--every", "5min", "--json-args", "[1]"), "must be an object"),
        (("--every", "5min", "--json-args", '{"days_threshold": NaN}'), "days_threshold"),
    ],
)
def test_what_cannot_be_fired_is_refused_in_a_sentence(
    command: Callable[..., Outcome], options: tuple[str, ...], said: str
) -> None:
    outcome = command("create", "odd", "--task", "pricing.recompute_all_discounts", *options)
    assert outcome.code == ExitCode.BAD_INPUT
    assert said in outcome.err
    assert "Traceback" not in outcome.err
    assert command("show", "odd").code == ExitCode.FAILED


@pytest.mark.parametrize("name", ["", "-", "a b", "a/b", "näme", "a" * 201, "a\x00b"])
def test_a_name_that_cannot_be_one_is_refused(command: Callable[..., Outcome], name: str) -> None:
    outcome = command("create", "--task", "pricing.recompute_all_discounts", "--every", "5min", "--", name)
    assert outcome.code != ExitCode.OK
    assert "is not usable" in outcome.err


def test_a_check_names_what_cannot_be_fired(command: Callable[..., Outcome]) -> None:
    assert command("check").code == ExitCode.OK
    with transaction() as session:
        session.get_one(ScheduleEntry, CLEANUP).task = "pricing.cleanup"
    outcome = command("check")
    assert outcome.code == ExitCode.FAILED
    assert outcome.out.startswith(f"{CLEANUP}: ")
