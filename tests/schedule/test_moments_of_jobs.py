"""A job knows the moment of the schedule that it is of, however late it runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from app.db.sessions import transaction
from app.jobs.accept import accept
from app.jobs.factory import new_job
from app.schedule.history import as_of, key_of

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.databases("sqlite"), pytest.mark.usefixtures("database")]
MOMENT = datetime(2026, 1, 31, tzinfo=UTC)


def of_job(key: str | None) -> datetime:
    with transaction() as session:
        [answer] = accept(session, [new_job("smoke.answer", key=key)])
        return as_of(session, job_id=answer.id)


@pytest.mark.parametrize("name", ["reports.daily", "evening: \N{SNOWMAN}\n:"])
def test_a_job_of_a_schedule_is_of_its_moment(name: str, configure: Callable[..., None]) -> None:
    assert of_job(key_of(name, MOMENT)) == MOMENT
    configure(pretend_now="2026-03-01T12:00:00Z")
    assert of_job(key_of(name, MOMENT)) == datetime(2026, 3, 1, 12, tzinfo=UTC), "a trial has one time"


@pytest.mark.parametrize(
    "key", [None, "mine", "schedule:mine", "schedule:mine:2026-01-31T00:00", "schedule:mine:2026-99-99T00"]
)
def test_any_other_job_is_of_now(key: str | None) -> None:
    begun = datetime.now(UTC)
    assert begun <= of_job(key) <= datetime.now(UTC) + timedelta(seconds=1)
