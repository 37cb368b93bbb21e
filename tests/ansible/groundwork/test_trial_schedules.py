"""A release that could not fire a schedule says so before it is live."""

from __future__ import annotations

from subprocess import CompletedProcess
from typing import TYPE_CHECKING

import pytest
from ansible.module_utils.groundwork.failures import Failure
from ansible.module_utils.groundwork.trial.schedules import unusable

from app.db.sessions import transaction
from app.schedule.defaults import seed
from app.schedule.models import ScheduleEntry
from tests.command_line import groundwork

if TYPE_CHECKING:
    from collections.abc import Callable

NAME = "banking.sync_all_accounts"
CHECK = ("schedules", "check")

pytestmark = pytest.mark.databases("sqlite")


@pytest.fixture
def run(database: object, capsys: pytest.CaptureFixture[str]) -> Callable[..., CompletedProcess[str]]:
    """What the release's own command line says."""
    assert database

    def run(*arguments: str) -> CompletedProcess[str]:
        outcome = groundwork(capsys, *arguments)
        return CompletedProcess(arguments, outcome.code, stdout=outcome.out, stderr=outcome.err)

    return run


def test_schedules_that_can_be_fired_are_no_obstacle(run: Callable[..., CompletedProcess[str]]) -> None:
    with transaction() as session:
        seed(session)
    assert unusable(run(*CHECK), release="r2") == []


def test_a_schedule_that_cannot_be_fired_is_named_with_the_reason(
    run: Callable[..., CompletedProcess[str]],
) -> None:
    with transaction() as session:
        seed(session)
        session.get_one(ScheduleEntry, NAME).arguments = {"colour": "red"}
    (sentence,) = unusable(run(*CHECK), release="r2")
    assert sentence.startswith(f"The release r2 cannot fire the schedule {NAME}: ")
    assert "colour" in sentence


def test_a_check_that_does_not_come_to_an_answer_is_a_failure(
    run: Callable[..., CompletedProcess[str]], configure: Callable[..., None]
) -> None:
    configure(database_url="postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(Failure, match="The release r2 cannot check the schedules"):
        unusable(run(*CHECK), release="r2")


def test_a_release_that_does_not_know_the_command_is_not_held_up(
    run: Callable[..., CompletedProcess[str]],
) -> None:
    assert unusable(run("schedules", "czech"), release="r0") == []
