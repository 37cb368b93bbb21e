"""A release that could not fire a schedule says so before it is live."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from ansible.module_utils.groundwork.failures import Failure
from ansible.module_utils.groundwork.trial.schedules import unusable

from app.db.sessions import transaction
from app.schedule.defaults import seed
from app.schedule.models import ScheduleEntry
from tests.command_line import COMMAND, ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME = "banking.sync_all_accounts"

pytestmark = pytest.mark.databases("sqlite")


def checked(environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """What the release's own command line says."""
    return subprocess.run(
        [*COMMAND, "schedules", "check"],
        env={**environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )


def test_schedules_that_can_be_fired_are_no_obstacle(environment: dict[str, str]) -> None:
    with transaction() as session:
        seed(session)
    assert unusable(checked(environment), release="r2") == []


def test_a_schedule_that_cannot_be_fired_is_named_with_the_reason(environment: dict[str, str]) -> None:
    with transaction() as session:
        seed(session)
        session.get_one(ScheduleEntry, NAME).arguments = {"colour": "red"}
    (sentence,) = unusable(checked(environment), release="r2")
    assert sentence.startswith(f"The release r2 cannot fire the schedule {NAME}: ")
    assert "colour" in sentence


def test_a_check_that_does_not_come_to_an_answer_is_a_failure(environment: dict[str, str]) -> None:
    away = environment | {"GROUNDWORK_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
    with pytest.raises(Failure, match="The release r2 cannot check the schedules"):
        unusable(checked(away), release="r2")


def test_a_release_that_does_not_know_the_command_is_not_held_up(environment: dict[str, str]) -> None:
    done = subprocess.run(
        [*COMMAND, "schedules", "czech"],
        env={**environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert unusable(done, release="r0") == []
