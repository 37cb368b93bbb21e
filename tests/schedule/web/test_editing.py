"""Edits of a schedule: seen before they are made, made once, and refused to whoever saw another schedule."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from app.db.clock import now as db_now
from app.db.sessions import reading, transaction
from app.errors import InvalidInput
from app.schedule import defaults, service
from app.schedule.errors import NoDefault, ScheduleChanged
from app.schedule.views import ScheduleChange, ScheduleDraft
from app.schedule.web import editing
from app.schedule.web.editing import Edit, Preview

if TYPE_CHECKING:
    from app.schedule.models import ScheduleEntry

pytestmark = pytest.mark.usefixtures("database")
NAME, TASK = "watched", "pricing.recompute_all_discounts"
#: A task that declares a schedule.
DECLARED = "pricing.cleanup_expired_discounts"


@pytest.fixture(autouse=True)
def schedule(database: object) -> None:
    with transaction() as session:
        draft = {"name": NAME, "task": TASK, "cron": "0 2 * * *"}
        service.create(session, ScheduleDraft.model_validate(draft))


def entry(name: str = NAME) -> ScheduleEntry:
    with reading() as session:
        return service.find(session, name)


def edited(*, version: int, name: str = NAME, **wanted: Any) -> Edit | None:
    with transaction() as session:
        return editing.edit(session, name, ScheduleChange.model_validate(wanted), version=version)


def previewed(**wanted: Any) -> Preview:
    with reading() as session:
        return editing.preview(session, NAME, ScheduleChange.model_validate(wanted))


def test_a_preview_shows_what_would_be_and_changes_nothing() -> None:
    before = entry()
    found = previewed(every_seconds=3_600, jitter_seconds=5)
    assert [later - moment for moment, later in zip(found.moments, found.moments[1:], strict=False)] == [
        timedelta(hours=1)
    ] * (editing.MOMENTS - 1)
    assert found.weekly == 168
    assert found.entry.jitter_seconds == 5
    after = entry()
    assert (after.cron, after.version, after.next_at) == (before.cron, before.version, before.next_at)


def test_moments_are_those_of_the_zones_clock_over_its_change() -> None:
    found = previewed(cron="30 2 28 3 *", timezone="Europe/Berlin", starts_at="2027-01-01T00:00:00Z")
    # At half past two there is no such time that night: it fires when the clocks have gone on.
    assert found.moments[0] == datetime(2027, 3, 28, 1, 0, tzinfo=UTC)


def test_an_edit_tells_what_it_changed_and_is_made_once() -> None:
    version = entry().version
    done = edited(version=version, cron="0 3 * * *", timezone="Europe/Berlin", overlap="skip")
    assert done == Edit(
        before={"timezone": "UTC", "cron": "0 2 * * *", "overlap": "allow"},
        after={"timezone": "Europe/Berlin", "cron": "0 3 * * *", "overlap": "skip"},
    )
    assert entry().version == version + 1
    assert edited(version=version, cron="0 3 * * *", timezone="Europe/Berlin", overlap="skip") is None
    assert entry().version == version + 1


def test_of_two_who_saw_the_same_the_second_is_told() -> None:
    version = entry().version
    edited(version=version, cron="0 3 * * *")
    with pytest.raises(ScheduleChanged):
        edited(version=version, cron="0 4 * * *")
    assert entry().cron == "0 3 * * *"


def test_a_moment_is_told_as_text() -> None:
    done = edited(version=entry().version, starts_at="2027-01-31T08:00:00Z")
    assert done
    assert done.after == {"starts_at": "2027-01-31T08:00:00+00:00"}


@pytest.mark.parametrize(
    "wanted",
    [
        {"cron": "0 0 30 2 *"},
        {"cron": "0 2 * * *", "every_seconds": 60},
        {"timezone": "Mars"},
        {"cron": None},
    ],
)
def test_what_cannot_be_is_refused_before_it_is_saved(wanted: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        previewed(**wanted)
    with pytest.raises(InvalidInput):
        edited(version=entry().version, **wanted)
    assert entry().cron == "0 2 * * *"


def test_edits_of_a_default_are_taken_back_once_by_who_saw_them() -> None:
    with transaction() as session:
        defaults.seed(session)
    before = entry(DECLARED)
    edited(name=DECLARED, version=before.version, cron="7 7 * * *", success_within_seconds=60)
    with pytest.raises(ScheduleChanged), transaction() as session:
        editing.take_back(session, DECLARED, version=before.version)
    with transaction() as session:
        done = editing.take_back(session, DECLARED, version=before.version + 1)
        assert done
        assert done.before["cron"] == "7 7 * * *"
    assert (entry(DECLARED).edited, entry(DECLARED).cron) == (False, before.cron)
    with transaction() as session:
        assert editing.take_back(session, DECLARED, version=before.version) is None


def test_one_that_no_task_declares_has_nothing_to_go_back_to() -> None:
    with pytest.raises(NoDefault), transaction() as session:
        editing.take_back(session, NAME, version=entry().version)


def test_an_edit_does_not_pass_over_moments_that_it_leaves() -> None:
    with reading() as session:
        now = db_now(session)
    before = entry()
    edited(version=before.version, jitter_seconds=60)
    after = entry()
    assert (after.seen_until, after.next_at) == (before.seen_until, before.next_at)
    assert before.seen_until <= now
